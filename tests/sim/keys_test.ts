/**
 * Three peers agree on keys over a network that loses, repeats, delays and replays, while they restart and traffic comes
 * and goes: whenever both ends have a key it is the same, no key id is used twice, and in the end all are joined.
 *
 * @module
 */

import assert from "node:assert/strict";
import fc from "fast-check";
import { must, type PeerName } from "../../base/mod.ts";
import { KeyWorld, nameOf } from "../helpers/key_world.ts";
import { replay, runSize } from "../helpers/run_size.ts";
import { BadLink } from "../helpers/underlay.ts";

/** A message as somebody on the way has seen it. */
interface Seen {
  readonly from: PeerName;
  readonly to: PeerName;
  readonly payload: Uint8Array;
}

/** What happens in a random run. */
type Step =
  | { readonly kind: "run"; readonly ms: number }
  | { readonly kind: "exhausted" | "wanted" | "restart"; readonly n: number; readonly m: number }
  | { readonly kind: "replay"; readonly which: number }
  | { readonly kind: "data"; readonly works: boolean };

const who = { n: fc.integer({ min: 1, max: 3 }), m: fc.integer({ min: 1, max: 3 }) };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("run" as const), ms: fc.integer({ min: 1, max: 30_000 }) }),
  fc.record({
    kind: fc.constantFrom("exhausted" as const, "wanted" as const, "restart" as const),
    ...who,
  }),
  fc.record({ kind: fc.constant("replay" as const), which: fc.nat() }),
  fc.record({ kind: fc.constant("data" as const), works: fc.boolean() }),
);

/** The helper's data plane checks all along that keys are equal, ids unique and not used again too early. */
function play(seed: number, steps: readonly Step[]): void {
  const world = new KeyWorld();
  const faults = { loss: 0.3, duplication: 0.2, reorder: 0.2, reorderMs: 15_000, jitterMs: 800 };
  const link = new BadLink(faults, seed);
  const seen: Seen[] = [];
  world.delays = (from, to, payload) => {
    seen.push({ from, to, payload: payload.slice() });
    return link.send().map((delay) => delay + 1);
  };
  for (const n of [1, 2, 3]) world.start(n);
  world.meet();
  for (const each of steps) {
    if (each.kind === "run") world.run(each.ms);
    else if (each.kind === "data") world.data = each.works;
    else if (each.kind === "replay") {
      const old = must(seen[each.which % seen.length], "message");
      world.node(old.to)?.feed({ kind: "received", from: old.from, payload: old.payload });
    } else if (each.kind === "restart") {
      world.start(each.n);
      world.meet();
    } else world.node(nameOf(each.n))?.feed({ kind: each.kind, peer: nameOf(each.m) });
  }
  link.faults = {};
  world.data = true;
  world.run(400_000);
  for (const [n, m] of [[1, 2], [1, 3], [2, 3]] as const) {
    const [one, two] = [must(world.node(nameOf(n)), "node"), must(world.node(nameOf(m)), "node")];
    assert.ok(two.opens(n).includes(one.sendsWith(m) ?? "none"), `${n} to ${m}`);
    assert.ok(one.opens(m).includes(two.sendsWith(n) ?? "none"), `${m} to ${n}`);
    assert.ok(one.state(m).startsWith("ready") && two.state(n).startsWith("ready"));
  }
}

Deno.test("KeyAgreement gives both ends equal keys over a network that loses, repeats and reorders", () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(step, { maxLength: 30 }), play),
    { numRuns: runSize("scenarios", 300, 20_000), ...replay() },
  );
});
