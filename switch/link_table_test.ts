import assert from "node:assert/strict";
import type { LinkEntry } from "./contract.ts";
import { LinkTable } from "./link_table.ts";
import type { Overlay, Tunnel, TunnelSpec } from "./overlay/overlay.ts";

type Fake = Tunnel & {
  state: Tunnel["state"];
  pathPayloadBytes: number | undefined;
  closed: boolean;
  ticked: number;
  due: number;
};

function fakeOverlay(name: string): Overlay & { made: Fake[] } {
  const made: Fake[] = [];
  return {
    name,
    made,
    open(spec: TunnelSpec, slot: number): Tunnel {
      const tunnel: Fake = {
        spec,
        slot,
        state: "pending",
        reason: undefined,
        mtuBytes: 1400,
        pathPayloadBytes: undefined,
        remote: spec.remote,
        closed: false,
        ticked: 0,
        due: Infinity,
        send: () => 0,
        flush: () => true,
        control: () => {},
        tick: () => void (tunnel.ticked++),
        deadline: () => tunnel.due,
        pathMtu: () => {},
        stop: () => {},
      };
      made.push(tunnel);
      return tunnel;
    },
    close: (tunnel) => void ((tunnel as Fake).closed = true),
    receive: () => false,
    next: () => undefined,
    takeDue: () => false,
    poll: () => undefined,
  };
}

function entry(id: number, peer: number, extra: Partial<LinkEntry> = {}): LinkEntry {
  return {
    id,
    peer,
    overlays: [{ index: 0, name: "fast" }, { index: 1, name: "slow" }],
    connUid: 7n,
    outbound: true,
    trainSegments: 64,
    encrypted: false,
    remote: undefined,
    ...extra,
  };
}

const nameOf = (peer: number): number => 0x0200_0000_0000 + peer;

Deno.test("LinkTable.towards() is the first established tunnel in order of preference", () => {
  const fast = fakeOverlay("fast");
  const slow = fakeOverlay("slow");
  const table = new LinkTable([fast, slow], 8);
  assert.deepEqual(table.configure([entry(1, 3)], nameOf, 0), []);
  assert.equal(table.towards(3), undefined);
  slow.made[0]!.state = "established";
  table.choose();
  assert.equal(table.towards(3), slow.made[0]);
  fast.made[0]!.state = "established";
  table.choose();
  assert.equal(table.towards(3), fast.made[0]);
  assert.equal(table.peerOf(fast.made[0]!), 3);
});

Deno.test("LinkTable.configure() changes the heartbeats of lively links that stay", () => {
  const fast = fakeOverlay("fast");
  const slow = fakeOverlay("slow");
  const table = new LinkTable([fast, slow], 4);
  table.configure([entry(1, 3, { livelyMs: 250 }), entry(2, 4)], nameOf, 0);
  assert.deepEqual(fast.made.map(({ spec }) => spec.livelyMs), [250, undefined]);
  const said: string[] = [];
  for (const [name, { made }] of [["fast", fast], ["slow", slow]] as const) {
    for (const each of made) {
      each.retime = (ms, now) => void said.push(`${name} ${each.spec.link}: ${ms} at ${now}`);
    }
  }
  for (const now of [5, 6]) {
    table.configure([entry(1, 3, { livelyMs: 300 }), entry(2, 4)], nameOf, now);
  }
  assert.deepEqual(said, ["fast 1: 300 at 5", "slow 1: 300 at 5"]);
});

Deno.test("LinkTable.configure() keeps links that stay, closes those that are missing and reuses their slots", () => {
  const fast = fakeOverlay("fast");
  const table = new LinkTable([fast, fakeOverlay("slow")], 4);
  table.configure([entry(1, 3), entry(2, 4)], nameOf, 0);
  table.configure([entry(2, 4)], nameOf, 1);
  assert.deepEqual(fast.made.map(({ closed }) => closed), [true, false]);
  assert.deepEqual(table.configure([entry(2, 4), entry(5, 3)], nameOf, 2), []);
  assert.equal(fast.made.length, 3);
});

