/**
 * Who uses the CPUs: processes that are measured, the whole machine, and those that have no business here.
 *
 * @module
 */

import {
  type MachineCpu,
  machineCpu,
  type ProcessStat,
  processStat,
  residentBytes,
} from "./parsers.ts";

/** Process id of the kernel's thread that makes all its others. */
const KTHREADD = 2;

/** CPU seconds at one moment. */
export interface Moment {
  /** Milliseconds, for differences. */
  readonly at: number;
  /** All CPUs together. */
  readonly machine: MachineCpu;
  /** The processes that were asked for, together. */
  readonly processes: number;
}

/** Reads what the machine and some processes have used up to now. */
export function moment(pids: readonly number[]): Moment {
  return {
    at: performance.now(),
    machine: machineCpu(Deno.readTextFileSync("/proc/stat")),
    processes: pids.reduce((sum, pid) => sum + (read(pid)?.cpu ?? 0), 0),
  };
}

/** Returns the resident memory of some processes together, in bytes. */
export function memoryOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    try {
      return sum + residentBytes(Deno.readTextFileSync(`/proc/${pid}/status`));
    } catch {
      return sum;
    }
  }, 0);
}

/** How much others disturbed. */
export interface Disturbance {
  /** CPUs that processes without a part in it used, on average. */
  readonly foreignCpus: number;
  /** CPUs that the hypervisor held back, on average. */
  readonly stealCpus: number;
}

/** Watches the rest of the machine from its making on. */
export class Watch {
  readonly #prefix: string;
  readonly #begin: Moment;
  readonly #before: ReadonlyMap<number, number>;

  /** @param prefix how the names of the namespaces begin whose processes are not foreign */
  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#begin = moment([]);
    this.#before = foreign(prefix);
  }

  /** Returns what happened since. A process that came and went meanwhile is not seen. */
  disturbance(): Disturbance {
    const end = moment([]);
    let seconds = 0;
    for (const [pid, cpu] of foreign(this.#prefix)) seconds += cpu - (this.#before.get(pid) ?? 0);
    const elapsed = (end.at - this.#begin.at) / 1000;
    return {
      foreignCpus: Math.max(0, seconds) / elapsed,
      stealCpus: (end.machine.steal - this.#begin.machine.steal) / elapsed,
    };
  }
}

function foreign(prefix: string): Map<number, number> {
  const stats = new Map<number, ProcessStat>();
  for (const entry of Deno.readDirSync("/proc")) {
    const pid = Number(entry.name);
    const stat = Number.isInteger(pid) ? read(pid) : undefined;
    if (stat !== undefined) stats.set(pid, stat);
  }
  const inside = namespaces(prefix);
  const found = new Map<number, number>();
  for (const [pid, { parent, cpu }] of stats) {
    const kernel = pid === KTHREADD || parent === KTHREADD;
    if (!kernel && !descends(stats, pid) && !inside.has(namespaceOf(pid))) found.set(pid, cpu);
  }
  return found;
}

function read(pid: number): ProcessStat | undefined {
  try {
    return processStat(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    // It has ended.
    return undefined;
  }
}

/** Tells whether a process is this one, or was started by it, at whatever remove. */
function descends(stats: ReadonlyMap<number, ProcessStat>, pid: number): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = stats.get(at)?.parent) {
    if (at === Deno.pid) return true;
  }
  return false;
}

function namespaces(prefix: string): Set<number> {
  const inodes = new Set<number>();
  for (const { name } of Deno.readDirSync("/run/netns")) {
    const inode = name.startsWith(prefix) ? Deno.statSync(`/run/netns/${name}`).ino : null;
    if (inode !== null) inodes.add(inode);
  }
  return inodes;
}

function namespaceOf(pid: number): number {
  try {
    return Number(/\d+/.exec(Deno.readLinkSync(`/proc/${pid}/ns/net`))?.[0] ?? -1);
  } catch {
    return -1;
  }
}
