import assert from "node:assert/strict";
import fc from "fast-check";
import {
  fromHex,
  GobEncoder,
  gobInt64,
  gobList,
  gobString,
  gobStruct,
  gobUint64,
  must,
  parsePeerName,
  toHex,
  WireError,
} from "../../base/mod.ts";
import vectors from "../../tests/vectors/nameserver-gossip.json" with { type: "json" };
import type { NameEntry } from "./entry.ts";
import { decodeNames, encodeNames } from "./records_wire.ts";

interface VectorEntry {
  addr_u32: number;
  container_id: string;
  hostname: string;
  origin: string;
  tombstone: number;
  version: number;
}

interface NamesCase {
  gob: string;
  type_ids: number[];
  decoded: { timestamp: number; entries: VectorEntry[] };
}

const CASES = vectors.cases as unknown as NamesCase[];

const ENTRY: NameEntry = {
  hostname: "web.example.org.",
  container: "c1",
  origin: 0x020000000001,
  ip: 0xc0000201,
  version: 3,
  tombstone: 1_700_000_000,
};

function toEntry(entry: VectorEntry): NameEntry {
  const { hostname, container_id: container, addr_u32: ip, version, tombstone } = entry;
  return { hostname, container, origin: parsePeerName(entry.origin), ip, version, tombstone };
}

Deno.test("decodeNames() returns what the vectors say", () => {
  for (const { gob, decoded } of CASES) {
    const { timestamp, entries } = decodeNames(fromHex(gob));
    assert.equal(timestamp, decoded.timestamp);
    assert.deepEqual(entries, decoded.entries.map(toEntry));
  }
});

Deno.test("encodeNames() writes the bytes of the vectors, whatever the order of entries", () => {
  for (const { gob, decoded, type_ids } of CASES) {
    const { timestamp } = decoded;
    const entries = decoded.entries.map(toEntry).reverse();
    assert.deepEqual(encodeNames({ timestamp, entries }, type_ids).map(toHex), [gob]);
  }
});

Deno.test("encodeNames() cuts a large table into payloads that decode to the whole", () => {
  const entries = Array.from({ length: 20_000 }, (_, i) => ({
    ...ENTRY,
    hostname: `${String(i).padStart(5, "0")}.${"x".repeat(200)}.`,
  }));
  const payloads = encodeNames({ timestamp: 5, entries });
  assert.equal(payloads.length, 4);
  assert.deepEqual(payloads.flatMap((payload) => decodeNames(payload).entries), entries);
});

Deno.test("encodeNames() sends a timestamp without entries", () => {
  const [payload] = encodeNames({ timestamp: 5, entries: [] });
  assert.deepEqual(decodeNames(must(payload, "payload")), { timestamp: 5, entries: [] });
});

/** Writes entries as a peer could that has no limits. */
function foreign(entries: readonly Partial<Record<string, string | bigint>>[]): Uint8Array {
  const type = gobStruct({
    Timestamp: gobInt64,
    Entries: gobList(gobStruct({
      ContainerID: gobString,
      Origin: gobUint64,
      Addr: gobUint64,
      Hostname: gobString,
      Version: gobInt64,
      Tombstone: gobInt64,
    })),
  });
  const good = { ContainerID: "c", Origin: 2n, Addr: 3n, Hostname: "a.", Version: 0n };
  return new GobEncoder().write(type, {
    Timestamp: 7n,
    Entries: entries.map((entry) => ({ ...good, Tombstone: 0n, ...entry })),
  } as never).bytes();
}

Deno.test("decodeNames() leaves out entries that cannot be told on, and takes the others", () => {
  const { entries } = decodeNames(foreign([
    { Version: -1n },
    { Version: 2n ** 60n },
    { Tombstone: -5n },
    { Tombstone: 2n ** 62n },
    { Origin: 2n ** 48n },
    { Hostname: "\ufffd." },
    { ContainerID: "x".repeat(2_000) },
    { Hostname: "good." },
  ]));
  assert.deepEqual(entries.map((entry) => entry.hostname), ["good."]);
});

Deno.test("decodeNames() refuses an address of more than 32 bits", () => {
  assert.throws(() => decodeNames(foreign([{ Addr: 2n ** 32n }])), WireError);
});

Deno.test("decodeNames() returns entries or throws WireError when bytes are arbitrary", () => {
  const seed = fromHex(must(CASES.at(-1), "case").gob);
  fc.assert(
    fc.property(fc.nat(seed.length - 1), fc.nat(255), fc.nat(seed.length), (at, byte, length) => {
      const bytes = seed.slice(0, length);
      if (at < length) bytes[at] = byte;
      try {
        decodeNames(bytes);
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }),
    { numRuns: 1500 },
  );
});
