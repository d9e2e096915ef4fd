/**
 * Which scheduling class the data-plane worker gets: asked for, tried, and said.
 *
 * ```
 *   realtime ──refused, or one CPU──> nice ──refused──> normal
 * ```
 *
 * Behind a bulk flow a woken thread of the normal class waits for whole time slices, a real-time one does not
 * (spec/dataplane.md 12). On one CPU it would hold up the very programs that it carries frames for.
 *
 * @module
 */

import type { Priority, PriorityReport } from "./contract.ts";

/** What is tried for each wish, best first; what is left after the last is normal. */
const ATTEMPTS: Readonly<Record<Priority, readonly RaisedPriority[]>> = {
  realtime: ["realtime", "nice"],
  nice: ["nice"],
  normal: [],
};

/** The only thing that an operator can change. */
const REFUSED = "it is not permitted";

/** A priority above the ordinary one. */
export type RaisedPriority = Exclude<Priority, "normal">;

/**
 * Raises the priority as far as it is wanted and granted.
 *
 * @param cpus how many CPUs this process may use
 * @param raise sets the priority of the worker's thread; false: the kernel does not permit it
 */
export function raisePriority(
  wanted: Priority,
  cpus: number,
  raise: (priority: RaisedPriority) => boolean,
): PriorityReport {
  let reason: string | undefined;
  for (const priority of ATTEMPTS[wanted]) {
    if (priority === "realtime" && cpus < 2) {
      reason = "there is one CPU";
    } else if (raise(priority)) return { wanted, got: priority, reason };
    else reason = REFUSED;
  }
  return { wanted, got: "normal", reason };
}

/** Returns what the operator should know: what it costs, and how to change it; `undefined` if nothing was refused. */
export function priorityWarning(report: PriorityReport): string | undefined {
  const { wanted, got, reason } = report;
  if (reason !== REFUSED) return undefined;
  return `the data plane runs with ${got} priority, not ${wanted}, since ${reason}: beside bulk traffic ` +
    `round trips take milliseconds longer; grant CAP_SYS_NICE, or launch with --priority ${got}`;
}
