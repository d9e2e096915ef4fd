/**
 * Sets the scheduling class of the thread that calls it.
 *
 * @module
 */

import { setNice, setRealtime } from "../ffi/mod.ts";
import type { Priority, PriorityReport } from "./contract.ts";
import { type RaisedPriority, raisePriority } from "./priority.ts";

/** The least real-time priority is before all ordinary threads, and behind the kernel's own. */
const REALTIME_PRIORITY = 1;
/** Before all that has no priority of its own; it lowers the median of round trips, not the tail. */
const NICE = -15;

/** Raises this thread's priority as far as it is wanted and granted; threads that it starts are ordinary ones. */
export function raiseThread(wanted: Priority): PriorityReport {
  return raisePriority(wanted, navigator.hardwareConcurrency, set);
}

/** Makes this thread, which {@link raiseThread} has made a real-time one, that again, or the best of the ordinary ones. */
export function setUrgent(urgent: boolean): void {
  // Without the right to a nice value it is one like all others while it is not urgent.
  set(urgent ? "realtime" : "nice");
}

function set(priority: RaisedPriority): boolean {
  if (priority === "realtime") return setRealtime(REALTIME_PRIORITY);
  // The ordinary class, with the flag that keeps the nice value from threads started later.
  return setRealtime(0) && setNice(NICE);
}
