import assert from "node:assert/strict";
import fc from "fast-check";
import vectors from "../../tests/vectors/ipam-vectors.json" with { type: "json" };
import {
  type Claims,
  compareProposals,
  Consensus,
  isQuorum,
  NO_CLAIMS,
  type NodeId,
  type ProposalId,
  type Quorum,
} from "./consensus.ts";

interface VectorStep {
  op: "propose" | "recv";
  node: number;
  from?: number;
  ownClaimsChanged?: boolean;
  consensus?: number[];
  knows: {
    node: number[];
    promise: number[];
    accepted: number[];
    value: number[];
    origin: number[];
  }[];
}

const TRACES = Object.entries(vectors.paxos) as unknown as [
  string,
  { quorums: number[]; steps: VectorStep[] },
][];

for (const [name, { quorums, steps }] of TRACES) {
  Deno.test(`Consensus takes the steps of the vector: ${name}`, () => {
    const nodes = quorums.map((_, i) => new Consensus(nodeOf(i + 1)));
    for (const step of steps) {
      const node = pick(nodes, step.node);
      const quorum = count(quorums[step.node - 1] ?? 0);
      if (step.op === "propose") node.propose(quorum);
      else {
        const learned = node.update(pick(nodes, step.from ?? 0).claims);
        const changed = learned && node.think(quorum);
        assert.equal(changed, step.ownClaimsChanged);
      }
      assert.deepEqual(toVector(node.claims), step.knows);
      assert.deepEqual(node.consensus(quorum), step.consensus);
    }
  });
}

Deno.test("Consensus counts votes by name when a peer has lived twice", () => {
  const us = new Consensus(nodeOf(1));
  us.propose(count(3));
  const promise = us.own.promise;
  const lives = [22n, 23n].map((uid) => [{ name: 2, uid }, { ...NO_CLAIMS, promise }] as const);
  us.update(lives);
  assert.ok(!us.think(count(3)));
  assert.equal(us.known, 2);
  us.update([[nodeOf(3), { ...NO_CLAIMS, promise }]]);
  assert.ok(us.think(count(3)));
  assert.deepEqual(us.own.value.names, [1, 2, 3]);
});

Deno.test("Consensus waits for each member of a quorum of names", () => {
  const quorum: Quorum = { kind: "names", names: [1, 3] };
  const us = new Consensus(nodeOf(1));
  const [second, third] = [new Consensus(nodeOf(2)), new Consensus(nodeOf(3))];
  us.propose(quorum);
  exchange(us, second, quorum);
  assert.equal(us.own.accepted.round, 0);
  exchange(us, third, quorum);
  exchange(us, third, quorum);
  assert.deepEqual(us.consensus(quorum), [1, 2, 3]);
});

Deno.test("Consensus decides nothing while its quorum is unknown", () => {
  const us = new Consensus(nodeOf(1));
  us.propose(undefined);
  assert.equal(us.own.accepted.round, 0);
  assert.equal(us.consensus(undefined), undefined);
  assert.ok(!isQuorum({ kind: "names", names: [] }, new Set([1])));
  assert.ok(!isQuorum(count(0), new Set([1])));
});

Deno.test("Consensus goes on after a restart with what it promised", () => {
  const quorum = count(2);
  const us = new Consensus(nodeOf(1));
  us.update([[nodeOf(2), { ...NO_CLAIMS, promise: { round: 4, proposer: nodeOf(2) } }]]);
  us.think(quorum);
  const again = new Consensus(us.node, us.own);
  assert.deepEqual(again.own, us.own);
  again.propose(quorum);
  assert.equal(again.own.promise.round, 5);
});

Deno.test("Consensus knows best what it promised itself", () => {
  const us = new Consensus(nodeOf(1));
  us.propose(count(2));
  const forged = { ...us.own, promise: { round: 9, proposer: nodeOf(5) } };
  assert.ok(!us.update([[us.node, forged]]));
  assert.equal(us.own.promise.round, 1);
});

Deno.test("Consensus proposes nothing above a round that no peer could read", () => {
  const us = new Consensus(nodeOf(1));
  const promise = { round: Number.MAX_SAFE_INTEGER, proposer: nodeOf(2) };
  us.update([[nodeOf(2), { ...NO_CLAIMS, promise }]]);
  us.propose(count(2));
  assert.equal(us.own.promise.round, 0);
});

