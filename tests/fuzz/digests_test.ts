/**
 * Digests: any payload of a neighbour, and what a comparison says to it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Digests } from "../../mesh/digest.ts";
import { decodeDigest, type Digest, encodeDigest, sumRows } from "../../mesh/digest_wire.ts";
import { Topology } from "../../mesh/topology.ts";
import { encodeTopology } from "../../mesh/topology_wire.ts";
import { portableCrypto } from "../helpers/mesh_world.ts";
import { fuzz, refused } from "./fuzzer.ts";

const { sha256 } = portableCrypto;
const NEIGHBOUR = 2;
const PEERS = 60;
/** One payload is answered with a list of the whole table at most, in 1024 buckets. */
const MAX_ANSWER_BYTES = 4 + 2 * 1024 + 23 * (PEERS + 1);

const NAMES = Array.from({ length: PEERS }, (_, i) => i + 2);
const ROWS = NAMES.map((name) => ({ name, uid: 9n, version: 5n, hasShortId: name % 2 === 0 }));
const SOME = ROWS.filter((row) => row.name % 3 > 0).map((row) => ({ ...row, version: 6n }));

const PAYLOADS: readonly Digest[] = [
  { kind: "sums", bits: 0, sums: [1n] },
  { kind: "sums", bits: 0, sums: sumRows(ROWS, 0, sha256) },
  { kind: "sums", bits: 2, sums: sumRows(SOME, 2, sha256) },
  { kind: "sums", bits: 5, sums: sumRows(ROWS, 5, sha256) },
  { kind: "list", bits: 0, buckets: [0], rows: SOME },
  { kind: "list", bits: 2, buckets: [0, 1, 2, 3], rows: SOME },
  { kind: "list", bits: 2, buckets: [1, 3], rows: [] },
  { kind: "want", names: [] },
  { kind: "want", names: NAMES },
];

let digests = newDigests();
let now = 0;

function newDigests(): Digests {
  const topology = new Topology({ name: 1, nickname: "us", uid: 5n, random: () => 0.5 });
  const entries = ROWS.map(({ name, uid, version, hasShortId }) => ({
    name,
    nickname: "",
    uid,
    version,
    shortId: hasShortId ? name : undefined,
    connections: [],
  }));
  for (const payload of encodeTopology(entries)) topology.apply(payload);
  const made = new Digests({ topology, sha256 });
  for (const peer of [NEIGHBOUR, 3]) made.add(peer, false, -2_000);
  return made;
}

fuzz({
  name: "Digests.receive()",
  share: 0.04,
  seeds: PAYLOADS.map(encodeDigest),
  run: (input, roll) => {
    const digest = refused(() => decodeDigest(input));
    if (digest !== undefined) assert.deepEqual(encodeDigest(digest), input);
    if (roll() < 0.02) digests = newDigests();
    now += Math.floor(roll() * 1_500);
    if (roll() < 0.2) digests.begin(NEIGHBOUR);
    while (digests.poll() !== undefined);
    refused(() => digests.receive(input, NEIGHBOUR, now));
    let answers = 0;
    for (let out = digests.poll(); out !== undefined; out = digests.poll()) {
      answers++;
      assert.equal(out.peer, NEIGHBOUR);
      if (out.kind === "send") assert.ok(out.payload.length <= MAX_ANSWER_BYTES);
    }
    assert.ok(answers <= 2, "entries and a want at most");
    if (roll() < 0.1) digests.tick(now);
  },
});
