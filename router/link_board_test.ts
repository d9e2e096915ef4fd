import { deepEqual, equal } from "node:assert/strict";
import { parseEndpoint } from "../base/mod.ts";
import type { MeshLink } from "../mesh/mod.ts";
import type { TunnelState } from "../switch/mod.ts";
import { LinkBoard } from "./link_board.ts";

const LINK: MeshLink = {
  id: 1,
  peer: 9,
  nickname: "x",
  connUid: 7n,
  outbound: true,
  remote: parseEndpoint("192.0.2.1:6783"),
  sessionKey: undefined,
  overlays: [{ index: 0, name: "fast" }, { index: 1, name: "slow" }],
  weft: true,
  lively: true,
};

function tunnel(index: number, state: TunnelState["state"], reason?: string): TunnelState {
  return {
    kind: "tunnel",
    link: 1,
    index,
    overlay: index === 0 ? "fast" : "slow",
    state,
    reason,
    mtuBytes: 1400,
    remote: undefined,
  };
}

function board(): LinkBoard {
  const links = new LinkBoard();
  links.up(LINK);
  return links;
}

Deno.test("LinkBoard.tunnel() says established once, with the first tunnel that works", () => {
  const links = board();
  equal(links.tunnel(tunnel(1, "pending")), undefined);
  deepEqual(links.tunnel(tunnel(1, "established")), {
    kind: "established",
    id: 1,
    established: true,
  });
  equal(links.tunnel(tunnel(0, "established")), undefined);
});

Deno.test("LinkBoard.tunnel() says no longer established when the last one falls back", () => {
  const links = board();
  links.tunnel(tunnel(0, "established"));
  links.tunnel(tunnel(1, "established"));
  equal(links.tunnel(tunnel(0, "pending")), undefined);
  deepEqual(links.tunnel(tunnel(1, "pending")), {
    kind: "established",
    id: 1,
    established: false,
  });
});

Deno.test("LinkBoard.tunnel() says each change of a tunnel that falls silent and comes back", () => {
  const links = board();
  const states = ["established", "pending", "pending", "established"] as const;
  const news = states.map((state) => links.tunnel(tunnel(0, state)));
  deepEqual(news.map((each) => each?.kind === "established" ? each.established : each), [
    true,
    false,
    undefined,
    true,
  ]);
});

Deno.test("LinkBoard.tunnel() says failed when all tunnels have, and not before", () => {
  const links = board();
  equal(links.tunnel(tunnel(0, "failed", "no answer")), undefined);
  deepEqual(links.tunnel(tunnel(1, "failed", "silence")), {
    kind: "failed",
    id: 1,
    reason: "silence",
  });
  equal(links.tunnel(tunnel(1, "failed", "silence")), undefined);
});

Deno.test("LinkBoard.tunnel() ignores tunnels of links that have ended", () => {
  const links = board();
  links.down(1);
  equal(links.tunnel(tunnel(0, "established")), undefined);
  deepEqual(links.links(), []);
});

/** As weft peers have it: shuttle has no tunnels of its own, sleeve holds the link. */
function ridden(): LinkBoard {
  const links = new LinkBoard();
  const overlays = [{ index: 0, name: "weft-shuttle" }, { index: 1, name: "sleeve" }];
  links.up({ ...LINK, overlays });
  return links;
}

function shuttle(state: TunnelState["state"], reason?: string): TunnelState {
  return { ...tunnel(0, state, reason), overlay: "weft-shuttle" };
}

function sleeve(state: TunnelState["state"], reason?: string): TunnelState {
  return { ...tunnel(1, state, reason), overlay: "sleeve" };
}

Deno.test("LinkBoard.tunnel() goes by sleeve alone, whatever becomes of shuttle", () => {
  for (const state of ["pending", "established", "failed"] as const) {
    const links = ridden();
    equal(links.tunnel(shuttle(state, "no key")), undefined);
    deepEqual(links.tunnel(sleeve("established")), {
      kind: "established",
      id: 1,
      established: true,
    });
    equal(links.tunnel(shuttle("pending")), undefined);
    deepEqual(links.tunnel(sleeve("failed", "silence")), {
      kind: "failed",
      id: 1,
      reason: "silence",
    });
  }
});

Deno.test("LinkBoard.best() is sleeve until it is established, then shuttle if that is", () => {
  const links = ridden();
  links.tunnel(shuttle("pending", "no key"));
  equal(links.best(1), undefined);
  links.tunnel(sleeve("pending"));
  equal(links.best(1)?.overlay, "sleeve");
  links.tunnel(sleeve("established"));
  equal(links.best(1)?.overlay, "sleeve");
  equal(links.preferred(1)?.reason, "no key");
  links.tunnel(shuttle("established"));
  equal(links.best(1)?.overlay, "weft-shuttle");
  links.tunnel(sleeve("pending", "silence"));
  equal(links.best(1)?.reason, "silence");
});

Deno.test("LinkBoard.best() prefers what works to what is preferred", () => {
  const links = board();
  equal(links.best(1), undefined);
  links.tunnel(tunnel(0, "pending"));
  equal(links.best(1)?.overlay, "fast");
  links.tunnel(tunnel(1, "established"));
  equal(links.best(1)?.overlay, "slow");
  links.tunnel(tunnel(0, "established"));
  equal(links.best(1)?.overlay, "fast");
  equal(links.best(undefined), undefined);
});

Deno.test("LinkBoard.preferred() is the first common overlay, whatever became of it", () => {
  const links = board();
  equal(links.preferred(1), undefined);
  links.tunnel(tunnel(1, "established"));
  links.tunnel(tunnel(0, "failed", "no answer"));
  equal(links.preferred(1)?.reason, "no answer");
  equal(links.preferred(2), undefined);
});
