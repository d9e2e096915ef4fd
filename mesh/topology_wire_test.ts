import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex, WireError } from "../base/mod.ts";
import { toEntry, type VectorPeer } from "../tests/helpers/topology_vectors.ts";
import vectors from "../tests/vectors/topology.json" with { type: "json" };
import { decodeTopology, encodeTopology, type PeerEntry } from "./topology_wire.ts";

interface TopologyCase {
  gob: string;
  type_ids: number[];
  peers_in_wire_order: VectorPeer[];
}

const CASES = vectors.cases as unknown as TopologyCase[];

Deno.test("decodeTopology() and encodeTopology() agree with the vectors", () => {
  for (const c of CASES) {
    const entries = decodeTopology(fromHex(c.gob));
    assert.deepEqual(entries, c.peers_in_wire_order.map(toEntry));
    // Fresh copies, then the same again from memory; the recorder's ids differ from ours.
    for (let i = 0; i < 2; i++) {
      const ours = encodeTopology(entries).map(toHex).join("");
      assert.equal(renumber(ours, [65, 66, 67]), renumber(c.gob, c.type_ids));
    }
  }
});

Deno.test("encodeTopology() cuts a large table into payloads that decode to the whole", () => {
  const entries: PeerEntry[] = Array.from({ length: 300 }, (_, i) => ({
    name: i + 1,
    nickname: "n".repeat(30_000),
    uid: BigInt(i),
    version: 1n,
    shortId: i,
    connections: [{ peer: i + 2, address: "192.0.2.1:6783", outbound: true, established: false }],
  }));
  const payloads = encodeTopology(entries);
  assert.equal(payloads.length, 3);
  assert.deepEqual(payloads.flatMap(decodeTopology), entries);
});

Deno.test("decodeTopology() returns entries or throws WireError when bytes are arbitrary", () => {
  const attempt = (bytes: Uint8Array): void => {
    try {
      decodeTopology(bytes);
    } catch (error) {
      assert.ok(error instanceof WireError, String(error));
    }
  };
  const seed = fromHex(CASES[7]?.gob ?? "");
  fc.assert(
    fc.property(fc.nat(seed.length - 1), fc.nat(255), fc.nat(seed.length), (at, byte, length) => {
      const bytes = seed.slice(0, length);
      if (at < length) bytes[at] = byte;
      attempt(bytes);
    }),
    { numRuns: 1500 },
  );
});

/** Replaces the type ids (65 to 127: two bytes each, +id as ff and 2 id, -id as ff and 2 id - 1) by letters. */
function renumber(hex: string, ids: readonly number[]): string {
  return ids.reduce((text, id, i) => {
    const letter = "xyz"[i];
    return text.replaceAll(`ff${(2 * id).toString(16)}`, `+${letter}`)
      .replaceAll(`ff${(2 * id - 1).toString(16)}`, `-${letter}`);
  }, hex);
}
