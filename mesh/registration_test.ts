import assert from "node:assert/strict";
import vectors from "../tests/vectors/conn-tiebreak.json" with { type: "json" };
import type { Features } from "./features.ts";
import { label, negotiateOverlays, objectionTo, tieBreak } from "./registration.ts";

const LOCAL = { name: 0x020000000001, nickname: "host1", uid: 7n };

function remote(change: Partial<Features>): Features {
  return {
    ...LOCAL,
    connId: 1n,
    shortId: undefined,
    trusted: false,
    overlays: ["sleeve"],
    weft: false,
    digest: false,
    ...change,
  };
}

Deno.test("tieBreak() agrees with the vectors", () => {
  for (const c of vectors.cases) {
    assert.equal(tieBreak(BigInt(c.new_conn_uid), BigInt(c.existing_conn_uid)), c.result);
  }
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
