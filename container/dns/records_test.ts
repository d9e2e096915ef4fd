import assert from "node:assert/strict";
import fc from "fast-check";
import { compareInTable, keyOf, type NameEntry } from "./entry.ts";
import { Records, TOMBSTONE_S } from "./records.ts";

const US = 1;
const THEM = 2;
const T0 = 1_700_000_000;
const IP = 0xc0000201;

function entry(changes: Partial<NameEntry> = {}): NameEntry {
  const base = { hostname: "web.example.org.", container: "c", origin: THEM, ip: IP };
  return { ...base, version: 0, tombstone: 0, ...changes };
}

/** A table in which the other peer can be reached. */
function table(): Records {
  const records = new Records(US);
  records.setReachable(new Set([THEM]));
  return records;
}

Deno.test("Records.add() costs two versions when a name is removed and comes back", () => {
  const records = table();
  const versions = [
    records.add("web.example.org.", "c", IP, T0),
    records.add("web.example.org.", "c", IP, T0),
    ...records.remove({}, T0 + 5),
    records.add("web.example.org.", "c", IP, T0),
  ].map(({ version, tombstone }) => [version, tombstone]);
  assert.deepEqual(versions, [[0, 0], [0, 0], [1, T0 + 5], [2, 0]]);
});

Deno.test("Records.add() keeps the spelling that the mesh knows when a name returns", () => {
  const records = table();
  const [gone] = records.merge([entry({ origin: US, hostname: "Web.example.org." })], T0).answers;
  assert.deepEqual(
    gone,
    entry({
      origin: US,
      hostname: "Web.example.org.",
      version: 1,
      tombstone: T0,
    }),
  );
  const { hostname, version } = records.add("web.example.org.", "c", IP, T0);
  assert.deepEqual([hostname, version], ["Web.example.org.", 2]);
  assert.equal(records.entries().length, 1);
});

Deno.test("Records.remove() takes ours that agree with all of the filter, in any case", () => {
  const filters = [
    { container: "c" },
    { ip: IP },
    { hostname: "WEB.example.org." },
    { container: "c", ip: IP, hostname: "web.EXAMPLE.org." },
  ];
  for (const filter of filters) {
    const records = table();
    records.add("web.example.org.", "c", IP, T0);
    records.add("db.example.org.", "d", IP + 1, T0);
    records.merge([entry({ hostname: "web.example.org.", container: "c" })], T0);
    const removed = records.remove(filter, T0);
    assert.deepEqual(removed.map((each) => [each.hostname, each.origin]), [[
      "web.example.org.",
      US,
    ]]);
    assert.deepEqual(records.remove(filter, T0), []);
  }
});

Deno.test("Records.remove() leaves what was registered again later", () => {
  const records = table();
  records.add("old.example.org.", "c", IP, T0);
  records.add("new.example.org.", "c", IP, T0);
  records.add("new.example.org.", "c", IP, T0 + 10);
  const removed = records.remove({ container: "c", registeredBefore: T0 + 10 }, T0 + 11);
  assert.deepEqual(removed.map((each) => each.hostname), ["old.example.org."]);
});

Deno.test("Records.addressesOf() returns one address for each live entry, reachable ones first", () => {
  const records = table();
  records.merge([
    entry({ origin: 3, ip: 3 }),
    entry({ ip: 5 }),
    entry({ ip: 5, container: "d" }),
    entry({ ip: 6, version: 1, tombstone: T0 }),
  ], T0);
  records.add("web.example.org.", "c", 7, T0);
  assert.deepEqual(records.addressesOf("web.example.org."), [
    { ip: 5, reachable: true },
    { ip: 5, reachable: true },
    { ip: 7, reachable: true },
    { ip: 3, reachable: false },
  ]);
  assert.deepEqual(records.addressesOf("db.example.org."), []);
});

Deno.test("Records.addressesOf() finds a name that was registered with capitals", () => {
  const records = table();
  records.merge([entry({ hostname: "Web.Example.org." })], T0);
  assert.equal(records.addressesOf("web.example.org.").length, 1);
  assert.equal(records.nameOf(IP), "Web.Example.org.");
});

Deno.test("Records.nameOf() returns the first in table order, of a peer in reach if there is one", () => {
  const records = table();
  records.merge([
    entry({ hostname: "a.example.org.", origin: 3 }),
    entry({ hostname: "C.example.org." }),
    entry({ hostname: "b.example.org." }),
    entry({ hostname: "not a name." }),
  ], T0);
  assert.equal(records.nameOf(IP), "b.example.org.");
  assert.equal(records.nameOf(IP + 1), undefined);
});

