/**
 * What the router asks of the machine it runs on before it starts.
 *
 * @module
 */

import { fileExists, geteuid, kill, readProc } from "../ffi/mod.ts";
import type { MachineIdentity } from "./identity.ts";

const MACHINE_ID_FILES = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
const PRODUCT_UUID_FILE = "/sys/class/dmi/id/product_uuid";
const TUN_DEVICE = "/dev/net/tun";

/** Is thrown when a router serves this runtime directory already. */
export class AlreadyRunningError extends Error {
  /** Name of the class. */
  override name = "AlreadyRunningError";

  /** Makes one. @param runtimeDir the directory that it serves */
  constructor(runtimeDir: string) {
    super(`Cannot launch: already running in ${runtimeDir}; weft stop ends it`);
  }
}

/** Checks what no router can do without. @throws {Error} with the remedy */
export function checkMachine(): void {
  if (geteuid() !== 0) throw new Error("Cannot launch: must run as root; try: sudo weft launch");
  if (!fileExists(TUN_DEVICE)) {
    throw new Error(
      `Cannot launch: no ${TUN_DEVICE}; load the module with: modprobe tun ` +
        "(a router in a container needs the device given to it)",
    );
  }
}

/** Returns what tells this machine from others. */
export function machineIdentity(): MachineIdentity {
  const machineId = MACHINE_ID_FILES.map((file) => readProc(file)?.trim()).find((id) => id);
  return { machineId, productUuid: readProc(PRODUCT_UUID_FILE)?.trim() || undefined };
}

/** Returns the process that has locked a file, `undefined` if none is seen from here. */
export function lockHolder(file: string): number | undefined {
  const inode = Deno.statSync(file).ino;
  const line = readProc("/proc/locks")?.split("\n").find((line) => line.includes(`:${inode} `));
  // 1: POSIX  ADVISORY  WRITE 4711 08:01:262313 1073741824 1073742335
  const pid = Number(line?.split(/\s+/)[4]);
  return pid > 0 ? pid : undefined;
}

/** Tells whether something answers at a unix socket. */
export async function answers(socket: string): Promise<boolean> {
  try {
    (await Deno.connect({ transport: "unix", path: socket })).close();
    return true;
  } catch {
    return false;
  }
}

/** Tells whether a process runs; one that has ended and waits to be noticed by its parent does not. */
export function processRuns(pid: number): boolean {
  if (!kill(pid, 0)) return false;
  return !/\) [ZX] /.test(readProc(`/proc/${pid}/stat`) ?? ") X ");
}
