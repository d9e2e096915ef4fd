import { deepEqual, equal } from "node:assert/strict";
import { Bootstrap, MAX_PROPOSE_MS, RETRY_MS } from "./bootstrap.ts";
import { NO_CLAIMS } from "./consensus.ts";

const MAJORITY = { kind: "consensus", peers: 3 } as const;

function made(init: typeof MAJORITY | { readonly kind: "founding" } = MAJORITY): Bootstrap {
  return new Bootstrap({ self: 1, uid: 11n, init, stored: undefined });
}

Deno.test("Bootstrap.tick() tells every 5 s, and proposes in ever longer pauses", () => {
  const bootstrap = made();
  bootstrap.want(0);
  const rounds = new Map<number, number>([[0, bootstrap.takeChange()?.own.promise.round ?? 0]]);
  for (let now = RETRY_MS; now <= 12 * RETRY_MS; now += RETRY_MS) {
    equal(bootstrap.tick(now).broadcast, true);
    const round = bootstrap.takeChange()?.own.promise.round;
    if (round !== undefined) rounds.set(now, round);
  }
  deepEqual([...rounds], [[0, 1], [5_000, 2], [15_000, 3], [35_000, 4], [55_000, 5]]);
  equal(MAX_PROPOSE_MS, 20_000);
});

Deno.test("Bootstrap.hear() promises to follow another at once, between its own proposals too", () => {
  const bootstrap = made();
  bootstrap.want(0);
  const theirs = { name: 3, uid: 33n };
  const promise = { round: 7, proposer: theirs };
  const claims = [[theirs, { ...NO_CLAIMS, promise }]] as const;
  equal(bootstrap.hear(3, { kind: "claims", claims }, true, 10).broadcast, true);
  deepEqual(bootstrap.takeChange()?.own.promise, promise);
});

Deno.test("Bootstrap.want() seeds at once when we were told of nobody", () => {
  const bootstrap = made({ kind: "founding" });
  deepEqual(bootstrap.want(0), { broadcast: true });
  bootstrap.founding.setTargets([]);
  deepEqual(bootstrap.review(1), { broadcast: true, seed: [1] });
});

Deno.test("Bootstrap.tick() wants nothing more when there is a ring", () => {
  const bootstrap = made();
  bootstrap.want(0);
  bootstrap.end();
  equal(bootstrap.deadline(), Infinity);
  deepEqual(bootstrap.tick(RETRY_MS), { broadcast: false });
});

Deno.test("Bootstrap goes on as the node that it was when it starts again", () => {
  const before = made();
  before.want(0);
  const stored = before.takeChange();
  const again = new Bootstrap({ self: 1, uid: 99n, init: MAJORITY, stored });
  again.want(0);
  const change = again.takeChange();
  equal(change?.uid, 11n);
  equal(change?.own.promise.round, 2);
});
