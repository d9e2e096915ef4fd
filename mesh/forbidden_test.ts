import assert from "node:assert/strict";
import { fromHex, must, type PeerName } from "../base/mod.ts";
import { seededCrypto, World } from "../tests/helpers/mesh_world.ts";
import { gossipMessage, overlayMessage, parseMessage, unicastMessage } from "./wire.ts";

const NAME = (n: number): PeerName => 0x020000000000 + n;
const ALLOCATION = "IPallocation";

/** What ends or blocks a real peer (spec/mesh.md 21); each comes from a neighbour of ours. */
const DEADLY: readonly [string, Uint8Array][] = [
  ["overlay control for an overlay that is not common", overlayMessage(1, 1, new Uint8Array())],
  ["overlay control without index", fromHex("07")],
  ["overlay control without tag", fromHex("0700")],
  ["legacy tag 1 without a body", fromHex("01")],
  ["legacy tag 2 without a body", fromHex("02")],
  ["legacy tag 3 with a body that reads as index and tag", fromHex("03ff0102")],
  ["an empty unicast of address allocation", unicast(1, "")],
  ["a unicast of address allocation of an unknown kind", unicast(1, "03")],
  ["an empty unicast of address allocation for another", unicast(3, "")],
  ["a unicast of address allocation of an unknown kind for another", unicast(3, "ff00")],
  [
    "malformed gossip of a channel that we do not handle",
    gossipMessage("x", NAME(9), fromHex("ff")),
  ],
];

function unicast(to: number, payload: string): Uint8Array {
  return unicastMessage(ALLOCATION, NAME(9), NAME(to), fromHex(payload));
}

/** Whether a message may be sent to a real peer that has one overlay. */
function isHarmless(bytes: Uint8Array): boolean {
  const tag = bytes[0] ?? 0;
  if (tag >= 1 && tag <= 3) return false;
  if (tag === 7) return bytes.length >= 3 && bytes[1] === 0;
  const message = parseMessage(bytes);
  return message.kind !== "unicast" || message.channel !== ALLOCATION ||
    (message.payload[0] ?? 3) < 3;
}

for (const [what, message] of DEADLY) {
  Deno.test(`MeshCore survives and does not pass on ${what}`, () => {
    const world = new World();
    const sent: Uint8Array[] = [];
    const nodes = [1, 2, 3].map((n) =>
      world.start(
        n,
        { discovery: false, targets: n === 1 ? [] : ["10.0.0.1"] },
        seededCrypto(n),
      )
    );
    world.run(5_000);
    const [middle, from] = [must(nodes[0], "middle"), must(nodes[1], "from")];
    // No password: what is sent is the message behind four bytes of length.
    world.onSend = (node, _to, bytes): Uint8Array => {
      if (node === middle) sent.push(bytes.subarray(4));
      return bytes;
    };
    const link = must(from.snapshot().connections[0]?.id, "link");
    world.inject(from, link, message);
    world.run(1_000);
    const connected = middle.snapshot().connections.filter((each) => each.state === "established");
    assert.equal(connected.length, 2);
    assert.deepEqual(sent.filter((bytes) => !isHarmless(bytes)), []);
    world.run(65_000);
    assert.deepEqual(sent.filter((bytes) => !isHarmless(bytes)), []);
    assert.ok(sent.length > 2);
  });
}

Deno.test("MeshCore passes on unicasts of address allocation that real peers understand", () => {
  const world = new World();
  for (const n of [1, 2, 3]) {
    world.start(n, { discovery: false, targets: n === 1 ? [] : ["10.0.0.1"] }, seededCrypto(n));
  }
  world.run(5_000);
  const [middle, from] = [must(world.nodes[0], "middle"), must(world.nodes[1], "from")];
  let passed = 0;
  world.onSend = (node, _to, bytes): Uint8Array => {
    const message = parseMessage(bytes.subarray(4));
    if (node === middle && message.kind === "unicast" && message.channel === ALLOCATION) passed++;
    return bytes;
  };
  const link = must(from.snapshot().connections[0]?.id, "link");
  for (const kind of ["00", "01", "0201"]) world.inject(from, link, unicast(3, kind));
  world.run(1_000);
  assert.equal(passed, 3);
});
