/**
 * Messages of the address manager, and rings that anybody may send.
 *
 * @module
 */

import assert from "node:assert/strict";
import { fromHex } from "../../base/mod.ts";
import { Consensus } from "../../container/ipam/consensus.ts";
import { faultOf, ownerOf, type Ring } from "../../container/ipam/ring.ts";
import { mergeRings } from "../../container/ipam/ring_merge.ts";
import { seedRing } from "../../container/ipam/seeding.ts";
import {
  decodeState,
  decodeUnicast,
  encodeState,
  encodeUnicast,
  type IpamState,
} from "../../container/ipam/state_wire.ts";
import vectors from "../vectors/ipam-gossip.json" with { type: "json" };
import { fuzz, refused } from "./fuzzer.ts";

interface Recorded {
  readonly gob?: string;
  readonly payload?: string;
}

const CASES = vectors.cases as readonly Recorded[];
const STATES = CASES.flatMap(({ gob }) => gob === undefined ? [] : [fromHex(gob)]);
const UNICASTS = CASES.flatMap(({ payload }) => payload === undefined ? [] : [fromHex(payload)]);

const UNIVERSE = { start: 0x0a200000, end: 0x0a300000 };
const US = 0x020000000001;
const OURS: Ring = seedRing(UNIVERSE, US, [US, 0x020000000002, 0x020000000003]);
/** An address of ours that is in use. */
const USED = UNIVERSE.start + 5;

fuzz({
  name: "decodeState()",
  share: 0.03,
  seeds: STATES,
  run: (input) => {
    const state = refused(() => decodeState(input));
    if (state === undefined) return;
    assert.deepEqual(decodeState(encodeState(state)), state);
    believe(state);
  },
});

fuzz({
  name: "decodeUnicast()",
  share: 0.02,
  seeds: UNICASTS,
  run: (input) => {
    const message = refused(() => decodeUnicast(input));
    if (message === undefined) return;
    assert.deepEqual(decodeUnicast(encodeUnicast(message)), message);
  },
});

/** Whatever a peer says: our ring stays valid, and what is in use stays ours. */
function believe({ content }: IpamState): void {
  if (content.kind === "claims") {
    const node = new Consensus({ name: US, uid: 1n });
    node.propose({ kind: "count", count: 2 });
    const round = node.own.promise.round;
    node.update(content.claims);
    node.think({ kind: "count", count: 2 });
    assert.ok(node.own.promise.round >= round);
  }
  if (content.kind !== "ring") return;
  const busy = ({ start, end }: { start: number; end: number }): boolean => {
    return start <= USED && USED < end;
  };
  const result = mergeRings(OURS, content.ring, { busy });
  if (result.kind === "conflict") return;
  assert.equal(faultOf(result.ring), undefined);
  assert.equal(ownerOf(result.ring, USED), US);
}
