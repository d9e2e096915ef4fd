import { deepEqual, equal } from "node:assert/strict";
import { Bootstrap, REAL_SILENCE_MS, REAL_VOTE_DELAY_MS } from "./bootstrap.ts";
import { type Claims, NO_CLAIMS } from "./consensus.ts";

const [US, REAL, OTHER] = [1, 2, 3];

/** We were told of a real peer; another one was told of us. */
function toldOfReal(): Bootstrap {
  const options = { self: US, uid: 7n, init: { kind: "founding" }, stored: undefined } as const;
  const bootstrap = new Bootstrap(options);
  bootstrap.founding.setPeers([US, REAL, OTHER].map((name) => ({
    name,
    nickname: `host${name}`,
    reachable: true,
    weft: name === US,
  })));
  bootstrap.founding.setTargets([{ text: "192.0.2.2", peer: REAL }]);
  return bootstrap;
}

function proposal(name: number): Claims {
  const node = { name, uid: 9n };
  return [[node, { ...NO_CLAIMS, promise: { round: 1, proposer: node } }]];
}

Deno.test("Bootstrap.hear() helps nobody to a quorum before the real peer that we were told of votes", () => {
  const bootstrap = toldOfReal();
  const content = { kind: "claims", claims: proposal(OTHER) } as const;
  deepEqual(bootstrap.hear(OTHER, content, true, 0), { broadcast: false });
  deepEqual(bootstrap.content(), { kind: "nothing" });
  equal(bootstrap.waitsFor(), "the vote of host2(00:00:00:00:00:02)");
});

Deno.test("Bootstrap.want() asks for a ring when the real peer that we were told of said nothing", () => {
  const bootstrap = toldOfReal();
  deepEqual(bootstrap.want(0), { broadcast: true });
  deepEqual(bootstrap.content(), { kind: "nothing" });
});

Deno.test("Bootstrap.hear() votes when the real peer that we were told of does, and no ring has come", () => {
  const bootstrap = toldOfReal();
  const content = { kind: "claims", claims: proposal(REAL) } as const;
  deepEqual(bootstrap.hear(REAL, content, true, 0), { broadcast: true });
  deepEqual(bootstrap.content(), { kind: "nothing" });
  equal(bootstrap.waitsFor(), "a ring that others may have already");
  equal(bootstrap.deadline(), REAL_VOTE_DELAY_MS);
  equal(bootstrap.tick(REAL_VOTE_DELAY_MS).broadcast, true);
  equal(bootstrap.content().kind, "claims");
});

Deno.test("Bootstrap.hear() founds as soon as a real peer has no ring, as it may vote for one", () => {
  const bootstrap = toldOfReal();
  bootstrap.founding.setTargets([]);
  const content = { kind: "nothing" } as const;
  deepEqual(bootstrap.hear(REAL, content, false, 0), { broadcast: true, seed: [US] });
});

Deno.test("Bootstrap.hear() asks the founder when a real peer has no ring", () => {
  const bootstrap = toldOfReal();
  bootstrap.founding.hear([{ name: OTHER, serial: 1, role: "founder", targets: [] }]);
  deepEqual(bootstrap.hear(REAL, { kind: "nothing" }, false, 0), { broadcast: true });
  equal(bootstrap.waiting, true);
});

Deno.test("Bootstrap.hear() helps real peers to no ring beside that of a founder", () => {
  const bootstrap = toldOfReal();
  bootstrap.founding.hear([{ name: OTHER, serial: 1, role: "founder", targets: [] }]);
  bootstrap.hear(REAL, { kind: "claims", claims: proposal(REAL) }, true, 0);
  deepEqual(bootstrap.content(), { kind: "nothing" });
  equal(bootstrap.waitsFor(), "the ring of host3(00:00:00:00:00:03), the founder");
});

Deno.test("Bootstrap.tick() founds when a real peer has said nothing for a while", () => {
  const bootstrap = toldOfReal();
  bootstrap.founding.setTargets([]);
  deepEqual(bootstrap.review(0), { broadcast: false });
  bootstrap.review(1_000);
  equal(bootstrap.deadline(), REAL_SILENCE_MS);
  deepEqual(bootstrap.tick(REAL_SILENCE_MS), { broadcast: true, seed: [US] });
});

Deno.test("Bootstrap.review() wants no ring when the real peer has gone", () => {
  const bootstrap = toldOfReal();
  bootstrap.founding.setTargets([]);
  bootstrap.review(0);
  bootstrap.founding.setPeers([{ name: US, nickname: "", reachable: true, weft: true }]);
  bootstrap.review(1_000);
  equal(bootstrap.deadline(), Infinity);
});
