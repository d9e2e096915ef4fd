/**
 * Both ends of a stream whose content is checked, over several TCP connections, as fast as they go.
 *
 * ```
 *   sink   PORT FLOWS WINDOW_SECONDS           "ready"; a line of JSON each window; when all flows have ended a last one
 *   source ADDRESS PORT FLOWS SECONDS          a line of JSON: bytes of each flow
 * ```
 *
 * Each flow has a port of its own, so that the sink knows what to expect. Without flows both end at once.
 *
 * @module
 */

import { setImmediate } from "node:timers/promises";
import { Arrivals } from "./arrivals.ts";
import { BLOCK_BYTES, makeBlock, numberBlock, StreamChecker } from "./pattern.ts";

/** What a sink says at its end. */
export interface SinkReport {
  /** By flow: bytes, and where the first wrong piece began. */
  readonly flows: readonly { readonly bytes: number; readonly firstWrong?: number }[];
}

/** What a source says at its end. */
export interface SourceReport {
  /** Bytes of each flow. */
  readonly sent: readonly number[];
}

const READ_BYTES = 1 << 18;

if (import.meta.main) {
  const [tool, ...rest] = Deno.args;
  if (tool === "sink") await sink(...rest);
  else if (tool === "source") await source(...rest);
  else {
    say(`Cannot make a stream: unknown tool "${tool ?? ""}"; there are sink and source`);
    Deno.exit(1);
  }
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

async function sink(port = "", flows = "", windowSeconds = ""): Promise<void> {
  const arrivals = new Arrivals(Number(flows));
  const listeners = Array.from(
    { length: Number(flows) },
    (_, i) => Deno.listen({ hostname: "0.0.0.0", port: Number(port) + i }),
  );
  say("ready");
  const timer = setInterval(
    () => say(JSON.stringify(arrivals.window(performance.now()))),
    Number(windowSeconds) * 1000,
  );
  const checked = await Promise.all(listeners.map(async (listener, flow) => {
    using connection = await listener.accept();
    listener.close();
    const checker = new StreamChecker(flow);
    const buffer = new Uint8Array(READ_BYTES);
    for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
      arrivals.note(flow, n, performance.now());
      checker.take(buffer.subarray(0, n));
      await othersTurn();
    }
    arrivals.end(flow);
    return checker;
  }));
  clearInterval(timer);
  const report: SinkReport = {
    flows: checked.map(({ bytes, firstWrong }) => ({
      bytes,
      ...(firstWrong === undefined ? {} : { firstWrong }),
    })),
  };
  say(JSON.stringify(report));
}

async function source(address = "", port = "", flows = "", seconds = ""): Promise<void> {
  const end = performance.now() + Number(seconds) * 1000;
  const sent = await Promise.all(Array.from({ length: Number(flows) }, async (_, flow) => {
    using connection = await Deno.connect({ hostname: address, port: Number(port) + flow });
    const block = makeBlock();
    let blocks = 0;
    for (; performance.now() < end; blocks++) {
      numberBlock(block, flow, blocks);
      for (let at = 0; at < BLOCK_BYTES;) at += await connection.write(block.subarray(at));
      await othersTurn();
    }
    await connection.closeWrite();
    // Closed by the sink when it has read all.
    await connection.read(new Uint8Array(1));
    return blocks * BLOCK_BYTES;
  }));
  say(JSON.stringify({ sent } satisfies SourceReport));
}

/** A read that has data at once does not let the runtime look at other flows: one would stand for seconds. */
async function othersTurn(): Promise<void> {
  await setImmediate();
}
