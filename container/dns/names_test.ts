import assert from "node:assert/strict";
import type { Millis, PeerName } from "../../base/mod.ts";
import type { NameEntry } from "./entry.ts";
import { MAX_SKEW_S, NamesCore, type NamesOutput, type NamesPeer } from "./names.ts";

const US = 1;
const THEM = 2;
const STRANGER = 3;
const T0 = 1_700_000_000;
const IP = 0xc0000201;

function entry(changes: Partial<NameEntry> = {}): NameEntry {
  const base = { hostname: "web.example.org.", container: "c", origin: THEM, ip: IP };
  return { ...base, version: 0, tombstone: 0, ...changes };
}

function peer(name: PeerName, changes: Partial<NamesPeer> = {}): NamesPeer {
  return { name, nickname: `host${name}`, reachable: true, weft: true, ...changes };
}

/** A core that knows one other peer, and a wall clock that goes with its own. */
function newCore(): NamesCore {
  const core = new NamesCore({ self: US, wallSeconds: (now) => T0 + now / 1_000 }, 0);
  core.handle({ kind: "peers", peers: [peer(US), peer(THEM)] }, 0);
  return core;
}

function hear(
  core: NamesCore,
  entries: NameEntry[],
  options: { kind?: "gossip" | "broadcast"; from?: PeerName; skew?: number; now?: Millis } = {},
): readonly NameEntry[] {
  const { kind = "gossip", from = THEM, skew = 0, now = 0 } = options;
  const timestamp = Math.floor(T0 + now / 1_000) + skew;
  return core.receive({ kind, from, message: { timestamp, entries } }, now);
}

function outputs(core: NamesCore): NamesOutput[] {
  const all: NamesOutput[] = [];
  for (let out = core.poll(); out !== undefined; out = core.poll()) all.push(out);
  return all;
}

function hostnames(core: NamesCore): string[] {
  return core.records.entries().map((each) => each.hostname);
}

Deno.test("NamesCore.add() broadcasts the entry each time", () => {
  const core = newCore();
  for (let i = 0; i < 2; i++) {
    core.add("web.example.org.", "c", IP, 0);
    assert.deepEqual(outputs(core), [{ kind: "broadcast", entries: [entry({ origin: US })] }]);
  }
});

Deno.test("NamesCore.remove() broadcasts tombstones, and nothing for nothing", () => {
  const core = newCore();
  core.add("web.example.org.", "c", IP, 0);
  outputs(core);
  const removed = core.remove({ container: "c" }, 7_900);
  assert.deepEqual(removed, [entry({ origin: US, version: 1, tombstone: T0 + 7 })]);
  assert.deepEqual(outputs(core), [{ kind: "broadcast", entries: removed }]);
  assert.deepEqual(core.remove({ container: "c" }, 8_000), []);
  assert.deepEqual(outputs(core), []);
});

Deno.test("NamesCore.receive() returns all of a broadcast, and of gossip what was new", () => {
  const core = newCore();
  assert.deepEqual(hear(core, [entry()]), [entry()]);
  assert.deepEqual(hear(core, [entry()]), []);
  assert.deepEqual(hear(core, [entry()], { kind: "broadcast" }), [entry()]);
});

Deno.test("NamesCore.receive() broadcasts what others must know of us", () => {
  const core = newCore();
  assert.deepEqual(hear(core, [entry({ origin: US })]), []);
  const tombstone = entry({ origin: US, version: 1, tombstone: T0 });
  assert.deepEqual(outputs(core), [{ kind: "broadcast", entries: [tombstone] }]);
});

Deno.test("NamesCore.receive() changes nothing when clocks differ by more than the limit", () => {
  for (const skew of [MAX_SKEW_S + 1, -MAX_SKEW_S - 1]) {
    const core = newCore();
    assert.deepEqual(hear(core, [entry(), entry({ origin: US })], { skew }), []);
    assert.deepEqual([hostnames(core), outputs(core)], [[], []]);
    assert.equal(core.warnings().length, 1);
    assert.match(core.warnings()[0] ?? "", /02\(host2\) is 901 s (ahead of|behind) ours/);
  }
});

Deno.test("NamesCore.receive() takes a message when clocks differ by the limit", () => {
  for (const skew of [MAX_SKEW_S, -MAX_SKEW_S]) {
    assert.equal(hear(newCore(), [entry()], { skew }).length, 1);
  }
});