Deno.test("compareProposals() orders by round, name, UID", () => {
  const sorted: ProposalId[] = [
    { round: 0, proposer: nodeOf(9) },
    { round: 1, proposer: { name: 1, uid: 2n ** 63n } },
    { round: 1, proposer: { name: 2, uid: 1n } },
    { round: 1, proposer: { name: 2, uid: 2n } },
    { round: 2, proposer: { name: 1, uid: 0n } },
  ];
  for (const [i, a] of sorted.entries()) {
    for (const [j, b] of sorted.entries()) {
      assert.equal(Math.sign(compareProposals(a, b)), Math.sign(i - j));
    }
  }
});

type Act = readonly ["propose" | "tell" | "crash", number, number, number];

/** Plays acts of five electors; messages are snapshots that come late, twice, out of order, or never. */
function play(acts: readonly Act[], quorum: Quorum): (readonly number[])[] {
  let nodes = [1, 2, 3, 4, 5].map((name) => new Consensus(nodeOf(name)));
  const mail: Claims[] = [];
  const values: (readonly number[])[] = [];
  for (const [kind, who, whom, age] of acts) {
    const node = pick(nodes, 1 + who);
    const before = node.own.promise;
    if (kind === "propose") node.propose(quorum);
    else if (kind === "tell") {
      mail.push(node.claims);
      const other = pick(nodes, 1 + whom);
      const promise = other.own.promise;
      if (other.update(mail[mail.length - 1 - age % mail.length] ?? [])) other.think(quorum);
      assert.ok(compareProposals(other.own.promise, promise) >= 0, "it promised less than before");
      collect(other, quorum, values);
    } else {
      // Only what is on the disk is left.
      nodes = nodes.map((each) => each === node ? new Consensus(node.node, node.own) : each);
    }
    assert.ok(compareProposals(pick(nodes, 1 + who).own.promise, before) >= 0);
    collect(pick(nodes, 1 + who), quorum, values);
  }
  return values;
}

function collect(node: Consensus, quorum: Quorum, values: (readonly number[])[]): void {
  const value = node.consensus(quorum);
  if (value !== undefined) values.push(value);
}

Deno.test("Consensus never decides two values, and no value of too few names (S8)", () => {
  const act = fc.tuple(
    fc.oneof(
      { weight: 2, arbitrary: fc.constant("propose" as const) },
      { weight: 1, arbitrary: fc.constant("crash" as const) },
      { weight: 40, arbitrary: fc.constant("tell" as const) },
    ),
    fc.nat(4),
    fc.nat(4),
    fc.nat(5),
  ) as fc.Arbitrary<Act>;
  const quorums: Quorum[] = [count(3), { kind: "names", names: [1, 2, 3, 4, 5] }, {
    kind: "names",
    names: [2, 4],
  }];
  let decided = 0;
  fc.assert(
    fc.property(
      fc.array(act, { minLength: 50, maxLength: 250, size: "max" }),
      fc.constantFrom(...quorums),
      (acts, quorum) => {
        const values = play(acts, quorum);
        decided += Math.min(1, values.length);
        for (const value of values) {
          assert.deepEqual(value, values[0]);
          assert.ok(isQuorum(quorum, new Set(value)));
        }
      },
    ),
    { numRuns: 400 },
  );
  assert.ok(decided > 20, `only ${decided} runs decided anything`);
});

function exchange(a: Consensus, b: Consensus, quorum: Quorum): void {
  if (b.update(a.claims)) b.think(quorum);
  if (a.update(b.claims)) a.think(quorum);
}

function nodeOf(name: number): NodeId {
  return { name, uid: BigInt(11 * name) };
}

function count(votes: number): Quorum {
  return { kind: "count", count: votes };
}

function pick(nodes: readonly Consensus[], number: number): Consensus {
  const node = nodes[number - 1];
  assert.ok(node !== undefined);
  return node;
}

function toVector(claims: Claims): VectorStep["knows"] {
  const proposal = ({ round, proposer }: ProposalId): number[] => {
    return [round, proposer.name, Number(proposer.uid)];
  };
  return claims.map(([node, { promise, accepted, value }]) => ({
    node: [node.name, Number(node.uid)],
    promise: proposal(promise),
    accepted: proposal(accepted),
    value: [...value.names],
    origin: proposal(value.origin),
  })).sort((a, b) => (a.node[0] ?? 0) - (b.node[0] ?? 0));
}
