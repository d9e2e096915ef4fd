import assert from "node:assert/strict";
import fc from "fast-check";
import {
  fromHex,
  GobDecoder,
  GobEncoder,
  gobString,
  gobStruct,
  gobUint,
  parseIpv4,
  parsePeerName,
  toHex,
  WireError,
} from "../../base/mod.ts";
import vectors from "../../tests/vectors/ipam-gossip.json" with { type: "json" };
import type { Claims, ProposalId } from "./consensus.ts";
import { seedRing } from "./seeding.ts";
import {
  decodeState,
  decodeUnicast,
  encodeState,
  encodeUnicast,
  type IpamState,
  type IpamUnicast,
} from "./state_wire.ts";

interface VectorProposal {
  round: number;
  proposer: { name: string; uid: string };
}
interface VectorState {
  now: number;
  nicknames: Record<string, string> | null;
  paxos: {
    node: { name: string; uid: string };
    promise: VectorProposal;
    accepted: VectorProposal;
    accepted_value: { value: string[]; origin: VectorProposal };
  }[] | null;
  ring: {
    start: string;
    end: string;
    peer: string;
    entries: { token: string; peer: string; version: number; free: number }[];
    seeds: string[];
  } | null;
}
interface VectorCase {
  kind: string;
  note: string;
  gob?: string;
  payload?: string;
  type_ids: number[];
  decoded: VectorState & { start: string; end: string };
}

const CASES = vectors.cases as unknown as VectorCase[];
const STATES = CASES.filter((each) => each.kind === "gossip_state");
const UNICASTS = CASES.filter((each) => each.kind !== "gossip_state");
const END: IpamUnicast = { kind: "request", range: { start: 2 ** 31, end: 2 ** 32 } };

for (const each of STATES) {
  Deno.test(`decodeState() and encodeState() agree with the vector: ${each.note}`, () => {
    const state = decodeState(fromHex(each.gob ?? ""));
    assert.deepEqual(sorted(state), sorted(toState(each.decoded)));
    // A map is written in our order, and an absent one of nicknames as an empty one.
    if ((each.decoded.paxos?.length ?? 0) > 1 || each.decoded.nicknames === null) return;
    if (Object.keys(each.decoded.nicknames).length > 1) return;
    assert.equal(toHex(encodeState(state, each.type_ids)), each.gob);
  });
}

for (const each of UNICASTS) {
  Deno.test(`decodeUnicast() and encodeUnicast() agree with the vector: ${each.kind} ${each.note}`, () => {
    const message = decodeUnicast(fromHex(each.payload ?? ""));
    assert.deepEqual(message, toUnicast(each));
    assert.equal(toHex(encodeUnicast(message, each.type_ids)), each.payload);
  });
}

Deno.test("decodeState() tells no claims, empty claims and no ring apart", () => {
  for (const content of [{ kind: "nothing" }, { kind: "claims", claims: [] }] as const) {
    const state: IpamState = { now: 5, nicknames: [], content };
    assert.deepEqual(decodeState(encodeState(state)), state);
  }
});

Deno.test("decodeUnicast() refuses what would hang or end a real peer", () => {
  for (const hex of ["", "03", "ff00"]) assert.throws(() => decodeUnicast(fromHex(hex)), WireError);
});

Deno.test("decodeUnicast() reads an end of 2^32, which is 0 in 32 bits", () => {
  assert.deepEqual(decodeUnicast(encodeUnicast(END)), END);
  const empty: IpamUnicast = { kind: "denial", range: { start: 0, end: 0 } };
  assert.deepEqual(decodeUnicast(encodeUnicast(empty)), empty);
});

Deno.test("decodeState() refuses numbers that a real peer could not read", () => {
  const big = gobStruct({ Now: gobString });
  assert.throws(() => decodeState(new GobEncoder().write(big, { Now: "x" }).bytes()), WireError);
  const wide = gobStruct({ Ring: gobStruct({ Start: gobUint(53) }) });
  const bytes = new GobEncoder().write(wide, { Ring: { Start: 2 ** 40 } }).bytes();
  assert.throws(() => decodeState(bytes), WireError);
});

