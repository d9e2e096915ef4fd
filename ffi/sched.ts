/**
 * How the scheduler treats the calling thread.
 *
 * @module
 */

import { SCHED_PARAM } from "./layout.ts";
import { libc } from "./libc.ts";

/** `sched.h`, `linux/sched.h`, `sys/resource.h` */
const SCHED_OTHER = 0;
const SCHED_FIFO = 1;
const SCHED_RESET_ON_FORK = 0x4000_0000;
const PRIO_PROCESS = 0;

/**
 * Makes this thread a real-time one (SCHED_FIFO); what it starts is not.
 *
 * @param priority 1 to 99; 0 goes back to the normal class
 * @returns false without CAP_SYS_NICE
 */
export function setRealtime(priority: number): boolean {
  const param = new Uint8Array(SCHED_PARAM.size);
  new DataView(param.buffer).setInt32(SCHED_PARAM.priority, priority, true);
  const policy = (priority > 0 ? SCHED_FIFO : SCHED_OTHER) | SCHED_RESET_ON_FORK;
  return libc().sched_setscheduler(0, policy, param) === 0;
}

/**
 * Sets the nice value of this thread alone.
 *
 * @param nice -20 (most CPU time) to 19
 * @returns false without CAP_SYS_NICE for a value below the present one
 */
export function setNice(nice: number): boolean {
  return libc().setpriority(PRIO_PROCESS, threadId(), nice) === 0;
}

/** Returns the kernel's id of this thread. */
export function threadId(): number {
  return libc().gettid();
}

/** Lets other threads of this one's class run; returns at once if none wants to. */
export function yieldThread(): void {
  libc().sched_yield();
}

/** Sleeps, so that threads of any class can run. */
export function restThread(microseconds: number): void {
  libc().usleep(microseconds);
}
