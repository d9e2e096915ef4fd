import assert from "node:assert/strict";
import { macHigh, macLow, macToBytes, parseMac } from "../base/mod.ts";
import { COUNTER } from "./contract.ts";
import { DROP, FLOOD, Forwarding, INDEX, LOCAL, RELAY, SEND } from "./forwarding.ts";

// A chain with a spur:  0 (we) -- 1 -- 2,  0 -- 3
const SELF = 0;
const PEERS = [
  { name: 0x020000000001, nextHop: 0, edges: [1, 3], shortId: -1 },
  { name: 0x020000000002, nextHop: 1, edges: [0, 2], shortId: -1 },
  { name: 0x020000000003, nextHop: 1, edges: [1], shortId: -1 },
  { name: 0x0200ffffffff, nextHop: 3, edges: [0], shortId: -1 },
  null,
  { name: 0x020000000006, nextHop: -1, edges: [], shortId: -1 },
];
const HERE = "0a:00:00:00:00:01";
const THERE = "0a:00:00:00:00:02";
const OTHER = "0a:00:00:00:00:03";
const ALL = "ff:ff:ff:ff:ff:ff";
const OWN = parseMac("02:00:00:00:00:ee");

function state(): Forwarding {
  const forwarding = new Forwarding({ ownMacs: [OWN] });
  forwarding.configure({ self: SELF, peers: PEERS });
  return forwarding;
}

function frameOf(from: string, to: string, serial = 0): DataView {
  const bytes = new Uint8Array(60);
  bytes.set(macToBytes(parseMac(to)));
  bytes.set(macToBytes(parseMac(from)), 6);
  bytes[12] = 8;
  bytes[50] = serial;
  return new DataView(bytes.buffer);
}

function captured(f: Forwarding, from: string, to: string, now = 0): number {
  return f.decideCaptured(frameOf(from, to), 0, 60, now);
}

function received(
  f: Forwarding,
  from: string,
  to: string,
  origin: number,
  destination = SELF,
  arrivedFrom = 1,
  now = 0,
): number {
  return f.decideReceived(frameOf(from, to), 0, 60, origin, destination, arrivedFrom, now);
}

Deno.test("decideCaptured() floods what it does not know, as our own", () => {
  const f = state();
  assert.equal(captured(f, HERE, THERE), FLOOD | SELF);
  assert.equal(captured(f, HERE, ALL), FLOOD | SELF);
  assert.deepEqual([...f.floodList(SELF)], [1, 3]);
});

Deno.test("decideCaptured() sends to the peer where the destination lives", () => {
  const f = state();
  received(f, THERE, HERE, 2);
  assert.equal(captured(f, HERE, THERE), SEND | 2);
  assert.equal(f.nextHop(2), 1);
  received(f, OTHER, HERE, 5);
  assert.equal(captured(f, HERE, OTHER), DROP | COUNTER.dropNoRoute);
});

Deno.test("decideCaptured() drops what the bridge delivers by itself", () => {
  const f = state();
  captured(f, HERE, ALL);
  assert.equal(captured(f, OTHER, HERE), DROP | COUNTER.dropLocal);
});

Deno.test("decideCaptured() drops a source that has just been seen at another peer", () => {
  const f = state();
  received(f, THERE, ALL, 2, SELF, 1, 0);
  assert.equal(captured(f, THERE, ALL, 999), DROP | COUNTER.dropConflict);
  assert.equal(captured(f, THERE, ALL, 1000), FLOOD | SELF);
  assert.equal(received(f, OTHER, THERE, 2, SELF, 1, 1000), LOCAL | 2);
});

