import assert from "node:assert/strict";
import fc from "fast-check";
import vectors from "../tests/vectors/conn-tiebreak.json" with { type: "json" };
import type { Features } from "./features.ts";
import { connectionId, label, negotiateOverlays, objectionTo, tieBreak } from "./registration.ts";

const UINT64_MAX = 2n ** 64n - 1n;
const LOCAL = { name: 0x020000000001, nickname: "host1", uid: 7n };

function remote(change: Partial<Features>): Features {
  return {
    ...LOCAL,
    connId: 1n,
    shortId: undefined,
    trusted: false,
    overlays: ["sleeve"],
    weft: false,
    liveness: false,
    digest: false,
    ...change,
  };
}

Deno.test("tieBreak() agrees with the vectors", () => {
  for (const c of vectors.cases) {
    assert.equal(tieBreak(BigInt(c.new_conn_uid), BigInt(c.existing_conn_uid)), c.result);
  }
});

Deno.test("connectionId() makes the tie-break keep what exists when a weft peer dials again", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, UINT64_MAX), fc.bigInt(0n, UINT64_MAX), (a, b) => {
      const first = connectionId(a, []) ^ connectionId(b, undefined);
      const second = connectionId(b, [first]) ^ connectionId(a, undefined);
      const third = connectionId(a, [first, second]) ^ connectionId(b, undefined);
      assert.equal(tieBreak(second, first), "keep_existing");
      assert.equal(tieBreak(third, second), "keep_existing");
    }),
  );
});

Deno.test("connectionId() stays within 64 bits and is not zero when ranks are used up", () => {
  const full = connectionId(0n, [UINT64_MAX]);
  assert.equal(full >> 48n, 0xffffn);
  assert.notEqual(connectionId(0n, undefined), 0n);
});

Deno.test("objectionTo() refuses ourselves and others with our name, and nobody else", () => {
  assert.deepEqual(objectionTo(remote({}), LOCAL), {
    reason: "cannot connect to ourself",
    never: true,
    ourself: true,
  });
  assert.deepEqual(objectionTo(remote({ uid: 8n, nickname: "host2" }), LOCAL), {
    reason:
      'local "02:00:00:00:00:01(host1)" and remote "02:00:00:00:00:01(host2)" peer names collision',
    never: true,
    ourself: false,
  });
  assert.equal(objectionTo(remote({ name: 2 }), LOCAL), undefined);
  assert.equal(label(2, ""), "00:00:00:00:00:02()");
});

Deno.test("negotiateOverlays() returns the common list or why there is none", () => {
  assert.deepEqual(negotiateOverlays(["kite", "sleeve"], ["sleeve"]), [{
    index: 0,
    name: "sleeve",
  }]);
  for (const theirs of [undefined, [], ["Sleeve"], ["sleeve", "kite"]]) {
    assert.equal(typeof negotiateOverlays(["kite", "sleeve"], theirs), "string");
  }
});

Deno.test("negotiateOverlays() numbers sleeve 1 between weft peers, and 0 towards others", () => {
  const ours = ["weft-shuttle", "sleeve"];
  const sleeve = (index: number): unknown => ({ index, name: "sleeve" });
  const shuttle = { index: 0, name: "weft-shuttle" };
  assert.deepEqual(negotiateOverlays(ours, ours), [shuttle, sleeve(1)]);
  assert.deepEqual(negotiateOverlays(ours, ["sleeve"]), [sleeve(0)]);
  assert.deepEqual(negotiateOverlays(ours, ["fastdp", "sleeve"]), [sleeve(0)]);
  assert.deepEqual(negotiateOverlays(["sleeve"], ours), [sleeve(0)]);
});
