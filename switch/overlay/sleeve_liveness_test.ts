import assert from "node:assert/strict";
import { macHigh, macLow, must, parseEndpoint } from "../../base/mod.ts";
import { openSecretbox } from "../../ffi/mod.ts";
import { arraySlab } from "../frame.ts";
import { Outbox } from "../outbox.ts";
import type { Overlay, Tunnel, TunnelSpec } from "./overlay.ts";
import { sleeveOverlay } from "./sleeve.ts";

const NAMES = [0x0200_0000_0001, 0x0200_0000_0002] as const;
const PLACES = ["192.0.2.1:6783", "192.0.2.2:6783"].map(parseEndpoint);
const KEY = new Uint8Array(32).fill(7);
const FRAME_BYTES = 60;

/** One end of a tunnel in memory. */
interface End {
  readonly slab: ReturnType<typeof arraySlab>;
  readonly outbox: Outbox;
  readonly overlay: Overlay;
  readonly tunnel: Tunnel;
  readonly at: number;
  /** When it sent small datagrams: heartbeats, as long as nothing else is sent. */
  readonly sent: number[];
  /** Tags and bodies of its control messages. */
  readonly controls: string[];
  /** Its datagrams get through. */
  heard: boolean;
}

function end(i: 0 | 1, spec: Partial<TunnelSpec>): End {
  const slab = arraySlab(1 << 20);
  const outbox = new Outbox(slab, 1 << 19, 256);
  const secretbox = openSecretbox({ bytes: slab.bytes });
  const overlay = sleeveOverlay({ slab, outbox, secretbox, self: NAMES[i], count: () => {} });
  const common = { link: 1, index: 0, connUid: 1n, key: KEY, remote: PLACES[1 - i] };
  const peer = NAMES[i === 0 ? 1 : 0];
  const tunnel = overlay.open({ ...common, peer, outbound: i === 0, ...spec }, 0, 0);
  const at = slab.alloc(66_000);
  return { slab, outbox, overlay, tunnel, at, sent: [], controls: [], heard: true };
}

/** Two ends, a clock, and nothing lost but what a test wants. */
class Line {
  readonly ends: readonly [End, End];
  now = 0;

  constructor(first: Partial<TunnelSpec>, second: Partial<TunnelSpec>) {
    this.ends = [end(0, first), end(1, second)];
  }

  get states(): string[] {
    return this.ends.map(({ tunnel }) => tunnel.state);
  }

  run(ms: number): void {
    for (const until = this.now + ms; this.now < until; this.now += 5) {
      this.#move(this.ends[0], this.ends[1], PLACES[0]);
      this.#move(this.ends[1], this.ends[0], PLACES[1]);
    }
  }

  #move(from: End, to: End, place = PLACES[0]): void {
    const { outbox, slab, overlay, tunnel } = from;
    if (tunnel.deadline() <= this.now) tunnel.tick(this.now);
    tunnel.flush();
    for (let i = outbox.first; i < outbox.count; i++) {
      const offset = outbox.offsets[i] ?? 0;
      const length = outbox.lengths[i] ?? 0;
      if (length < 100) from.sent.push(this.now);
      if (!from.heard) continue;
      to.slab.bytes.set(slab.bytes.subarray(offset, offset + length), to.at);
      const source = (): typeof PLACES[number] => must(place, "place");
      if (!to.overlay.receive(to.at, length, source, this.now)) continue;
      while (to.overlay.next() !== undefined);
    }
    outbox.sent(outbox.count - outbox.first);
    for (let event = overlay.poll(); event !== undefined; event = overlay.poll()) {
      if (event.kind !== "control") continue;
      from.controls.push(`${event.tag} ${event.body.toHex()}`.trim());
      to.tunnel.control(event.tag, event.body, this.now);
    }
  }
}

/** Queues a frame of data. */
function send({ slab, at, tunnel }: End): void {
  slab.bytes.fill(1, at, at + FRAME_BYTES);
  const [origin, destination] = [NAMES[0], NAMES[1]];
  tunnel.send({
    offset: at,
    length: FRAME_BYTES,
    originHigh: macHigh(origin),
    originLow: macLow(origin),
    destinationHigh: macHigh(destination),
    destinationLow: macLow(destination),
    flooded: false,
  });
}

