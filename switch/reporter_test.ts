import assert from "node:assert/strict";
import type { FromWorker } from "./contract.ts";
import { MacTable } from "./mac_table.ts";
import type { Tunnel } from "./overlay/overlay.ts";
import { Reporter } from "./reporter.ts";

type Fake = { -readonly [K in keyof Tunnel]: Tunnel[K] };

function tunnel(link: number): Fake {
  return {
    spec: {
      link,
      index: 0,
      peer: 2,
      connUid: 7n,
      outbound: true,
      key: undefined,
      remote: undefined,
    },
    state: "pending",
    reason: undefined,
    mtuBytes: 65535,
    remote: undefined,
    slot: 0,
    send: () => 0,
    flush: () => true,
    control: () => {},
    tick: () => {},
    deadline: () => Infinity,
    pathPayloadBytes: undefined,
    pathMtu: () => {},
    stop: () => {},
  };
}

function reporter(): { reporter: Reporter; posted: FromWorker[] } {
  const posted: FromWorker[] = [];
  return { reporter: new Reporter((message) => posted.push(message)), posted };
}

Deno.test("Reporter.tunnel() posts a tunnel once for each change", () => {
  const { reporter: r, posted } = reporter();
  const t = tunnel(1);
  r.tunnel(t, "sleeve");
  r.tunnel(t, "sleeve");
  t.state = "established";
  r.tunnel(t, "sleeve");
  t.mtuBytes = 1414;
  r.tunnel(t, "sleeve");
  t.remote = { ip: new Uint8Array(16), port: 1 };
  r.tunnel(t, "sleeve");
  t.remote = { ip: new Uint8Array(16), port: 1 };
  r.tunnel(t, "sleeve");
  assert.deepEqual(
    posted.map((m) => m.kind === "tunnel" ? [m.link, m.overlay, m.state, m.mtuBytes] : m),
    [
      [1, "sleeve", "pending", 65535],
      [1, "sleeve", "established", 65535],
      [1, "sleeve", "established", 1414],
      [1, "sleeve", "established", 1414],
    ],
  );
});

Deno.test("Reporter.keep() forgets tunnels that ended", () => {
  const { reporter: r, posted } = reporter();
  const t = tunnel(1);
  r.tunnel(t, "sleeve");
  r.keep([]);
  r.tunnel(t, "sleeve");
  assert.equal(posted.length, 2);
});

Deno.test("Reporter.tables() posts at most once a second, and only changes", () => {
  const { reporter: r, posted } = reporter();
  const macs = new MacTable({ self: 0, ownMacs: [] });
  r.tables(macs, 0);
  macs.learnLocal(0x0a00, 1, 0);
  r.tables(macs, 10);
  macs.learnLocal(0x0a00, 2, 20);
  r.tables(macs, 20);
  r.tables(macs, 1_010);
  r.tables(macs, 3_000);
  assert.deepEqual(posted.map((m) => m.kind === "tables" ? m.macs.length : m), [1, 2]);
});

Deno.test("Reporter.log() says how many lines it left out", () => {
  const { reporter: r, posted } = reporter();
  for (let i = 0; i < 30; i++) r.log("info", `line ${i}`, 5);
  assert.equal(posted.length, 20);
  r.log("info", "later", 10_006);
  assert.deepEqual(posted.slice(20).map((m) => m.kind === "log" ? m.message : m), [
    "10 lines were left out",
    "later",
  ]);
});

Deno.test("Reporter.shuttle() says established only beside an established tunnel, and once", () => {
  const { reporter: each, posted } = reporter();
  const beside = tunnel(4);
  const link = { link: 4, index: 0, peer: 2, tunnel: beside };
  const pair = {
    kind: "pair",
    peer: 2,
    shuttle: true,
    reason: undefined,
    mtuBytes: 1414,
    cipher: "plain",
  } as const;
  each.shuttle(link, undefined);
  each.shuttle(link, pair);
  beside.state = "established";
  each.shuttle(link, { ...pair, shuttle: false, reason: "there is no key yet" });
  each.shuttle(link, pair);
  each.shuttle(link, pair);
  const seen = posted.map((m) => m.kind === "tunnel" ? [m.overlay, m.state, m.reason] : m);
  assert.deepEqual(seen, [
    ["weft-shuttle", "pending", "its link is not up"],
    ["weft-shuttle", "pending", "there is no key yet"],
    ["weft-shuttle", "established", undefined],
  ]);
});
