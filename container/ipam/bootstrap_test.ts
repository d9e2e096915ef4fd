import { deepEqual, equal } from "node:assert/strict";
import { Bootstrap } from "./bootstrap.ts";
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
  deepEqual(bootstrap.hear(content, true, 0), { broadcast: false });
  deepEqual(bootstrap.content(), { kind: "nothing" });
  equal(bootstrap.waitsFor(), "the vote of host2(00:00:00:00:00:02)");
});

Deno.test("Bootstrap.want() asks for a ring when the real peer that we were told of said nothing", () => {
  const bootstrap = toldOfReal();
  deepEqual(bootstrap.want(0), { broadcast: true });
  deepEqual(bootstrap.content(), { kind: "nothing" });
});

Deno.test("Bootstrap.hear() votes when the real peer that we were told of does", () => {
  const bootstrap = toldOfReal();
  deepEqual(bootstrap.hear({ kind: "claims", claims: proposal(REAL) }, true, 0), {
    broadcast: true,
  });
  equal(bootstrap.content().kind, "claims");
});