Deno.test("a lively tunnel sends each 250 ms and says so before it says that it hears", () => {
  const line = new Line({ livelyMs: 250 }, { livelyMs: 300 });
  line.run(1_100);
  assert.deepEqual(line.states, ["established", "established"]);
  assert.deepEqual(line.ends[0].controls.slice(0, 2), ["16 00fa", "1"]);
  assert.deepEqual(line.ends[1].controls.slice(0, 2), ["16 012c", "1"]);
  const { sent } = line.ends[0];
  const before = sent.length;
  line.run(10_000);
  assert.ok(Math.abs(sent.length - before - 40) <= 1, `${sent.length - before}`);
});

Deno.test("the ends of a lively tunnel send at the same time, wherever they began", () => {
  const line = new Line({ livelyMs: 250 }, { livelyMs: 250 });
  line.run(1_100);
  // One end falls behind by something between: it is told of a longer interval for a while.
  line.ends[1].tunnel.retime?.(330, line.now);
  line.run(500);
  line.ends[1].tunnel.retime?.(250, line.now);
  line.run(1_000);
  const since = line.now;
  line.run(10_000);
  const [one, two] = line.ends.map(({ sent }) => sent.filter((at) => at >= since));
  assert.ok(one !== undefined && two !== undefined && Math.abs(one.length - 40) <= 1);
  const apart = two.map((at) => Math.min(...one.map((other) => Math.abs(other - at))));
  assert.ok(Math.max(...apart) <= 5, `${Math.max(...apart)} ms`);
});

Deno.test("a tunnel to a real peer keeps 10 s and 60 s, and is told nothing of ours", () => {
  const line = new Line({}, {});
  line.run(1_000);
  const [one] = line.ends;
  assert.deepEqual(one.controls.filter((control) => control.startsWith("16")), []);
  const before = one.sent.length;
  line.run(60_000);
  assert.ok(one.sent.length - before <= 6, `${one.sent.length - before}`);
  line.ends[1].heard = false;
  line.run(49_000);
  assert.equal(one.tunnel.state, "established");
  line.run(12_000);
  assert.deepEqual([one.tunnel.state, one.tunnel.reason], ["failed", "no heartbeat for 60 s"]);
});

Deno.test("a lively tunnel is pending only at the end that hears nothing, and comes back", () => {
  const line = new Line({ livelyMs: 250 }, { livelyMs: 250 });
  line.run(3_000);
  line.ends[1].heard = false;
  line.run(1_800);
  assert.deepEqual(line.states, ["established", "established"]);
  line.run(400);
  assert.deepEqual(line.states, ["pending", "established"]);
  assert.equal(line.ends[0].tunnel.reason, "silent for 2 s");
  line.ends[1].heard = true;
  line.run(600);
  assert.deepEqual(line.states, ["pending", "established"]);
  line.run(600);
  assert.deepEqual(line.states, ["established", "established"]);
  assert.equal(line.ends[0].tunnel.reason, undefined);
});

Deno.test("a lively tunnel waits longer for a remote that has said that it sends seldom", () => {
  const line = new Line({ livelyMs: 250 }, { livelyMs: 250 });
  line.run(3_000);
  line.ends[1].tunnel.retime?.(500, line.now);
  line.run(100);
  assert.equal(line.ends[1].controls.at(-1), "16 01f4");
  line.ends[1].heard = false;
  line.run(3_500);
  assert.equal(line.ends[0].tunnel.state, "established");
  line.run(1_000);
  assert.deepEqual([line.ends[0].tunnel.state, line.ends[0].tunnel.reason], [
    "pending",
    "silent for 4 s",
  ]);
});

Deno.test("sealed data is a sign of life, data in clear is none", () => {
  for (const [key, state] of [[KEY, "established"], [undefined, "pending"]] as const) {
    const line = new Line({ livelyMs: 250, key }, { livelyMs: 250, key });
    line.run(3_000);
    const [sender, receiver] = line.ends;
    // Heartbeats are lost, data comes through.
    for (let i = 0; i < 30; i++) {
      sender.heard = false;
      line.run(95);
      sender.heard = true;
      send(sender);
      line.run(5);
    }
    assert.equal(receiver.tunnel.state, state);
  }
});

Deno.test("a search for the path MTU waits while a lively tunnel is silent", () => {
  const line = new Line({ livelyMs: 250 }, { livelyMs: 250 });
  line.run(3_000);
  const { tunnel } = line.ends[0];
  for (const each of line.ends) each.heard = false;
  tunnel.pathMtu(1_500, line.now);
  const mtu = tunnel.mtuBytes;
  line.run(30_000);
  assert.equal(tunnel.state, "pending");
  assert.equal(tunnel.mtuBytes, mtu);
  for (const each of line.ends) each.heard = true;
  line.run(5_000);
  assert.deepEqual([tunnel.state, tunnel.mtuBytes], ["established", mtu]);
});