Deno.test("Records.merge() answers what others believe of us", () => {
  const ours = { origin: US };
  const cases: [heard: Partial<NameEntry>, version: number | undefined][] = [
    [{ version: 4 }, 5],
    [{ version: 4, tombstone: T0 }, 5],
    [{ version: 0, tombstone: T0 }, 1],
    [{ version: 0 }, undefined],
  ];
  for (const [heard, version] of cases) {
    const records = table();
    records.add("web.example.org.", "c", IP, T0);
    const { answers, news, passable } = records.merge([entry({ ...ours, ...heard })], T0);
    const expected = version === undefined ? [] : [entry({ ...ours, version })];
    assert.deepEqual(answers, expected);
    assert.deepEqual([news, passable], [[], []]);
  }
});

Deno.test("Records.merge() takes the spelling of others for an entry of ours that nobody was told", () => {
  const records = table();
  records.add("web.example.org.", "c", IP, T0);
  const heard = entry({ origin: US, hostname: "Web.example.org." });
  assert.deepEqual(records.merge([heard], T0).answers, [heard]);
  assert.deepEqual(records.merge([heard], T0).answers, []);
});

Deno.test("Records.merge() keeps our spelling when others were told", () => {
  const records = table();
  records.tell([records.add("web.example.org.", "c", IP, T0)]);
  const heard = entry({ origin: US, hostname: "Web.example.org.", version: 2 });
  const [answer] = records.merge([heard], T0).answers;
  assert.deepEqual([answer?.hostname, answer?.version], ["web.example.org.", 3]);
});

Deno.test("Records.merge() keeps the first of two spellings and passes on neither", () => {
  const capital = entry({ hostname: "Web.example.org.", version: 1 });
  const other = entry({ container: "d" });
  const records = table();
  const { news, passable } = records.merge([entry(), capital, other], T0);
  assert.deepEqual([news, passable], [[other], [other]]);
  assert.deepEqual(records.entries(), [entry({ version: 1 }), other]);
});

Deno.test("Records.merge() passes on a change in the spelling that it passed on before", () => {
  const records = table();
  records.merge([entry({ hostname: "Web.example.org." })], T0);
  const { news, passable } = records.merge([entry({ version: 1, tombstone: T0 })], T0);
  const expected = [entry({ hostname: "Web.example.org.", version: 1, tombstone: T0 })];
  assert.deepEqual([news, passable], [expected, expected]);
});

Deno.test("Records.merge() passes on one of two exact copies", () => {
  const { passable } = table().merge([entry(), entry()], T0);
  assert.deepEqual(passable, [entry()]);
});

Deno.test("Records.sweep() drops tombstones that are too old or in the future", () => {
  const records = table();
  const tombstones = [0, T0, T0 - TOMBSTONE_S, T0 - TOMBSTONE_S - 1, T0 + TOMBSTONE_S + 1];
  records.merge(tombstones.map((tombstone, ip) => entry({ ip, tombstone })), T0);
  records.sweep(T0);
  assert.deepEqual(records.entries().map((each) => each.ip), [0, 1, 2]);
});

Deno.test("Records.sweep() remembers a spelling of ours until nobody else can have it", () => {
  const records = table();
  records.merge([entry({ origin: US, hostname: "Web.example.org." })], T0);
  records.sweep(T0 + 3_600);
  assert.equal(records.add("web.example.org.", "c", IP, T0).hostname, "Web.example.org.");
  records.remove({}, T0);
  records.sweep(T0 + 7_300);
  assert.equal(records.add("web.example.org.", "c", IP, T0).hostname, "web.example.org.");
});

Deno.test("Records.dropOrigin() leaves nothing of a peer", () => {
  const records = table();
  records.merge([entry(), entry({ origin: 3, container: "d" })], T0);
  records.dropOrigin(THEM);
  assert.deepEqual(records.entries().map((each) => each.origin), [3]);
  assert.equal(records.addressesOf("web.example.org.").length, 1);
});

const anyEntry: fc.Arbitrary<NameEntry> = fc.record({
  hostname: fc.constantFrom("a.example.org.", "A.example.org.", "b.example.org.", "B.Example.org."),
  container: fc.constantFrom("c", "d"),
  origin: fc.constantFrom(THEM, 3),
  ip: fc.constantFrom(IP, IP + 1),
  version: fc.nat(3),
  tombstone: fc.constantFrom(0, T0, T0 + 1),
}, { noNullPrototype: true });
const entries = fc.array(anyEntry, { maxLength: 20 });