Deno.test("NamesCore.isHeldBack() holds for a real peer until its clock is right", () => {
  const core = newCore();
  core.handle({ kind: "peers", peers: [peer(THEM, { weft: false })] }, 0);
  hear(core, [], { skew: 2_000 });
  assert.equal(core.isHeldBack(THEM), true);
  hear(core, []);
  assert.equal(core.isHeldBack(THEM), false);
  assert.deepEqual(core.warnings(), []);
});

Deno.test("NamesCore.isHeldBack() does not hold for a peer of ours, which would not notice that all is well again", () => {
  const core = newCore();
  hear(core, [], { skew: 2_000 });
  assert.equal(core.isHeldBack(THEM), false);
});

Deno.test("NamesCore forgets the clock of a peer that is gone", () => {
  const core = newCore();
  hear(core, [], { skew: 2_000 });
  core.handle({ kind: "peers", peers: [] }, 1);
  assert.deepEqual(core.warnings(), []);
});

Deno.test("NamesCore.receive() notes no clocks of strangers whose broadcasts are passed on", () => {
  const core = newCore();
  hear(core, [], { kind: "broadcast", from: STRANGER, skew: 2_000 });
  assert.deepEqual(core.warnings(), []);
});

Deno.test("NamesCore holds names of an unknown peer until it is known", () => {
  const core = newCore();
  const news = [entry({ origin: STRANGER })];
  assert.deepEqual(hear(core, news), []);
  assert.deepEqual(hear(core, news, { kind: "broadcast" }), news);
  assert.deepEqual(hostnames(core), []);
  core.handle({ kind: "peers", peers: [peer(THEM), peer(STRANGER)] }, 59_999);
  assert.deepEqual(hostnames(core), ["web.example.org."]);
  assert.deepEqual(outputs(core), [{ kind: "gossip", entries: news }]);
});

Deno.test("NamesCore drops names of an unknown peer after a minute", () => {
  const core = newCore();
  hear(core, [entry({ origin: STRANGER })]);
  assert.equal(core.deadline(), 60_000);
  core.handle({ kind: "tick" }, 60_000);
  core.handle({ kind: "peers", peers: [peer(STRANGER)] }, 60_001);
  assert.deepEqual(hostnames(core), []);
});

Deno.test("NamesCore holds the greater of two states, and passes on no second spelling", () => {
  const core = newCore();
  hear(core, [entry({ origin: STRANGER, version: 2 })]);
  const other = entry({ origin: STRANGER, hostname: "Web.example.org.", version: 1 });
  assert.deepEqual(hear(core, [other], { kind: "broadcast" }), []);
  core.handle({ kind: "peers", peers: [peer(STRANGER)] }, 1);
  assert.deepEqual(core.records.entries(), [entry({ origin: STRANGER, version: 2 })]);
});

Deno.test("NamesCore answers with names of a lost peer for some seconds, and tells nobody of them", () => {
  const core = newCore();
  hear(core, [entry()]);
  core.handle({ kind: "peers", peers: [peer(US)] }, 100);
  assert.deepEqual(core.records.addressesOf("web.example.org."), [{ ip: IP, reachable: false }]);
  assert.deepEqual(core.full(), []);
  assert.equal(core.deadline(), 5_100);
  core.handle({ kind: "tick" }, 5_100);
  assert.deepEqual(hostnames(core), []);
});

Deno.test("NamesCore keeps names of a peer that comes back in time", () => {
  const core = newCore();
  hear(core, [entry()]);
  core.handle({ kind: "peers", peers: [] }, 100);
  core.handle({ kind: "peers", peers: [peer(THEM)] }, 5_000);
  core.handle({ kind: "tick" }, 6_000);
  assert.deepEqual(core.records.addressesOf("web.example.org."), [{ ip: IP, reachable: true }]);
  assert.deepEqual(core.full(), [entry()]);
});

Deno.test("NamesCore sweeps tombstones each half hour", () => {
  const core = newCore();
  hear(core, [entry({ version: 1, tombstone: T0 - 1 })]);
  assert.equal(core.deadline(), 1_800_000);
  core.handle({ kind: "tick" }, 1_800_000);
  assert.deepEqual(hostnames(core), []);
  assert.equal(core.deadline(), 3_600_000);
});

Deno.test("NamesCore.warnings() tells that the table is full", () => {
  const options = { self: US, wallSeconds: (now: number) => T0 + now / 1000, maxEntries: 1 };
  const core = new NamesCore(options, 0);
  core.handle({ kind: "peers", peers: [peer(THEM)] }, 0);
  hear(core, [entry(), entry({ ip: 1 })]);
  assert.match(core.warnings().join(), /full: 1 entries of peers were ignored/);
});
