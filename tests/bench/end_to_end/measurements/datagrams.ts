/**
 * UDP: how much arrives of all that a source can make, and up to which rate next to nothing is lost.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { Count } from "../batched.ts";
import type { Figures } from "../result.ts";
import { type End, MTU } from "../site.ts";
import type { InTurn } from "./measurement.ts";

const PROGRAM = fileURLToPath(new URL("../batched.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../../../deno.json", import.meta.url));
const PORT = "5202";
/** What is lost below this does not count. */
const DELIVERED = 0.999;
/** The source has to make at least this part of a rate, or the rate says nothing. */
const OFFERED = 0.95;
/** Offered to every variant, whether it delivers less or not. */
export const ASKED_RATE = 150_000;
/** The largest payload that is one packet: IPv4 and UDP headers are 28 bytes. */
export const FULL_BYTES = MTU - 28;

/** All that the source can make. */
export function flood(name: string, bytes: number): InTurn {
  return {
    name,
    relayed: false,
    trainsCut: false,
    sample: async ({ ends: [a, b] }, { seconds }) => {
      const [sent, received] = await datagrams(a, b, bytes, 0, seconds);
      return {
        offeredPerSecond: sent.datagrams / sent.seconds,
        // A burst that came at once came for as long as the source took.
        deliveredPerSecond: received.datagrams / Math.max(sent.seconds, received.seconds),
        share: received.datagrams / sent.datagrams,
      };
    },
  };
}

/** One rate after the other, until one is not delivered; and in any case the one that all are asked about. */
export function ladder(name: string, bytes: number): InTurn {
  return {
    name,
    relayed: false,
    trainsCut: false,
    sample: async ({ ends: [a, b] }, { seconds, rates }) => {
      const figures: Record<string, number> = { losslessPerSecond: 0 };
      const offer = async (rate: number): Promise<[share: number, made: number]> => {
        const [sent, received] = await datagrams(a, b, bytes, rate, seconds / 2);
        const share = received.datagrams / sent.datagrams;
        const made = sent.datagrams / sent.seconds;
        figures[`shareAt${rate}`] = share;
        figures[`offeredAt${rate}`] = made;
        figures[`deliveredAt${rate}`] = share * made;
        return [share, made];
      };
      for (const rate of rates) {
        const [share, made] = await offer(rate);
        if (share < DELIVERED) break;
        figures["losslessPerSecond"] = Math.round(made);
        if (made < rate * OFFERED) break;
      }
      if (figures[`shareAt${ASKED_RATE}`] === undefined) await offer(ASKED_RATE);
      return figures satisfies Figures;
    },
  };
}

async function datagrams(
  from: End,
  to: End,
  bytes: number,
  rate: number,
  seconds: number,
): Promise<[Count, Count]> {
  // Addresses are known again after a pause.
  await from.at.ping(to.address);
  await using sink = to.at.start(words("sink", PORT, `${seconds}`));
  await sink.says(/^ready$/m);
  const { stdout } = await from.at.run(
    words("source", to.address, PORT, `${bytes}`, `${rate}`, `${seconds}`),
  );
  await sink.says(/^\{.*\}$/m, 20_000);
  const received = count(sink.output);
  if (received.datagrams === 0) throw new Error(`no datagram of ${bytes} bytes arrived`);
  return [count(stdout), received];
}

function count(text: string): Count {
  return JSON.parse(/^\{.*\}$/m.exec(text)?.[0] ?? "") as Count;
}

function words(...args: readonly string[]): string[] {
  const flags = ["run", "-A", "--no-prompt", "--quiet", "--config", CONFIG];
  return [Deno.execPath(), ...flags, PROGRAM, ...args];
}
