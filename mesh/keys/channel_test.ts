import assert from "node:assert/strict";
import { must, utf8 } from "../../base/mod.ts";
import { KeyWorld, nameOf } from "../../tests/helpers/key_world.ts";
import { portableCrypto, World } from "../../tests/helpers/mesh_world.ts";
import { KEYS_CHANNEL, KeysChannel } from "./channel.ts";
import type { KeysInput } from "./io.ts";

Deno.test("KeysChannel hands on unicasts and ignores the rest", () => {
  const heard: KeysInput[] = [];
  const channel = new KeysChannel((input) => heard.push(input));
  const payload = utf8("any");
  channel.unicast(payload, 7);
  assert.deepEqual(heard, [{ kind: "received", from: 7, payload }]);
  assert.deepEqual([channel.gossip(), channel.broadcast(), channel.full()], [
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(channel.encode(), []);
  assert.equal(heard.length, 1);
});

Deno.test("KeysChannel joins two peers over a mesh whose relay knows nothing of it", () => {
  const [mesh, keys] = [new World(), new KeyWorld()];
  const join = (n: number, ...targets: string[]) => {
    const node = keys.start(n);
    const channel = new KeysChannel((input) => node.feed(input));
    return mesh.start(n, { discovery: false, targets }, portableCrypto, [channel]);
  };
  const one = join(1);
  mesh.start(2, { discovery: false, targets: ["10.0.0.1"] });
  const three = join(3, "10.0.0.2");
  mesh.run(5_000);
  keys.delays = (from, to, payload) => {
    const node = from === one.name ? one : three;
    node.feed({ kind: "unicast", channel: KEYS_CHANNEL, to, payload });
    return [];
  };
  keys.meet();
  for (let i = 0; i < 5; i++) {
    mesh.run(10);
    keys.run(10);
  }
  const [a, b] = [must(keys.node(nameOf(1)), "1"), must(keys.node(nameOf(3)), "3")];
  assert.deepEqual([a.state(3), b.state(1)], ["ready", "ready"]);
  assert.deepEqual(b.opens(1), [a.sendsWith(3)]);
});
