/**
 * What a process holds, as the kernel counts it.
 *
 * @module
 */

/** Counts open descriptors. */
export function descriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** Resident memory in bytes. */
export function residentBytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) * 1024;
}

/** Tells whether a process's network namespace has a socket that hears ARP, as a router's has for 10 s after it asked who uses an address. */
export function hearsArp(pid: number): boolean {
  return / 0806 /.test(Deno.readTextFileSync(`/proc/${pid}/net/packet`));
}
