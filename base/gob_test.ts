import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex, WireError } from "./bytes.ts";
import {
  gobArray,
  gobBool,
  gobBytes,
  GobDecoder,
  GobEncoder,
  gobInt,
  gobInt64,
  gobList,
  gobMap,
  gobOptional,
  gobString,
  gobStruct,
  type GobType,
  gobUint,
  gobUint64,
} from "./gob.ts";
import basic from "../tests/vectors/gob-basic.json" with { type: "json" };
import featuresVectors from "../tests/vectors/features-gob.json" with { type: "json" };
import ipam from "../tests/vectors/ipam-gossip.json" with { type: "json" };
import nameserver from "../tests/vectors/nameserver-gossip.json" with { type: "json" };

const INNER = gobStruct({ A: gobInt, B: gobString }, "Inner");
const OUTER = gobStruct({
  U: gobUint64,
  I: gobInt,
  F: gobBool,
  S: gobString,
  X: gobBytes,
  L: gobList(gobUint64, "[]uint64"),
  P: gobOptional(INNER),
  In: INNER,
  M: gobOptional(gobMap(gobUint64, gobString, "map[uint64]string")),
  PL: gobList(INNER, "[]*main.Inner"),
  Arr: gobArray(gobUint(8), 6, "[6]uint8"),
}, "Outer");

const FEATURES = gobMap(gobString, gobString);

const NODE_ID = gobStruct({ Name: gobUint(48), UID: gobUint64 });
const PROPOSAL = gobStruct({ Round: gobUint(53), Proposer: NODE_ID }, "ProposalID");
const ACCEPTED = gobStruct(
  { Value: gobList(gobUint(48), "Value"), Origin: PROPOSAL },
  "AcceptedValue",
);
const CLAIMS = gobStruct({ Promise: PROPOSAL, Accepted: PROPOSAL, AcceptedVal: ACCEPTED });
const ENTRY = gobStruct({
  Token: gobUint(32),
  Peer: gobUint(48),
  Version: gobUint(32),
  Free: gobUint(32),
});
const RING = gobStruct({
  Start: gobUint(32),
  End: gobUint(32),
  Peer: gobUint(48),
  Entries: gobList(ENTRY, "entries"),
  Seeds: gobList(gobUint(48), "[]mesh.PeerName"),
}, "Ring");
const STATE = gobStruct({
  Now: gobInt,
  Nicknames: gobOptional(gobMap(gobUint(48), gobString, "map[mesh.PeerName]string")),
  Paxos: gobOptional(gobMap(NODE_ID, CLAIMS, "GossipState")),
  Ring: gobOptional(RING),
}, "gossipState");
const RANGE = gobStruct({ Start: gobUint(32), End: gobUint(32) }, "Range");

const NAME_ENTRY = gobStruct({
  ContainerID: gobString,
  Origin: gobUint(48),
  Addr: gobUint(32),
  Hostname: gobString,
  Version: gobInt,
  Tombstone: gobInt,
}, "Entry");
const NAMES = gobStruct(
  { Timestamp: gobInt, Entries: gobList(NAME_ENTRY, "Entries") },
  "GossipData",
);

interface BasicCase {
  kind: string;
  value?: unknown;
  gob?: string;
  type_ids?: number[];
}

function scalar(c: BasicCase): [GobType<unknown>, unknown] {
  switch (c.kind) {
    case "uint":
      return [gobUint64, BigInt(String(c.value))];
    case "int":
      return [gobInt64, BigInt(String(c.value))];
    case "bool":
      return [gobBool, c.value];
    case "string":
      return [gobString, c.value];
    default:
      return [gobBytes, fromHex(String(c.value))];
  }
}

Deno.test("GobEncoder and GobDecoder agree with the vectors when a value is basic", () => {
  const cases = (basic.cases as BasicCase[]).filter((c) =>
    c.gob !== undefined && c.kind !== "struct" && c.kind !== "stream"
  );
  assert.ok(cases.length > 40);
  for (const c of cases) {
    const [type, value] = scalar(c);
    assert.equal(toHex(new GobEncoder().write(type, value).bytes()), c.gob);
    const decoder = new GobDecoder(fromHex(c.gob ?? ""));
    assert.deepEqual(decoder.next(type), value);
    assert.ok(decoder.done);
  }
});

Deno.test("GobEncoder reproduces a struct with every kind of field when it has the same ids", () => {
  const cases = (basic.cases as BasicCase[]).filter((c) => c.kind === "struct");
  for (const c of cases) {
    const value = new GobDecoder(fromHex(c.gob ?? "")).next(OUTER);
    assert.equal(toHex(new GobEncoder(c.type_ids).write(OUTER, value).bytes()), c.gob);
  }
  const full = new GobDecoder(fromHex(cases[1]?.gob ?? "")).next(OUTER);
  assert.deepEqual(full, {
    U: 300n,
    I: -300,
    F: true,
    S: "s",
    X: fromHex("0102"),
    L: [0n, 1n, 1099511627776n],
    P: { A: 0, B: "p" },
    In: { A: -1, B: "" },
    M: [[5n, ""]],
    PL: [{ A: 1, B: "x" }, { A: 0, B: "" }],
    Arr: [1, 2, 3, 4, 5, 200],
  });
});