Deno.test("decideCaptured() drops frames for one cable and those that look special", () => {
  const f = state();
  for (const last of [0, 1, 2]) {
    assert.equal(captured(f, HERE, `01:80:c2:00:00:0${last}`), DROP | COUNTER.dropReserved);
  }
  // LLDP arrives only where the operator told the bridge to forward it.
  assert.equal(captured(f, HERE, "01:80:c2:00:00:0e"), FLOOD | SELF);
  assert.equal(captured(f, HERE, "01:80:c2:00:00:10"), FLOOD | SELF);
  const zero = "00:00:00:00:00:00";
  assert.equal(captured(f, zero, zero), DROP | COUNTER.dropReserved);
  assert.equal(captured(f, HERE, zero), FLOOD | SELF);
});

Deno.test("decideCaptured() has nobody to flood to when we are alone, or not configured", () => {
  const f = new Forwarding({ ownMacs: [] });
  assert.equal(captured(f, HERE, ALL), DROP | COUNTER.dropNoRoute);
  f.configure({ self: 0, peers: [{ name: 1, nextHop: 0, edges: [] }] });
  assert.equal(captured(f, HERE, ALL), DROP | COUNTER.dropNoRoute);
  assert.equal(f.decideCaptured(frameOf(HERE, ALL), 0, 13, 0), DROP | COUNTER.dropMalformed);
});

Deno.test("decideReceived() delivers what is for a MAC that lives here, and no more", () => {
  const f = state();
  captured(f, HERE, ALL);
  assert.equal(received(f, THERE, HERE, 2), LOCAL | 2);
  assert.equal(f.macs.lookup(macHigh(parseMac(THERE)), macLow(parseMac(THERE))), 2);
});

Deno.test("decideReceived() continues the broadcast of the origin", () => {
  const f = state();
  assert.equal(received(f, THERE, ALL, 2), LOCAL | FLOOD | 2);
  assert.equal(received(f, THERE, HERE, 2), LOCAL | FLOOD | 2);
  assert.deepEqual([...f.floodList(2)], [3]);
  // Of peer 3 the broadcast goes on to 1; an unreachable peer's goes nowhere.
  assert.deepEqual([...f.floodList(3)], [1]);
  assert.equal(received(f, OTHER, ALL, 5), LOCAL | 5);
});

Deno.test("decideReceived() relays without learning, never back", () => {
  const f = state();
  assert.equal(received(f, THERE, ALL, 3, 2, 3), RELAY | 2);
  assert.equal(f.macs.size, 0);
  assert.equal(received(f, THERE, ALL, 3, 2, 1), DROP | COUNTER.dropNoRoute);
  assert.equal(received(f, THERE, ALL, 3, 5, 1), DROP | COUNTER.dropNoRoute);
});

Deno.test("a relay goes round the neighbour that a frame came from", () => {
  // A ring, 0 (we) -- 1 -- 2 -- 3 -- 0, and 4 behind 1.
  const f = new Forwarding({ ownMacs: [OWN] });
  const ring = (nextHops: readonly number[], edges: readonly (readonly number[])[]): void =>
    f.configure({
      self: SELF,
      peers: nextHops.map((nextHop, i) => ({
        name: 0x020000000001 + i,
        nextHop,
        edges: edges[i] ?? [],
        shortId: -1,
      })),
    });
  ring([0, 1, 1, 3, 1], [[1, 3], [0, 2, 4], [1, 3], [2, 0], [1]]);
  // 1 sends us what is for 2: it does not know of its link to 2 yet.
  assert.deepEqual([f.relayHop(2, 1), f.relayHop(2, 3)], [3, 1]);
  assert.equal(received(f, THERE, ALL, 4, 2, 1), RELAY | 2);
  // Nobody else leads to 4, and what 1 sends for itself ends here.
  assert.deepEqual([f.relayHop(4, 1), f.relayHop(1, 1)], [-1, -1]);
  assert.equal(received(f, THERE, ALL, 2, 4, 1), DROP | COUNTER.dropNoRoute);
  // Nothing is kept over a change: without the link 2 -- 3 there is no way round.
  ring([0, 1, 1, 3, 1], [[1, 3], [0, 2, 4], [1], [0], [1]]);
  assert.equal(f.relayHop(2, 1), -1);
  assert.equal(new Forwarding({ ownMacs: [] }).relayHop(2, 1), -1);
});

