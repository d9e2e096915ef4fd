/**
 * Messages of key agreement, and two cores that hear anything from each other.
 *
 * @module
 */

import assert from "node:assert/strict";
import { must, toHex } from "../../base/mod.ts";
import { formatKeyMessage, parseKeyMessage, writeKeyMessage } from "../../mesh/keys/codec.ts";
import { type KeyNode, KeyWorld, nameOf } from "../helpers/key_world.ts";
import { fuzz, refused } from "./fuzzer.ts";

/** Two peers that ask as soon as they know each other; the toy's randomness makes every start alike. */
function start(): { world: KeyWorld; nodes: KeyNode[]; seen: Uint8Array[] } {
  const world = new KeyWorld();
  const seen: Uint8Array[] = [];
  const nodes = [1, 2].map((n) => world.start(n));
  world.delays = (_from, _to, payload) => {
    seen.push(payload.slice());
    return [1];
  };
  world.meet();
  return { world, nodes, seen };
}

const recorded = start();
recorded.world.run(3_000);
const MESSAGES = recorded.seen;
/** What honest messages of the first run lead to. */
const KEYS = new Set(
  recorded.nodes.flatMap((node) => node.of("install")).map((out) => toHex(out.keys.receiveKey)),
);

fuzz({
  name: "parseKeyMessage()",
  share: 0.02,
  seeds: MESSAGES,
  run: (input) => {
    const message = refused(() => parseKeyMessage(input));
    if (message === undefined) return;
    assert.deepEqual(writeKeyMessage(message), input);
    assert.ok(!formatKeyMessage(message).includes("undefined"));
  },
});

/** Both peers in the middle of their first run, out of touch with each other. */
function listeners(): { world: KeyWorld; nodes: KeyNode[] } {
  const { world, nodes } = start();
  world.delays = (_from, _to, payload) => payload[0] === 1 ? [1] : [];
  world.run(1);
  world.delays = () => [];
  return { world, nodes };
}

let age = 0;
let { world, nodes } = listeners();

fuzz({
  name: "KeyAgreement",
  share: 0.02,
  seeds: MESSAGES,
  run: (input, roll) => {
    if (++age % 40 === 0) ({ world, nodes } = listeners());
    const node = must(nodes[roll() < 0.5 ? 0 : 1], "node");
    const before = node.outputs.length;
    node.feed({ kind: "received", from: nameOf(Math.floor(roll() * 4)), payload: input });
    for (const out of node.outputs.slice(before)) {
      if (out.kind === "send") parseKeyMessage(out.payload);
      if (out.kind === "install") assert.ok(KEYS.has(toHex(out.keys.receiveKey)), "a forged key");
    }
    assert.ok(node.outputs.length - before <= 4, "more comes out than went in");
    world.run(Math.floor(roll() * 100));
  },
});
