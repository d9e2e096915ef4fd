/**
 * A source and a sink of datagrams with 64 of them in a system call: iperf3 makes no more than 60,000 to 90,000 a second
 * and would measure itself.
 *
 * ```
 *   sink   PORT SECONDS                        "ready"; after that time and half a second of silence its count
 *   source ADDRESS PORT BYTES RATE SECONDS     its count; RATE 0 is as fast as it goes
 * ```
 *
 * Neither uses trains: each datagram is one for the network, as from a program that knows nothing of them.
 *
 * @module
 */

import { parseIp } from "../../../base/mod.ts";
import { Arena, pause, UdpSocket, yieldThread } from "../../../ffi/mod.ts";

/** What both ends count. */
export interface Count {
  /** Datagrams that the kernel took, or that arrived. */
  readonly datagrams: number;
  /** From the first to the last. */
  readonly seconds: number;
}

const BATCH = 64;
const BUFFER_BYTES = 8 << 20;
const SLOT_BYTES = 2_048;
/** What is still on its way when the source has ended comes sooner. */
const SILENCE_MS = 500;
/** Nothing at all has come. */
const PATIENCE_MS = 8_000;

if (import.meta.main) {
  const [tool, ...rest] = Deno.args;
  if (tool === "sink") sink(...rest);
  else if (tool === "source") source(...rest);
  else {
    say(`Cannot make traffic: unknown tool "${tool ?? ""}"; there are sink and source`);
    Deno.exit(1);
  }
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

function report(datagrams: number, ms: number): void {
  const count: Count = { datagrams, seconds: ms / 1000 };
  say(JSON.stringify(count));
}

function open(arena: Arena, port: number): UdpSocket {
  return UdpSocket.open(arena, {
    family: 4,
    host: undefined,
    port,
    receiveBufferBytes: BUFFER_BYTES,
    sendBufferBytes: BUFFER_BYTES,
    receiveSlots: BATCH,
    slotBytes: SLOT_BYTES,
    sendSlots: BATCH,
    endpoints: 1,
    gso: false,
    gro: false,
  });
}

function sink(port = "", seconds = ""): void {
  using arena = Arena.open(1 << 20);
  using socket = open(arena, Number(port));
  say("ready");
  const begin = performance.now();
  let [received, first, last] = [0, 0, 0];
  for (;;) {
    const count = socket.receive();
    if (count > 0) {
      last = performance.now();
      if (received === 0) first = last;
      received += count;
      continue;
    }
    const now = performance.now();
    // Somebody on the way may be held up for long while the source is still at work.
    const over = now - last > SILENCE_MS && now - first > Number(seconds) * 1000;
    if (received > 0 ? over : now - begin > PATIENCE_MS) break;
    // At 250,000 a second so many arrive meanwhile as the buffer holds thirty times.
    pause(1);
  }
  report(received, last - first);
}

function source(address = "", port = "", bytes = "", rate = "", seconds = ""): void {
  using arena = Arena.open(1 << 20);
  using socket = open(arena, 0);
  const [length, perMs, limit] = [Number(bytes), Number(rate) / 1000, Number(seconds) * 1000];
  socket.setEndpoint(0, { ip: parseIp(address), port: Number(port) });
  const payload = arena.alloc(length);
  for (let i = 0; i < BATCH; i++) socket.prepare(i, 0, payload, length, 0);
  const begin = performance.now();
  let [sent, now] = [0, begin];
  for (; now - begin < limit; now = performance.now()) {
    const due = perMs === 0 ? BATCH : Math.floor(perMs * (now - begin)) - sent;
    if (due <= 0) {
      pause(1);
      continue;
    }
    const count = socket.send(0, Math.min(BATCH, due));
    if (count > 0) sent += count;
    // The buffer is full, or an error of an earlier one: somebody else has to do something first.
    else yieldThread();
  }
  report(sent, now - begin);
}
