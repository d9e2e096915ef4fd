import assert from "node:assert/strict";
import { type Host, Lab } from "../helpers/lab.ts";
import type { Background } from "../helpers/namespace.ts";
import { copies, receiver, sender } from "../helpers/tools.ts";
import { pause, until } from "../helpers/until.ts";
import { type Station, SwitchWorld, type WorldOptions } from "../helpers/switch_world.ts";
import "../../ffi/_testing.ts";

/** Runs a test with switches in a line, all pairs of which have keys if anything is sealed. */
async function inWorld(
  count: number,
  options: WorldOptions,
  test: (world: SwitchWorld) => Promise<void>,
): Promise<void> {
  using lab = new Lab();
  await using world = await SwitchWorld.start(lab, count, options);
  if (options.sealed) {
    for (let a = 0; a < count; a++) {
      for (let b = a + 1; b < count; b++) world.agree(a, b);
    }
  }
  await world.connected();
  await test(world);
}

/** Sends a stream of bytes from one container to another. @returns Mbit/s */
async function stream(from: Station, to: Station, ...args: string[]): Promise<number> {
  await using server = to.container.start(["iperf3", "-s", "-1", "--forceflush"]);
  await server.says(/listening/i);
  const words = ["iperf3", "-c", to.address, "-t", "2", "-J", ...args];
  const { stdout } = await from.container.run(words);
  const { end } = JSON.parse(stdout);
  return (end.sum_received ?? end.sum).bits_per_second / 1e6;
}

