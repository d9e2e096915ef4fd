/**
 * What the kernel and ping(8) say, as numbers.
 *
 * @module
 */

/** Ticks of `/proc` in a second; the same on every Linux that weft runs on. */
const TICKS_PER_SECOND = 100;

/** Counters of one device, as `/proc/net/dev` has them. */
export interface DeviceCounters {
  /** Bytes received. */
  readonly bytes: number;
  /** Packets received; one superframe counts once. */
  readonly packets: number;
}

/** Seconds of all CPUs since the start. */
export interface MachineCpu {
  /** Spent on anything but waiting. */
  readonly busy: number;
  /** Wanted while the hypervisor had given the CPU to somebody else. */
  readonly steal: number;
}

/** One line of `/proc/PID/stat`. */
export interface ProcessStat {
  /** Process id of the parent. */
  readonly parent: number;
  /** CPU seconds, user and system, all threads. */
  readonly cpu: number;
}

/** Returns what a device has received. @throws {Error} if it is not there */
export function deviceCounters(text: string, device: string): DeviceCounters {
  for (const line of text.split("\n")) {
    const [name = "", numbers = ""] = line.split(":");
    if (name.trim() !== device) continue;
    const [bytes, packets] = numbers.trim().split(/\s+/).map(Number);
    return { bytes: bytes ?? 0, packets: packets ?? 0 };
  }
  throw new Error(`Cannot count bytes: there is no device "${device}"`);
}

/** Reads `/proc/stat`. */
export function machineCpu(text: string): MachineCpu {
  const words = /^cpu +(.*)$/m.exec(text)?.[1]?.split(" ") ?? [];
  // user nice system idle iowait irq softirq steal; guests are part of user.
  const ticks = words.slice(0, 8).map(Number);
  const all = ticks.reduce((sum, each) => sum + each, 0);
  const [, , , idle = 0, iowait = 0, , , steal = 0] = ticks;
  return {
    busy: (all - idle - iowait - steal) / TICKS_PER_SECOND,
    steal: steal / TICKS_PER_SECOND,
  };
}

/** Reads `/proc/PID/stat`. A name may hold blanks and brackets. */
export function processStat(text: string): ProcessStat {
  const words = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [Number(words[11]), Number(words[12])];
  return { parent: Number(words[1]), cpu: (user + system) / TICKS_PER_SECOND };
}

/** Returns the resident memory in `/proc/PID/status`, in bytes. */
export function residentBytes(text: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

/** Returns the round trip times that ping(8) printed, in microseconds, in order. */
export function pingTimes(text: string): number[] {
  return [...text.matchAll(/ time=([\d.]+) ms$/gm)].map(([, ms]) => Math.round(Number(ms) * 1000));
}

/** Returns the first number of a version text: "1.2.3" of "Program v1.2.3 (2020)". */
export function versionIn(text: string): string {
  return /\bv?\.?(\d+(?:\.\d+)*)/.exec(text)?.[1] ?? "unknown";
}

/** Returns a row of `weft status connections` without address, peer name and nickname. */
export function withoutNames(row: string): string {
  return row.replace(/^(->|<-)\s+\S+/, "").replace(/\S+\(.*?\)/, "").replace(/\s+/g, " ").trim();
}
