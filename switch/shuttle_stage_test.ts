import assert from "node:assert/strict";
import { concat } from "../base/mod.ts";
import { buildFrame, buildSuperframe } from "../tests/helpers/frames.ts";
import { BULK, BULK_GSO_SIZE } from "../tests/helpers/hot_paths.ts";
import { StageWorld } from "../tests/helpers/stage_world.ts";
import { dice } from "../tests/helpers/underlay.ts";
import { SEND } from "./overlay/overlay.ts";

const FRAME = buildFrame({ payload: Uint8Array.of(1, 2, 3) });
const READ = concat(new Uint8Array(10), FRAME);
const SUPERFRAME = buildSuperframe(BULK, BULK_GSO_SIZE);

Deno.test("ShuttleStage carries frames between neighbours once their probes were answered", () => {
  for (const mode of ["sealed", "clear"] as const) {
    const world = new StageWorld(2, mode);
    assert.equal(world.at(0).send(1, READ, 0), -1);
    if (mode === "sealed") world.agree(0, 1);
    world.run(500);
    const pair = world.at(0).pair(1);
    assert.deepEqual([pair?.shuttle, pair?.reason], [true, undefined], mode);
    assert.equal(pair?.cipher, mode === "clear" ? "plain" : "AES-256-GCM");
    for (const [from, to] of [[0, 1], [1, 0]] as const) {
      assert.equal(world.at(from).send(to, READ, world.now), SEND.OK);
      world.deliver();
      assert.deepEqual(world.at(to).frames, [FRAME]);
    }
  }
});

Deno.test("ShuttleStage relays whole trains, with one hop less and nothing else changed", () => {
  const world = new StageWorld(3, "sealed");
  world.agree(0, 2);
  world.run(500);
  assert.equal(world.at(0).pair(2)?.shuttle, true);
  world.wire.length = 0;
  assert.equal(world.at(0).send(2, SUPERFRAME, world.now), SEND.OK);
  world.deliver();
  const [first, second] = [0, 1].map((from) => world.wire.filter((sent) => sent.from === from));
  assert.equal(first?.length, second?.length);
  first?.forEach(({ train }, i) => {
    const expected = train.slice();
    for (let at = 0; at < expected.length; at += 1_468) expected[at + 1] = 15;
    assert.deepEqual(second?.[i]?.train, expected);
  });
  assert.equal(world.at(2).frames.length, 47);
  assert.equal(world.at(1).frames.length, 0);
});

Deno.test("ShuttleStage says why frames do not go by shuttle", () => {
  const world = new StageWorld(3, "sealed");
  const reason = (peer: number): string | undefined => {
    world.run(50);
    return world.at(0).pair(peer)?.reason;
  };
  assert.equal(reason(1), "there is no key yet");
  world.agree(0, 1);
  world.lost = () => true;
  assert.equal(reason(1), "nothing has come under its key yet");
  world.say(0, 1, "use", 3);
  assert.equal(reason(1), "its path is being probed");
  world.say(0, 1, "stop", 3);
  assert.equal(reason(1), "its key may not be used any more");
  const { stage, peers } = world.at(0);
  world.at(0).hops = [];
  stage.pairs.reroute(world.now);
  assert.equal(reason(1), "its link does not carry shuttle");
  assert.equal(
    reason(2),
    "the link to 02:00:00:00:0a:02 on the way does not carry shuttle",
  );
  const with1 = (change: object): typeof peers =>
    peers.map((peer, i) => i === 1 && peer !== null ? { ...peer, ...change } : peer);
  stage.configure({ self: 0, peers: with1({ nextHop: -1 }) }, world.now);
  assert.equal(reason(1), "there is no route to it");
  stage.configure({ self: 0, peers: with1({ shortId: -1 }) }, world.now);
  assert.equal(reason(1), "its short id is claimed twice");
  stage.configure({ self: 1, peers: with1({ shortId: -1 }) }, world.now);
  assert.equal(world.at(0).stage.pairs.told(0)?.reason, "our short id is claimed twice");
});

Deno.test("ShuttleStage ends a path whose probes are not answered, and finds it again", () => {
  const world = new StageWorld(2, "sealed");
  world.agree(0, 1);
  world.run(500);
  world.lost = () => true;
  for (let i = 0; i < 100; i++) {
    world.at(0).send(1, READ, world.now);
    world.run(50);
  }
  assert.match(world.at(0).pair(1)?.reason ?? "", /not answered for 3 s/);
  world.lost = () => false;
  world.run(5_500);
  assert.equal(world.at(0).pair(1)?.shuttle, true);
});