Deno.test("decodeState() refuses what follows the value", () => {
  const state = encodeState({ now: 1, nicknames: [], content: { kind: "nothing" } });
  const twice = Uint8Array.from([...state, ...state]);
  assert.throws(() => decodeState(twice), WireError);
  assert.ok(!new GobDecoder(twice).done);
});

Deno.test("decodeState() reads a ring of thousands of entries", () => {
  const names = Array.from({ length: 4_000 }, (_, i) => 0x020000000000 + i);
  const ring = seedRing({ start: 0x0a200000, end: 0x0a300000 }, 7, names);
  const state: IpamState = { now: 1, nicknames: [[7, "x"]], content: { kind: "ring", ring } };
  assert.deepEqual(decodeState(encodeState(state)), state);
});

Deno.test("decodeState() and decodeUnicast() return a value or throw WireError for any bytes", () => {
  const seeds = CASES.map((each) => fromHex(each.gob ?? each.payload ?? ""));
  const change = fc.tuple(fc.nat(seeds.length - 1), fc.nat(1_000), fc.nat(255), fc.nat(1_000));
  fc.assert(
    fc.property(change, ([which, at, byte, cut]) => {
      const bytes = seeds[which]?.slice() ?? new Uint8Array();
      bytes[at % bytes.length] = byte;
      const input = cut % 4 === 0 ? bytes.subarray(0, cut % bytes.length) : bytes;
      for (const decode of [decodeState, decodeUnicast]) {
        try {
          decode(input);
        } catch (error) {
          assert.ok(error instanceof WireError, String(error));
        }
      }
    }),
    { numRuns: 1_500 },
  );
});

function toUnicast({ kind, decoded }: VectorCase): IpamUnicast {
  if (kind === "ring_update") return { kind: "state", state: toState(decoded) };
  const range = { start: parseIpv4(decoded.start), end: parseIpv4(decoded.end) };
  return { kind: kind === "space_request" ? "request" : "denial", range };
}

function toState({ now, nicknames, paxos, ring }: VectorState): IpamState {
  const names = Object.entries(nicknames ?? {}).map(([name, nickname]) => {
    return [parsePeerName(name), nickname] as const;
  });
  const base = { now, nicknames: names };
  if (ring !== null) {
    const entries = ring.entries.map(({ token, peer, version, free }) => {
      return { token: parseIpv4(token), peer: parsePeerName(peer), version, free };
    });
    return {
      ...base,
      content: {
        kind: "ring",
        ring: {
          start: parseIpv4(ring.start),
          end: parseIpv4(ring.end),
          peer: parsePeerName(ring.peer),
          entries,
          seeds: ring.seeds.map(parsePeerName),
        },
      },
    };
  }
  if (paxos === null) return { ...base, content: { kind: "nothing" } };
  const claims: Claims = paxos.map(({ node, promise, accepted, accepted_value }) => [
    toNode(node),
    {
      promise: toProposal(promise),
      accepted: toProposal(accepted),
      value: {
        names: accepted_value.value.map(parsePeerName),
        origin: toProposal(accepted_value.origin),
      },
    },
  ]);
  return { ...base, content: { kind: "claims", claims } };
}

function toNode({ name, uid }: { name: string; uid: string }): ProposalId["proposer"] {
  return { name: parsePeerName(name), uid: BigInt(uid) };
}

function toProposal({ round, proposer }: VectorProposal): ProposalId {
  return { round, proposer: toNode(proposer) };
}

/** Maps have no order. */
function sorted(state: IpamState): IpamState {
  const { content } = state;
  const nicknames = [...state.nicknames].sort((a, b) => a[0] - b[0]);
  if (content.kind !== "claims") return { ...state, nicknames };
  const claims = [...content.claims].sort((a, b) => a[0].name - b[0].name);
  return { ...state, nicknames, content: { kind: "claims", claims } };
}