/** Prints a rate: nothing depends on it. */
function say(what: string, rate: number): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${what}: ${rate.toFixed(0)} Mbit/s\n`));
}

/** Sends bytes over TCP both ways and compares what came. */
async function sendBytes(from: Station, to: Station): Promise<void> {
  await using server = await receiver(to.container, "tcp-in", "5001", `${TRANSFER_BYTES}`);
  const client = await sender(
    from.container,
    "tcp-out",
    to.address,
    "5001",
    `${TRANSFER_BYTES}`,
  );
  const { stdout } = await server.done();
  const hash = (text: string, verb: string): string =>
    new RegExp(`^${verb} (\\w+)$`, "m").exec(text)?.[1] ?? `nothing ${verb}: ${text}`;
  assert.equal(hash(stdout, "received"), hash(client.stdout, "sent"), "there");
  assert.equal(hash(client.stdout, "received"), hash(stdout, "sent"), "back");
}

/** Some hundred superframes. */
const TRANSFER_BYTES = 24 << 20;

const PLAIN: WorldOptions = { sealed: false };
const SEALED: WorldOptions = { sealed: true };
const WAYS = [
  ["in clear", PLAIN],
  ["sealed with AES-256-OCB", SEALED],
  ["sealed with AES-256-GCM", { sealed: true, suite: "AES-256-GCM" }],
  ["sealed with ChaCha20-Poly1305", { sealed: true, suite: "ChaCha20-Poly1305" }],
] as const;

for (const [name, options] of WAYS) {
  Deno.test(`a data plane carries superframes ${name}`, () =>
    inWorld(2, options, async (world) => {
      await world.shuttles(0, 1);
      const [a, b] = [world.at(0), world.at(1)];
      assert.equal(
        world.pair(0, 1)?.cipher,
        options.sealed ? options.suite ?? "AES-256-OCB" : "plain",
      );
      assert.equal(world.tunnel(0, "weft-shuttle")?.state, "established");
      assert.equal(await a.container.ping(b.address, 5), 5);
      assert.equal(await a.container.ping(b.address, 5, "-s", "60000"), 5);
      const { result, counts } = await world.counting(1, () => stream(a, b));
      say(`${name}`, result);
      assert.ok(
        counts.tapWrites * 8 < counts.udpReceived,
        `${counts.udpReceived} segments, ${counts.tapWrites} writes`,
      );
      assert.equal(counts.dropBadTag + counts.dropReplayed + counts.dropRecord, 0);
      await sendBytes(a, b);
    }));

  Deno.test(`a data plane carries UDP ${name}`, () =>
    inWorld(2, options, async (world) => {
      await world.shuttles(0, 1);
      const [a, b] = [world.at(0), world.at(1)];
      const { counts } = await world.counting(
        1,
        () => stream(a, b, "-u", "-b", "50M", "-l", "200"),
      );
      assert.ok(counts.udpReceived < counts.framesLocal, "small frames share segments");
      assert.equal(counts.dropTap, 0);
    }));
}

Deno.test("a data plane relays trains that it cannot read", () =>
  inWorld(3, SEALED, async (world) => {
    await world.shuttles(0, 2);
    const [a, b, c] = [world.at(0), world.at(1), world.at(2)];
    const { result, counts } = await world.counting(1, () => stream(a, c));
    say(`sealed, relayed`, result);
    assert.ok(counts.framesRelayed * 2 > counts.udpReceived, `${counts.framesRelayed} relayed`);
    assert.equal(counts.tapWrites, counts.framesLocal, "nothing of it was opened in the middle");
    assert.equal(await a.container.ping(c.address, 5, "-s", "60000"), 5);
    assert.equal(await a.container.ping(b.address, 5), 5);
    await sendBytes(a, c);
  }));

Deno.test("a data plane keeps the trains that its way out does not take at once", () =>
  inWorld(3, SEALED, async (world) => {
    await world.shuttles(0, 2);
    const [a, b, c] = [world.at(0), world.at(1), world.at(2)];
    // The socket's buffer, a megabyte, is full before the queue is.
    const narrow = ["tbf", "rate", "200mbit", "burst", "128kb", "limit", "8mb"];
    await b.host.run(["tc", "qdisc", "add", "dev", "under", "root", ...narrow]);
    const { result: { counts: relay }, counts } = await world.counting(
      2,
      () => world.counting(1, () => stream(a, c, "-u", "-b", "2G", "-l", "1300")),
    );
    assert.ok(relay.dropOutboxFull > 0, "the way out was full");
    assert.ok(counts.framesLocal > 1_000, `${counts.framesLocal} frames`);
    assert.equal(counts.dropBadTag + counts.dropReplayed + counts.dropRecord, 0);
    await sendBytes(a, c);
  }));

Deno.test("a data plane relays trains in clear where there is no password", () =>
  inWorld(3, PLAIN, async (world) => {
    await world.shuttles(0, 2);
    await sendBytes(world.at(0), world.at(2));
  }));

Deno.test("a data plane takes sleeve where a link on the way does not carry shuttle", () =>
  inWorld(3, {
    sealed: true,
    overlays: [["weft-shuttle", "sleeve"], ["sleeve"]],
  }, async (world) => {
    await world.shuttles(0, 1);
    assert.equal(world.pair(0, 2)?.reason, "nothing has come under its key yet");
    assert.match(world.pair(2, 0)?.reason ?? "", /on the way does not carry shuttle/);
    assert.match(world.pair(1, 2)?.reason ?? "", /its link does not carry shuttle/);
    const [a, b, c] = [world.at(0), world.at(1), world.at(2)];
    for (const to of [b, c]) assert.equal(await a.container.ping(to.address, 5), 5);
  }));

Deno.test("a data plane takes sleeve for want of a key, and asks for one", async () => {
  using lab = new Lab();
  await using world = await SwitchWorld.start(lab, 2, SEALED);
  await world.connected();
  assert.equal(world.pair(0, 1)?.reason, "there is no key yet");
  const wanted = (): boolean =>
    world.at(0).events.some((event) => event.kind === "pairNews" && event.news === "wanted");
  await until(wanted, 3_000, "asking for a key");
  world.agree(0, 1);
  await world.shuttles(0, 1);
  world.agree(0, 1);
  assert.equal(await world.at(0).container.ping(world.at(1).address, 20), 20);
});

Deno.test("a data plane goes in clear between neighbours that trust the network, and no further", () =>
  inWorld(3, { sealed: true, trusted: true }, async (world) => {
    await world.shuttles(0, 1);
    await world.shuttles(0, 2);
    assert.equal(world.pair(0, 1)?.cipher, "plain");
    assert.equal(world.pair(0, 2)?.cipher, "AES-256-OCB");
    assert.equal(await world.at(0).container.ping(world.at(2).address, 5, "-s", "9000"), 5);
  }));

Deno.test("a data plane cuts superframes finer when a link becomes narrower", () =>
  inWorld(2, SEALED, async (world) => {
    await world.shuttles(0, 1);
    const [a, b] = [world.at(0), world.at(1)];
    const before = world.pair(0, 1)?.mtuBytes ?? 0;
    const narrow = async (host: Host): Promise<void> => {
      await pause(700);
      host.linkMtu(1400);
    };
    const [rate] = await Promise.all([stream(a, b), narrow(a.host), narrow(b.host)]);
    assert.ok(rate > 1, `${rate} Mbit/s`);
    const { mtuBytes = 0 } = world.pair(0, 1) ?? {};
    assert.equal(mtuBytes, before - 100);
    await sendBytes(a, b);
    assert.equal(await a.container.ping(b.address, 3, "-s", "60000"), 3);
  }));

Deno.test("a data plane fits what comes to the MTU of its bridge, or tells where it comes from", () =>
  inWorld(2, { ...SEALED, mtuBytes: [1400, 1300] }, async (world) => {
    await world.shuttles(0, 1);
    const [a, b] = [world.at(0), world.at(1)];
    assert.equal(await a.container.ping(b.address, 3, "-M", "dont", "-s", "1372"), 3);
    const { stdout } = await a.container.run(
      ["ping", "-c", "3", "-i", "0.2", "-W", "1", "-M", "do", "-s", "1372", b.address],
      { mayFail: true },
    );
    assert.match(stdout, /mtu = 1300/);
    const { counts } = await world.counting(1, () => sendBytes(a, b));
    assert.ok(counts.tapWrites * 4 < counts.framesLocal, "superframes with a smaller gso_size");
    assert.equal(counts.dropTap, 0);
  }));

Deno.test("a data plane carries IPv6, and over IPv6", () =>
  inWorld(2, { ...SEALED, underlay6: true }, async (world) => {
    await world.shuttles(0, 1);
    const [a, b] = [world.at(0), world.at(1)];
    assert.equal(world.pair(0, 1)?.mtuBytes, 1_394);
    assert.equal(await a.container.ping(b.address6, 3, "-s", "60000"), 3);
    const { result, counts } = await world.counting(
      1,
      () => stream(a, { ...b, address: b.address6 }),
    );
    say(`IPv6 over IPv6`, result);
    assert.ok(counts.tapWrites * 4 < counts.framesLocal, "superframes");
    await sendBytes(b, a);
  }));

Deno.test("a data plane repairs superframes of which datagrams are lost", () =>
  inWorld(2, SEALED, async (world) => {
    await world.shuttles(0, 1);
    const [a, b] = [world.at(0), world.at(1)];
    // Trains that pass whole are lost whole; cut, single datagrams are.
    for (const { host } of [a, b]) {
      await host.run(["ethtool", "-K", "under", "tx-udp-segmentation", "off"]);
      host.loss(1);
    }
    const { counts } = await world.counting(1, () => sendBytes(a, b));
    assert.ok(counts.tapWrites * 2 < counts.framesLocal, "superframes all the same");
    assert.equal(counts.dropTap, 0);
  }));

Deno.test("a data plane floods each peer once", () =>
  inWorld(3, SEALED, async (world) => {
    for (const [a, b] of [[0, 1], [0, 2], [1, 2]] as const) await world.shuttles(a, b);
    const [a, b, c] = [world.at(0), world.at(1), world.at(2)];
    const group = "239.1.2.3";
    const listen = (at: Station): Promise<Background> =>
      receiver(at.container, "datagrams-in", "5007", group, at.address);
    await using there = await listen(b);
    await using far = await listen(c);
    a.container.ip("route", "add", group, "dev", "ethwe");
    const { counts } = await world.counting(1, async () => {
      await sender(a.container, "datagrams-out", group, "5007", "group", "10");
      await until(
        () => [there, far].every(({ output }) => /group-9$/m.test(output)),
        5_000,
        "the last datagram",
      );
    });
    const once = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`group-${i}`, 1]));
    for (const { output } of [there, far]) assert.deepEqual(copies(output), once);
    assert.ok(counts.framesRelayed >= 10, "the copies for the far end pass as they are");
  }));