Deno.test("GobDecoder.next() keeps absent and empty apart when a map is optional", () => {
  const [zero, , empty] = (basic.cases as BasicCase[]).filter((c) => c.kind === "struct");
  assert.equal(new GobDecoder(fromHex(zero?.gob ?? "")).next(OUTER).M, undefined);
  assert.deepEqual(new GobDecoder(fromHex(empty?.gob ?? "")).next(OUTER).M, []);
});

Deno.test("GobEncoder sends a definition once when a type comes again on the stream", () => {
  const stream = (basic.cases as BasicCase[]).find((c) => c.kind === "stream");
  const list = gobList(INNER);
  const decoder = new GobDecoder(fromHex(stream?.gob ?? ""));
  const values = [decoder.next(INNER), decoder.next(INNER)] as const;
  const text = decoder.next(gobString);
  const number = decoder.next(gobUint64);
  const last = decoder.next(list);
  assert.deepEqual([...values, text, number, last], [
    { A: 1, B: "one" },
    { A: 2, B: "two" },
    "str",
    7n,
    [{ A: 3, B: "" }],
  ]);
  const again = new GobEncoder(stream?.type_ids).write(INNER, values[0]).write(INNER, values[1])
    .write(gobString, text).write(gobUint64, number).write(list, last);
  assert.equal(toHex(again.bytes()), stream?.gob);
});

Deno.test("GobDecoder reads features maps and GobEncoder writes them alike when ids are given", () => {
  for (const c of featuresVectors.cases) {
    const pairs = new GobDecoder(fromHex(c.gob)).next(FEATURES);
    assert.deepEqual(Object.fromEntries(pairs), c.map);
    assert.equal(toHex(new GobEncoder(c.type_ids).write(FEATURES, pairs).bytes()), c.gob);
  }
});

interface IpamCase {
  kind: string;
  gob?: string;
  payload?: string;
  type_ids: number[];
  decoded: {
    start_u32?: number;
    end_u32?: number;
    now?: number;
    paxos?: unknown[] | null;
    ring?: { entries: unknown[]; seeds: string[] } | null;
  };
}

Deno.test("GobEncoder reproduces allocation states and ranges when it has the same ids", () => {
  for (const c of ipam.cases as IpamCase[]) {
    const hex = c.gob ?? (c.payload ?? "").slice(2);
    if (c.kind === "gossip_state" || c.kind === "ring_update") {
      const state = new GobDecoder(fromHex(hex)).next(STATE);
      assert.equal(state.Now, c.decoded.now);
      assert.equal(state.Paxos?.length, c.decoded.paxos?.length);
      assert.equal(state.Ring?.Entries.length, c.decoded.ring?.entries.length);
      assert.equal(toHex(new GobEncoder(c.type_ids).write(STATE, state).bytes()), hex);
    } else {
      const range = new GobDecoder(fromHex(hex)).next(RANGE);
      assert.deepEqual(range, { Start: c.decoded.start_u32, End: c.decoded.end_u32 });
      assert.equal(toHex(new GobEncoder(c.type_ids).write(RANGE, range).bytes()), hex);
    }
  }
});

Deno.test("GobEncoder reproduces name states when it has the same ids", () => {
  for (const c of nameserver.cases) {
    const names = new GobDecoder(fromHex(c.gob)).next(NAMES);
    assert.equal(names.Timestamp, c.decoded.timestamp);
    assert.deepEqual(
      names.Entries.map((e) => e.Hostname),
      c.decoded.entries.map((e) => e.hostname),
    );
    assert.equal(toHex(new GobEncoder(c.type_ids).write(NAMES, names).bytes()), c.gob);
  }
});

Deno.test("GobDecoder matches fields by name when the sender has others", () => {
  const theirs = gobStruct({
    Extra: gobList(gobMap(gobString, gobStruct({ Deep: gobBytes }))),
    B: gobString,
    More: gobInt64,
  });
  const bytes = new GobEncoder().write(theirs, {
    Extra: [[["k", { Deep: fromHex("01") }]]],
    B: "kept",
    More: -1n,
  }).bytes();
  assert.deepEqual(new GobDecoder(bytes).next(INNER), { A: 0, B: "kept" });
});