Deno.test("decideReceived() does not learn our own MACs from a link", () => {
  const f = state();
  assert.equal(received(f, "02:00:00:00:00:ee", ALL, 2), LOCAL | FLOOD | 2);
  assert.equal(f.macs.size, 0);
});

Deno.test("decideReceived() drops unknown peers and short frames", () => {
  const f = state();
  assert.equal(received(f, THERE, ALL, -1), DROP | COUNTER.dropUnknownPeer);
  assert.equal(received(f, THERE, ALL, 2, -1), DROP | COUNTER.dropUnknownPeer);
  const short = f.decideReceived(frameOf(THERE, ALL), 0, 13, 2, SELF, 1, 0);
  assert.equal(short, DROP | COUNTER.dropMalformed);
});

Deno.test("decideReceived() drops our own frames when they come back", () => {
  const f = state();
  captured(f, HERE, ALL);
  assert.equal(received(f, HERE, ALL, SELF), DROP | COUNTER.dropConflict);
  assert.equal(received(f, HERE, ALL, SELF, 2, 3), DROP | COUNTER.dropConflict);
  assert.equal(f.macs.lookup(macHigh(parseMac(HERE)), macLow(parseMac(HERE))), SELF);
});

Deno.test("decideReceived() stops the 17th identical frame that it would pass on", () => {
  const f = state();
  for (let i = 0; i < 16; i++) assert.equal(received(f, THERE, ALL, 3, 2, 3, i), RELAY | 2);
  assert.equal(received(f, THERE, ALL, 3, 2, 3, 20), DROP | COUNTER.stormLimited);
  assert.equal(received(f, THERE, ALL, 3, 2, 3, 1_000), RELAY | 2);
  for (let i = 0; i < 16; i++) received(f, THERE, ALL, 2);
  assert.equal(received(f, THERE, ALL, 2), DROP | COUNTER.stormLimited);
  // Nothing is passed on of peer 5's: no limit.
  for (let i = 0; i < 50; i++) assert.equal(received(f, OTHER, ALL, 5), LOCAL | 5);
});

Deno.test("configure() forgets addresses of peers that went or changed", () => {
  const f = state();
  received(f, THERE, ALL, 2);
  received(f, OTHER, ALL, 3);
  captured(f, HERE, ALL);
  f.configure({ self: SELF, peers: [PEERS[0]!, PEERS[1]!, PEERS[2]!, null] });
  assert.equal(f.macs.size, 2);
  assert.equal(captured(f, HERE, OTHER), FLOOD | SELF);
  assert.equal(captured(f, HERE, THERE), SEND | 2);
  assert.deepEqual([...f.floodList(SELF)], [1, 3]);
  f.configure({ self: SELF, peers: [PEERS[0]!, PEERS[1]!] });
  assert.equal(f.macs.size, 1);
});

Deno.test("names and indices translate both ways", () => {
  const f = state();
  assert.equal(f.indexOf(0x0200, 0xffffffff), 3);
  assert.equal(f.indexOf(0x0200, -1), 3);
  assert.equal(f.indexOf(0x0200, 9), -1);
  assert.equal(f.nameHigh(3), 0x0200);
  assert.equal(f.nameLow(3), -1);
  assert.equal((SEND | 7) & INDEX, 7);
});

Deno.test("decideOpened() learns the source and delivers here alone, whoever it is for", () => {
  const forwarding = state();
  const opened = (from: string, to: string, origin: number): number =>
    forwarding.decideOpened(frameOf(from, to), 0, origin, 0);
  assert.equal(opened(THERE, ALL, 2), LOCAL | 2);
  assert.equal(opened(THERE, OTHER, 2), LOCAL | 2);
  assert.equal(captured(forwarding, HERE, THERE), SEND | 2);
  assert.equal(opened(HERE, ALL, SELF), DROP | COUNTER.dropConflict);
  assert.equal(opened(HERE, ALL, -1), DROP | COUNTER.dropUnknownPeer);
});