Deno.test("ShuttleStage passes segments on only from links, never in clear where there is a password", () => {
  const world = new StageWorld(3, "sealed");
  world.agree(0, 2);
  world.run(500);
  world.at(0).send(2, READ, world.now);
  const [{ train, segment } = { train: new Uint8Array(), segment: 0 }] = world.at(0).sends();
  const middle = world.at(1);
  const change = (at: number, value: number): Uint8Array =>
    train.map((b, i) => i === at ? value : b);
  const cases: readonly [string, Uint8Array, number, string][] = [
    ["from a stranger", train, -1, "dropUnknownSender"],
    ["in clear", change(0, 0x21), 0, "dropNoKey"],
    ["of a link probe", change(0, 0x17), 0, "dropNoRoute"],
    ["without hops", change(1, 0), 0, "dropHops"],
    ["with its last hop", change(1, 1), 0, "dropHops"],
    ["with too many hops", change(1, 17), 0, "dropHops"],
    ["back to where it came from", train, 2, "dropNoRoute"],
    ["to nobody", change(3, 0x99), 0, "dropNoRoute"],
    ["of an unknown type", change(0, 0x19), 0, "dropMalformed"],
  ];
  for (const [name, bytes, source, counter] of cases) {
    const before = middle.counts[counter] ?? 0;
    middle.take(bytes, segment, source, world.now);
    assert.deepEqual(middle.sends(), [], name);
    assert.equal((middle.counts[counter] ?? 0) - before, 1, name);
  }
  middle.take(train, segment, 0, world.now);
  assert.equal(middle.sends().length, 1);
});

Deno.test("ShuttleStage passes a train on by another neighbour if the next hop is where it came from", () => {
  const world = new StageWorld(3, "clear");
  world.run(1_000);
  world.at(0).send(2, READ, world.now);
  const [{ train, segment } = { train: new Uint8Array(), segment: 0 }] = world.at(0).sends();
  const middle = world.at(1);
  const before = middle.counts["framesRelayed"] ?? 0;
  middle.detours[2] = 0;
  middle.take(train, segment, 2, world.now);
  assert.deepEqual(middle.sends().map(({ slot }) => slot), [0]);
  assert.equal((middle.counts["framesRelayed"] ?? 0) - before, 1);
  // A neighbour without shuttle is no way.
  middle.hops[0] = undefined;
  middle.take(train, segment, 2, world.now);
  assert.deepEqual(middle.sends(), []);
  assert.equal(middle.counts["dropNoRoute"], 1);
});

Deno.test("ShuttleStage splits a train at a change of destination", () => {
  const world = new StageWorld(4, "clear");
  world.run(1_000);
  const pieces = [2, 3, 3].flatMap((to) => {
    world.at(0).send(to, READ, world.now);
    return world.at(0).sends().map(({ train }) => train);
  });
  world.wire.length = 0;
  world.at(1).take(concat(...pieces), pieces[0]?.length ?? 0, 0, world.now);
  world.deliver();
  const size = pieces[0]?.length ?? 0;
  assert.deepEqual(
    world.wire.filter(({ from }) => from === 1).map(({ train }) => train.length),
    [size, 2 * size],
  );
  assert.equal(world.at(3).frames.length, 2);
});

Deno.test("ShuttleStage opens at most 100 segments a second from strangers", () => {
  const world = new StageWorld(2, "sealed");
  world.agree(0, 1);
  world.run(1_000);
  for (let i = 0; i < 120; i++) {
    world.at(0).send(1, READ, world.now);
    for (const { train, segment } of world.at(0).sends()) {
      world.at(1).take(train, segment, -1, world.now);
    }
  }
  assert.equal(world.at(1).frames.length, 100);
  assert.equal(world.at(1).counts["dropUnknownSender"], 20);
});

Deno.test("ShuttleStage takes any bytes as a train", () => {
  const world = new StageWorld(3, "clear");
  world.run(500);
  world.at(0).send(1, SUPERFRAME, world.now);
  const [{ train, segment } = { train: new Uint8Array(), segment: 1 }] = world.at(0).sends();
  const roll = dice(7);
  for (let i = 0; i < 3_000; i++) {
    const bytes = train.slice(0, 1 + Math.floor(roll() * 3 * segment));
    for (let changes = 0; changes < 4; changes++) {
      // Most often in the header of a segment: the rest is the receiver's own fuzzing.
      const at = Math.floor(roll() * 3) * segment + Math.floor(roll() * 16);
      if (at > 0 && at < bytes.length) bytes[at] = Math.floor(roll() * 256);
    }
    const size = roll() < 0.5 ? segment : 1 + Math.floor(roll() * 2_000);
    for (let at = 0; at < bytes.length; at += size) bytes[at] = (bytes[at] ?? 0) | 1;
    world.at(1).take(bytes, size, Math.floor(roll() * 3) - 1, world.now);
    world.at(1).sends();
  }
  world.at(1).frames.length = 0;
  world.at(0).send(1, READ, world.now);
  world.deliver();
  assert.deepEqual(world.at(1).frames, [FRAME]);
});
