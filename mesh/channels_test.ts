import assert from "node:assert/strict";
import { fromUtf8, type PeerName, utf8, WireError } from "../base/mod.ts";
import { type Node, portableCrypto, testConfig, World } from "../tests/helpers/mesh_world.ts";
import type { Channel } from "./channel.ts";
import { MeshCore } from "./mesh.ts";

const NAME = [0, 1, 2, 3, 4].map((n) => 0x020000000000 + n);

/** A channel that notes what it hears; its items are texts, and what was heard before is no news. */
class Notes implements Channel<string> {
  readonly name = "notes";
  readonly heard: string[] = [];
  /** Heard next time, it throws this. */
  objection: Error | undefined;

  gossip(payload: Uint8Array, from: PeerName): string | undefined {
    const text = fromUtf8(payload);
    const known = this.heard.some((line) => line.endsWith(text));
    this.#note("gossip", from, payload);
    return known ? undefined : text;
  }

  broadcast(payload: Uint8Array, source: PeerName): string {
    this.#note("broadcast", source, payload);
    return fromUtf8(payload);
  }

  unicast(payload: Uint8Array, source: PeerName): void {
    this.#note("unicast", source, payload);
  }

  full(): undefined {
    return undefined;
  }

  merge(a: string, b: string): string {
    return `${a}+${b}`;
  }

  encode(item: string): Uint8Array[] {
    return [utf8(item)];
  }

  #note(kind: string, who: PeerName, payload: Uint8Array): void {
    if (this.objection !== undefined) throw this.objection;
    this.heard.push(`${kind} ${NAME.indexOf(who)} ${fromUtf8(payload)}`);
  }
}

/** Starts peer `n` with a channel and targets. */
function start(world: World, n: number, ...targets: number[]): { node: Node; notes: Notes } {
  const notes = new Notes();
  const change = { discovery: false, targets: targets.map((each) => `10.0.0.${each}`) };
  return { node: world.start(n, change, portableCrypto, [notes]), notes };
}

Deno.test("MeshCore sends a unicast through a relay that does not know the channel", () => {
  const world = new World();
  const one = start(world, 1);
  world.start(2, { discovery: false, targets: ["10.0.0.1"] });
  const three = start(world, 3, 2);
  world.run(5_000);
  const message = { kind: "unicast", channel: "notes", payload: utf8("hello") } as const;
  one.node.feed({ ...message, to: NAME[3] ?? 0 });
  one.node.feed({ ...message, to: NAME[4] ?? 0 }); // no such peer
  one.node.feed({ ...message, to: NAME[1] ?? 0 }); // ourselves
  world.run(100);
  assert.deepEqual(three.notes.heard, ["unicast 1 hello"]);
  assert.deepEqual(one.notes.heard, []);
});

Deno.test("MeshCore broadcasts to everybody once when the mesh is a ring", () => {
  const world = new World();
  const ring = [[1], [2, 1], [3, 2], [4, 3, 1]].map(([n, ...to]) => start(world, n ?? 0, ...to));
  world.run(5_000);
  ring[0]?.node.feed({ kind: "broadcast", channel: "notes", item: "news" });
  ring[0]?.node.feed({ kind: "broadcast", channel: "elsewhere", item: "ignored" });
  world.run(100);
  const heard = ring.map(({ notes }) => notes.heard);
  assert.deepEqual(heard, [[], ["broadcast 1 news"], ["broadcast 1 news"], ["broadcast 1 news"]]);
});

Deno.test("MeshCore gossips an item, and what is new to a neighbour goes on", () => {
  const world = new World();
  const [one, , three] = [start(world, 1), start(world, 2, 1), start(world, 3, 2)];
  world.run(5_000);
  one.node.feed({ kind: "gossip", channel: "notes", item: "state" });
  world.run(100);
  assert.deepEqual(three.notes.heard, ["gossip 2 state"]);
  assert.deepEqual(one.notes.heard, []);
});

Deno.test("MeshCore closes the connection when a channel refuses what came by it", () => {
  const world = new World();
  const [one, two] = [start(world, 1), start(world, 2, 1)];
  world.run(5_000);
  two.notes.objection = new WireError("notes", 0, "something else");
  one.node.feed({ kind: "broadcast", channel: "notes", item: "news" });
  world.run(100);
  const down = two.node.events.find((event) => event.kind === "linkDown");
  assert.equal(down?.reason, "Cannot parse notes at byte 0: expected something else");
});

Deno.test("MeshCore lets other errors of a channel through", () => {
  const world = new World();
  const [one, two] = [start(world, 1), start(world, 2, 1)];
  world.run(5_000);
  two.notes.objection = new RangeError("a bug");
  one.node.feed({ kind: "broadcast", channel: "notes", item: "news" });
  assert.throws(() => world.run(100), RangeError);
});

Deno.test("MeshCore refuses two channels of one name", () => {
  const topology = { ...new Notes(), name: "topology" } as unknown as Channel;
  assert.throws(() => new MeshCore(testConfig(1), portableCrypto, 0, [topology]), /Two channels/);
});
