import assert from "node:assert/strict";
import { must, WireError } from "../../base/mod.ts";
import type { NameEntry } from "./entry.ts";
import { NamesCore } from "./names.ts";
import { NamesChannel, type NamesItem, namesItem } from "./names_channel.ts";
import { decodeNames, encodeNames } from "./records_wire.ts";

const US = 1;
const THEM = 2;
const T0 = 1_700_000_000;

function entry(changes: Partial<NameEntry> = {}): NameEntry {
  const base = { hostname: "web.example.org.", container: "c", origin: THEM, ip: 0xc0000201 };
  return { ...base, version: 0, tombstone: 0, ...changes };
}

interface Bench {
  readonly core: NamesCore;
  readonly channel: NamesChannel;
  now: number;
  changes: number;
}

function newBench(): Bench {
  const core = new NamesCore({ self: US, wallSeconds: (now) => T0 + now / 1_000 }, 0);
  const peers = [{ name: THEM, nickname: "", reachable: true, weft: true }];
  core.handle({ kind: "peers", peers }, 0);
  const bench: Bench = {
    core,
    channel: new NamesChannel(core, { now: () => bench.now, changed: () => bench.changes++ }),
    now: 0,
    changes: 0,
  };
  return bench;
}

function payload(entries: NameEntry[], timestamp = T0): Uint8Array {
  return must(encodeNames({ timestamp, entries })[0], "payload");
}

function sent(bench: Bench, item: NamesItem | undefined): readonly NameEntry[] | undefined {
  if (item === undefined) return undefined;
  return bench.channel.encode(item).flatMap((each) => decodeNames(each).entries);
}

Deno.test("NamesChannel.gossip() returns what was new, once", () => {
  const bench = newBench();
  assert.deepEqual(sent(bench, bench.channel.gossip(payload([entry()]), THEM)), [entry()]);
  assert.equal(bench.channel.gossip(payload([entry()]), THEM), undefined);
  assert.equal(bench.changes, 2);
});

Deno.test("NamesChannel.broadcast() passes on all but entries in two spellings, once each, sorted", () => {
  const bench = newBench();
  const pair = [entry({ hostname: "Web.example.org." }), entry()];
  const [b, a] = [entry({ hostname: "b." }), entry({ hostname: "a." })];
  const heard = [b, ...pair, a, b];
  assert.deepEqual(sent(bench, bench.channel.broadcast(payload(heard), THEM)), [a, b]);
  assert.equal(bench.channel.broadcast(payload(pair), THEM), undefined);
});

Deno.test("NamesChannel throws nothing for a wrong clock, and WireError for bytes that do not parse", () => {
  const { channel, core } = newBench();
  assert.equal(channel.gossip(payload([entry()], T0 + 901), THEM), undefined);
  assert.equal(core.warnings().length, 1);
  assert.throws(() => channel.gossip(Uint8Array.of(1, 2, 3), THEM), WireError);
  assert.throws(() => channel.broadcast(Uint8Array.of(), THEM), WireError);
});

Deno.test("NamesChannel.unicast() ignores anything", () => {
  const bench = newBench();
  bench.channel.unicast();
  assert.equal(bench.changes, 0);
});

Deno.test("NamesChannel.encode() tells our clock when the table is empty", () => {
  const { channel } = newBench();
  assert.deepEqual(channel.encode(channel.full()).map(decodeNames), [
    { timestamp: T0, entries: [] },
  ]);
});

Deno.test("NamesChannel.encode() sends entries as they are by then, with the clock of that moment", () => {
  const bench = newBench();
  const { core, channel } = bench;
  core.add("web.example.org.", "c", 5, 0);
  const item = namesItem(core.records.entries());
  bench.now = 2_000;
  core.remove({}, bench.now);
  const expected = entry({ origin: US, ip: 5, version: 1, tombstone: T0 + 2 });
  assert.deepEqual(channel.encode(item).map(decodeNames), [
    { timestamp: T0 + 2, entries: [expected] },
  ]);
  assert.deepEqual(channel.encode(namesItem([])), []);
});

Deno.test("NamesChannel.encode() encodes the whole table once a second at most, and again when it changed", () => {
  const bench = newBench();
  const { core, channel } = bench;
  const first = channel.encode("all");
  bench.now = 999;
  assert.equal(channel.encode("all"), first);
  bench.now = 1_000;
  const second = channel.encode("all");
  assert.notEqual(second, first);
  core.add("web.example.org.", "c", 5, bench.now);
  assert.notEqual(channel.encode("all"), second);
});

Deno.test("NamesChannel.merge() unites items, the greater state of each entry", () => {
  const { channel } = newBench();
  const [old, fresh, other] = [entry(), entry({ version: 1 }), entry({ container: "d" })];
  const both = namesItem([fresh, other]);
  assert.deepEqual(channel.merge(namesItem([old]), namesItem([fresh, other])), both);
  assert.deepEqual(channel.merge(namesItem([fresh]), namesItem([old, other])), both);
  assert.equal(channel.merge(both, "all"), "all");
  assert.equal(channel.merge("all", both), "all");
});

Deno.test("NamesChannel.encode() makes the spelling of our entries final", () => {
  const { core, channel } = newBench();
  core.add("web.example.org.", "c", 5, 0);
  channel.encode("all");
  channel.gossip(payload([entry({ origin: US, ip: 5, hostname: "Web.example.org." })]), THEM);
  assert.deepEqual(core.records.entries().map((each) => each.hostname), ["web.example.org."]);
});