Deno.test("GobDecoder.next() throws WireError when kinds differ or values overflow", () => {
  const text = gobStruct({ A: gobString });
  const other = gobStruct({ C: gobInt });
  const wide = gobStruct({ A: gobUint64 });
  const small = gobStruct({ A: gobUint(16) });
  const refuse = <T>(bytes: Uint8Array, type: GobType<T>): void =>
    assert.throws(() => new GobDecoder(bytes).next(type), WireError);
  refuse(new GobEncoder().write(text, { A: "x" }).bytes(), INNER);
  refuse(new GobEncoder().write(other, { C: 1 }).bytes(), INNER);
  refuse(new GobEncoder().write(wide, { A: 65536n }).bytes(), small);
  refuse(new GobEncoder().write(gobUint64, 2n ** 53n).bytes(), gobUint(53));
  refuse(new GobEncoder().write(gobInt64, -(2n ** 53n)).bytes(), gobInt);
  refuse(fromHex(""), gobUint64);
});

Deno.test("GobDecoder.next() throws WireError when a definition is wrong", () => {
  const refuse = (hex: string): void =>
    assert.throws(() => new GobDecoder(fromHex(hex)).next(FEATURES), WireError, hex);
  refuse("0eff81040102ff8200010c010c00000eff81040102ff8200010c010c000004ff820000"); // sent twice
  refuse("0c7b04010278 00010c010c0000".replaceAll(" ", "")); // id below 64
  refuse("04ff820000"); // never defined
  refuse("0fff81040102ff8200010c010c000000"); // more in the message
  refuse("08ff810201027e000000"); // list without an element type
});

Deno.test("GobDecoder.next() throws WireError when the limits are passed", () => {
  const many = gobList(gobUint(8));
  const bytes = new GobEncoder().write(many, new Array(30).fill(0)).bytes();
  assert.throws(() => new GobDecoder(bytes, { maxValues: 20 }).next(many), WireError);
  assert.equal(new GobDecoder(bytes, { maxValues: 50 }).next(many).length, 30);
});

Deno.test("GobDecoder.next() throws WireError when values are nested without end", () => {
  const message = (hex: string): string => (hex.length / 2).toString(16).padStart(2, "0") + hex;
  const listOfItself = message("ff81020102ff820001ff820000"); // 65 = list of 65
  const struct = message("ff83030102ff84000102010141010400" + "01015a01ff82000000"); // 66 = { A int, Z 65 }
  const nested = (depth: number): Uint8Array =>
    fromHex(listOfItself + struct + message("ff8402" + "01".repeat(depth) + "0000"));
  assert.deepEqual(new GobDecoder(nested(10)).next(INNER), { A: 0, B: "" });
  assert.throws(() => new GobDecoder(nested(33)).next(INNER), WireError);
});

Deno.test("GobDecoder.next() returns a value or throws WireError when bytes are arbitrary", () => {
  const seeds = ipam.cases.map((c) => (c as IpamCase).gob).filter((hex) => hex !== undefined);
  const attempt = (bytes: Uint8Array): void => {
    try {
      new GobDecoder(bytes).next(STATE);
    } catch (error) {
      assert.ok(error instanceof WireError, String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), attempt), { numRuns: 500 });
  fc.assert(
    fc.property(
      fc.constantFrom(...seeds),
      fc.nat(),
      fc.nat(255),
      (seed, at, byte) => {
        const bytes = fromHex(seed);
        bytes[at % bytes.length] = byte;
        attempt(bytes);
      },
    ),
    { numRuns: 1500 },
  );
});

Deno.test("GobDecoder reads what GobEncoder wrote", () => {
  const plain = { noNullPrototype: true };
  const inner = fc.record({ A: fc.integer(), B: fc.string() }, plain);
  const value = fc.record({
    U: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    I: fc.maxSafeInteger(),
    F: fc.boolean(),
    S: fc.string({ unit: "grapheme" }),
    X: fc.uint8Array(),
    L: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    P: fc.option(inner, { nil: undefined }),
    In: inner,
    M: fc.option(
      fc.array(fc.tuple(fc.bigInt({ min: 0n, max: 9n }), fc.string())),
      { nil: undefined },
    ),
    PL: fc.array(inner),
    Arr: fc.array(fc.nat(255), { minLength: 6, maxLength: 6 }),
  }, plain);
  fc.assert(
    fc.property(value, (v) => {
      const bytes = new GobEncoder().write(OUTER, v).bytes();
      assert.deepEqual(new GobDecoder(bytes).next(OUTER), v);
    }),
    { numRuns: 300 },
  );
});

Deno.test("GobEncoder.write() sends an optional field of a built-in type when it is there", () => {
  const type = gobStruct({ Count: gobUint64, Text: gobOptional(gobString) }, "pair");
  for (const value of [{ Count: 1n, Text: "x" }, { Count: 2n, Text: undefined }]) {
    const bytes = new GobEncoder().write(type, value).bytes();
    assert.deepEqual(new GobDecoder(bytes).next(type), value);
  }
});
