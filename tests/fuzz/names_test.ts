/**
 * Names: the payloads of their channel, and a whole core that hears anything.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fromHex, must } from "../../base/mod.ts";
import { compareInTable, keyOf } from "../../container/dns/entry.ts";
import { NamesCore } from "../../container/dns/names.ts";
import { NamesChannel } from "../../container/dns/names_channel.ts";
import { decodeNames, encodeNames } from "../../container/dns/records_wire.ts";
import vectors from "../vectors/nameserver-gossip.json" with { type: "json" };
import { fuzz, refused } from "./fuzzer.ts";

const T0 = 1_700_000_000;
const SELF = 0x020000000001;
const THEM = 0x020000000002;
const entry = { hostname: "Web.example.org.", container: "c", ip: 5, version: 1, tombstone: 0 };

const SEEDS = [
  ...vectors.cases.map((each) => fromHex(each.gob)),
  ...encodeNames({
    timestamp: T0,
    entries: [SELF, THEM, 9].flatMap((origin) => [
      { ...entry, origin },
      { ...entry, origin, hostname: "web.example.org.", version: 2 },
      { ...entry, origin, container: "d", tombstone: T0 },
    ]),
  }),
];

fuzz({
  name: "decodeNames()",
  share: 0.02,
  seeds: SEEDS,
  run: (input) => {
    const message = refused(() => decodeNames(input));
    if (message === undefined || !Number.isSafeInteger(message.timestamp)) return;
    const [payload] = encodeNames(message);
    const again = decodeNames(must(payload, "payload"));
    assert.equal(again.timestamp, message.timestamp);
    assert.deepEqual(encodeNames(again), [payload]);
  },
});

let core = newCore();
let channel = new NamesChannel(core, { now: () => now, changed: () => {} });
let now = 0;

function newCore(): NamesCore {
  const fresh = new NamesCore({ self: SELF, wallSeconds: (at) => T0 + at / 1_000 }, 0);
  const peers = [{ name: THEM, nickname: "", reachable: true, weft: false }];
  fresh.handle({ kind: "peers", peers }, 0);
  fresh.add("web.example.org.", "c", 5, 0);
  return fresh;
}

fuzz({
  name: "NamesChannel",
  share: 0.02,
  seeds: SEEDS,
  run: (input, roll) => {
    if ((now += 500) > 500_000) {
      now = 0;
      core = newCore();
      channel = new NamesChannel(core, { now: () => now, changed: () => {} });
    }
    const kind = roll() < 0.5 ? "gossip" : "broadcast";
    const item = refused(() => channel[kind](input, THEM));
    for (let out = core.poll(); out !== undefined; out = core.poll()) assert.ok(out.entries.length);
    core.handle({ kind: "tick" }, now);
    const sent = [item ?? new Map(), "all" as const].map((each) =>
      channel.encode(each).flatMap((payload) => decodeNames(payload).entries)
    );
    // No two spellings leave us, nor a lie about ourselves.
    for (const entries of sent) assert.equal(new Set(entries.map(keyOf)).size, entries.length);
    const table = core.records.entries();
    assert.deepEqual(table.toSorted(compareInTable), table);
    const [live] = core.records.addressesOf("web.example.org.").filter((each) => each.ip === 5);
    assert.ok(live, "ours is answered all along");
  },
});