/** Returns what comes of messages in this order, whatever the spelling. */
function mergedIn(...messages: NameEntry[][]): NameEntry[] {
  const records = table();
  for (const message of messages) records.merge(message, T0);
  return records.entries().map((each) => ({ ...each, hostname: each.hostname.toLowerCase() }));
}

Deno.test("Records.merge() is commutative, associative and idempotent on entries of others", () => {
  fc.assert(fc.property(entries, entries, entries, (a, b, c) => {
    const whole = mergedIn(a, b, c);
    assert.deepEqual(mergedIn(c, b, a), whole);
    assert.deepEqual(mergedIn([...b, ...a, ...c]), whole);
    assert.deepEqual(mergedIn(a, mergedIn(b, c)), whole);
    assert.deepEqual(mergedIn(a, b, c, a, b), whole);
  }));
});

Deno.test("Records.merge() passes on each entry in one spelling for ever, and as news only what is new", () => {
  fc.assert(fc.property(fc.array(entries, { maxLength: 6 }), (messages) => {
    const records = table();
    const told = new Map<string, string>();
    for (const message of messages) {
      const before = new Set(records.entries());
      const { news, passable } = records.merge(message, T0);
      assert.equal(new Set(passable.map(keyOf)).size, passable.length);
      for (const each of passable) {
        assert.ok(records.entries().includes(each));
        assert.equal(news.includes(each), !before.has(each));
        assert.equal(told.get(keyOf(each)) ?? each.hostname, each.hostname);
        told.set(keyOf(each), each.hostname);
      }
    }
  }));
});

Deno.test("Records.entries() is sorted and has no two entries that differ in case alone", () => {
  fc.assert(fc.property(entries, (heard) => {
    const records = table();
    records.add("a.example.org.", "c", IP, T0);
    records.merge([...heard, ...heard.map((each) => ({ ...each, origin: US }))], T0);
    const all = records.entries();
    assert.deepEqual(all.toSorted(compareInTable), all);
    assert.equal(new Set(all.map(keyOf)).size, all.length);
  }));
});

type Step =
  | { readonly kind: "add" | "remove"; readonly name: string }
  | { readonly kind: "hear"; readonly entry: NameEntry };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("add" as const, "remove" as const),
    name: fc.constantFrom("a.example.org.", "b.example.org."),
  }),
  fc.record({
    kind: fc.constant("hear" as const),
    entry: anyEntry.map((each) => ({ ...each, origin: US })),
  }),
);

Deno.test("Records never lowers a version of ours, and finds what a plain search finds", () => {
  fc.assert(fc.property(fc.array(step), (steps) => {
    const records = table();
    const versions = new Map<string, number>();
    const registered = new Set<string>();
    for (const [i, each] of steps.entries()) {
      if (each.kind === "hear") records.merge([each.entry], T0 + i);
      else if (each.kind === "add") {
        records.add(each.name, "c", IP, T0 + i);
        registered.add(each.name);
      } else {
        records.remove({ hostname: each.name }, T0 + i);
        registered.delete(each.name);
      }
      for (const now of records.entries()) {
        assert.ok(now.version >= (versions.get(keyOf(now)) ?? 0));
        versions.set(keyOf(now), now.version);
      }
      const live = records.entries().filter((now) => now.tombstone === 0);
      assert.deepEqual(new Set(live.map((now) => now.hostname.toLowerCase())), registered);
      for (const name of ["a.example.org.", "b.example.org."]) {
        const plain = live.filter((now) => now.hostname.toLowerCase() === name);
        assert.equal(records.addressesOf(name).length, plain.length);
      }
      assert.equal(records.nameOf(IP), live.find((now) => now.ip === IP)?.hostname);
    }
  }));
});

Deno.test("Records.merge() takes no more than the table holds, and what is in it still changes", () => {
  const records = new Records(US, 3);
  records.setReachable(new Set([THEM]));
  records.merge([1, 2, 3, 4, 5].map((i) => entry({ ip: IP + i })), T0);
  assert.equal(records.entries().length, 3);
  assert.equal(records.refused, 2);
  const { news } = records.merge([entry({ ip: IP + 1, version: 1, tombstone: T0 })], T0);
  assert.equal(news.length, 1);
  records.add("own.example.org.", "c", IP, T0);
  assert.equal(records.entries().length, 4);
  records.sweep(T0);
  assert.equal(records.refused, 0);
});

Deno.test("Records.merge() answers for no names of an earlier life when the table is full", () => {
  const records = new Records(US, 3);
  const made = [1, 2, 3, 4, 5].map((i) => entry({ origin: US, ip: IP + i }));
  assert.equal(records.merge(made, T0).answers.length, 3);
});
