/**
 * TCP through a variant: a flow that is there while something else is done, and how fast it is.
 *
 * Bytes are counted by the device of the receiving end in the middle of a run: a summary of iperf3 holds the slow start
 * and what still lies in buffers.
 *
 * @module
 */

import type { Background } from "../../../helpers/namespace.ts";
import { pause } from "../../../helpers/until.ts";
import { moment } from "../cpu.ts";
import { type DeviceCounters, deviceCounters } from "../parsers.ts";
import type { Figures } from "../result.ts";
import type { End } from "../site.ts";
import type { InTurn } from "./measurement.ts";

const PORT = "5201";
/** Slow start, and the compiler of V8, are over. */
const LEAD_MS = 700;
/** Never reached: the client is ended when the sample is taken. */
const LONGEST_SECONDS = "300";
/** Ethernet, IPv4 and TCP with time stamps; a superframe has them once. */
const HEADER_BYTES = 66;

/** One direction of TCP. */
export function bulk(name: string, flows: number, back: boolean, trainsCut = false): InTurn {
  return {
    name,
    relayed: flows === 1 && !back && !trainsCut,
    trainsCut,
    sample: ({ ends: [a, b], pids, site }, { seconds }) => {
      const [from, to] = back ? [b, a] : [a, b];
      return beside(from, to, flows, async (counters) => {
        const underlay = site.underlayCounters(back ? 0 : 1);
        const [bytesBefore, before] = [counters(), moment(pids)];
        await pause(seconds * 1000);
        const [bytesAfter, after] = [counters(), moment(pids)];
        const underlayAfter = site.underlayCounters(back ? 0 : 1);
        const packets = bytesAfter.packets - bytesBefore.packets;
        const payload = bytesAfter.bytes - bytesBefore.bytes - packets * HEADER_BYTES;
        if (payload <= 0) throw new Error("no byte of TCP arrived");
        const elapsed = (after.at - before.at) / 1000;
        return {
          mbitPerSecond: payload * 8 / elapsed / 1e6,
          bytesPerPacket: payload / packets,
          // Shows whether trains were cut.
          underlayBytesPerPacket: (underlayAfter.bytes - underlay.bytes) /
            (underlayAfter.packets - underlay.packets),
          machineSecondsPerGb: (after.machine.busy - before.machine.busy) / payload * 1e9,
          ...processFigures(pids, after.processes - before.processes, payload),
        };
      });
    },
  };
}

/** Does something while TCP flows from one end to the other. @throws {Error} if there is no flow */
export async function beside<T>(
  from: End,
  to: End,
  flows: number,
  act: (counters: () => DeviceCounters) => Promise<T>,
): Promise<T> {
  await using server = to.at.start(["iperf3", "-s", "-1", "-p", PORT, "--forceflush"]);
  await server.says(/listening/);
  const words = ["iperf3", "-c", to.address, "-p", PORT, "-P", `${flows}`, "-t", LONGEST_SECONDS];
  await using client: Background = from.at.start([...words, "--forceflush"]);
  await client.says(/connected to/, 15_000);
  await pause(LEAD_MS);
  const pid = to.at.pids()[0];
  const result = await act(() =>
    deviceCounters(Deno.readTextFileSync(`/proc/${pid}/net/dev`), to.device)
  );
  if (/error/.test(client.output)) throw new Error(`iperf3: ${client.output.trim()}`);
  return result;
}

/** There are none for what the kernel does alone. */
function processFigures(pids: readonly number[], seconds: number, bytes: number): Figures {
  return pids.length === 0 ? {} : { processSecondsPerGb: seconds / bytes * 1e9 };
}
