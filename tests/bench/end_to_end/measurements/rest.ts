/**
 * What a variant costs while nothing is sent: CPU and memory of its processes, per host.
 *
 * @module
 */

import { pause } from "../../../helpers/until.ts";
import { memoryOf, moment } from "../cpu.ts";
import type { Figures } from "../result.ts";
import type { Together } from "./measurement.ts";

/** All variants at once: none of them does anything. */
export const rest: Together = {
  name: "rest",
  relayed: true,
  trainsCut: false,
  sampleAll: async (running, { idleSeconds }) => {
    const before = running.map(({ pids }) => moment(pids));
    await pause(idleSeconds * 1000);
    return running.map(({ pids, site }, i): Figures => {
      // The kernel's own variants have none.
      if (pids.length === 0) return {};
      const [begin, end] = [before[i] ?? moment(pids), moment(pids)];
      const share = (end.processes - begin.processes) / (end.at - begin.at) * 1e3;
      const hosts = site.hosts.length;
      return { idlePercent: share * 100 / hosts, rssBytes: memoryOf(pids) / hosts };
    });
  },
};