Deno.test("LinkTable.configure() reports what it cannot open", () => {
  const table = new LinkTable([fakeOverlay("fast")], 1);
  const faults = table.configure(
    [entry(1, 3), entry(2, 4, { encrypted: true }), entry(3, 5)],
    nameOf,
    0,
  );
  assert.deepEqual(faults.map(({ link, index, reason }) => [link, index, reason]), [
    [1, 1, "this router has no such overlay"],
    [2, 0, "its key is missing"],
    [2, 1, "this router has no such overlay"],
    [3, 0, "too many tunnels"],
    [3, 1, "this router has no such overlay"],
  ]);
});

Deno.test("LinkTable hands the key to the tunnels of its link and forgets it", () => {
  const fast = fakeOverlay("fast");
  const table = new LinkTable([fast, fakeOverlay("slow")], 4);
  const key = new Uint8Array(32).fill(5);
  table.addKey(1, key);
  table.configure([entry(1, 3, { encrypted: true }), entry(2, 4)], nameOf, 0);
  assert.deepEqual(fast.made.map(({ spec }) => spec.key), [key, undefined]);
  table.configure([], nameOf, 1);
  assert.equal(table.configure([entry(1, 3, { encrypted: true })], nameOf, 2).length, 2);
});

Deno.test("LinkTable.tick() ticks what is due and returns the next deadline", () => {
  const fast = fakeOverlay("fast");
  const table = new LinkTable([fast, fakeOverlay("slow")], 4);
  table.configure([entry(1, 3), entry(2, 4)], nameOf, 0);
  fast.made[0]!.due = 10;
  fast.made[1]!.due = 30;
  assert.equal(table.tick(9), 10);
  fast.made[0]!.due = 10;
  table.tick(10);
  assert.deepEqual(fast.made.map(({ ticked }) => ticked), [1, 0]);
});

Deno.test("LinkTable.toAddress() finds tunnels by address whatever the port", () => {
  const ip = new Uint8Array(16).fill(1);
  const table = new LinkTable([fakeOverlay("fast")], 4);
  table.configure([entry(1, 3, { remote: { ip, port: 6783 } }), entry(2, 4)], nameOf, 0);
  assert.deepEqual(table.toAddress({ ip, port: 0 }).map(({ spec }) => spec.link), [1]);
});

Deno.test("LinkTable.hop() offers the address of an established tunnel where shuttle is common", () => {
  const fast = fakeOverlay("fast");
  const table = new LinkTable([fast], 8);
  const overlays = [{ index: 0, name: "weft-shuttle" }, { index: 1, name: "fast" }];
  const faults = table.configure(
    [entry(1, 3, { overlays, encrypted: false }), entry(2, 4)],
    nameOf,
    0,
  );
  assert.deepEqual(faults.map(({ overlay }) => overlay), ["slow"]);
  assert.equal(fast.made.length, 2);
  assert.equal(table.hop(3), undefined);
  for (const tunnel of fast.made) tunnel.state = "established";
  table.choose();
  assert.equal(table.hop(3), undefined, "nobody knows what its path carries");
  for (const tunnel of fast.made) tunnel.pathPayloadBytes = 1_472;
  table.choose();
  const [first] = fast.made;
  const hop = { slot: first?.slot, upperBytes: 1_472, trainSegments: 64, encrypted: false };
  assert.deepEqual(table.hop(3), hop);
  assert.equal(table.hop(4), undefined);
  assert.deepEqual([...table.hopSlots], [first?.slot]);
  assert.deepEqual([0, 1, 2].filter((slot) => table.isHopSlot(slot)), [first?.slot]);
  assert.deepEqual(
    [...table.shuttleLinks()].map(({ link, index, peer, tunnel }) => [
      link,
      index,
      peer,
      tunnel,
    ]),
    [[1, 0, 3, first]],
  );
});

Deno.test("LinkTable.isOddName() knows neighbours whose datagrams of sleeve begin with an odd byte", () => {
  const table = new LinkTable([fakeOverlay("fast")], 4);
  const names: Record<number, number> = { 3: 0x0300_0000_0001, 4: 0x0200_ffff_ffff };
  table.configure([entry(1, 3), entry(2, 4)], (peer) => names[peer] ?? 0, 0);
  const view = new DataView(new ArrayBuffer(8));
  view.setUint16(0, 0x0300);
  view.setUint32(2, 1);
  assert.equal(table.isOddName(view, 0, 8), true);
  assert.equal(table.isOddName(view, 0, 5), false);
  view.setUint32(2, 2);
  assert.equal(table.isOddName(view, 0, 8), false);
});
