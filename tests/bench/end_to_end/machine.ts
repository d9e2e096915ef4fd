/**
 * What the benchmark runs on: without that, figures say nothing.
 *
 * @module
 */

import { VERSION } from "../../../router/version.ts";
import { programVersion } from "./programs.ts";

/** Describes the machine; nothing that names it. */
export function machine(): Record<string, string | number> {
  const cpu = read("/proc/cpuinfo");
  const memory = Number(/^MemTotal: +(\d+) kB/m.exec(read("/proc/meminfo"))?.[1] ?? 0);
  return {
    CPU: /^model name\s*: (.*)$/m.exec(cpu)?.[1] ?? Deno.build.arch,
    CPUs: navigator.hardwareConcurrency,
    "virtual machine": /^flags.*\bhypervisor\b/m.test(cpu) ? "yes" : "no",
    "memory MB": Math.round(memory / 1000),
    kernel: Deno.osRelease(),
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(read("/etc/os-release"))?.[1] ?? "unknown",
  };
}

/** Versions of what takes part in every variant's measurement. */
export async function programs(): Promise<Record<string, string>> {
  return {
    weft: VERSION,
    Deno: Deno.version.deno,
    V8: Deno.version.v8,
    iperf3: await programVersion("iperf3", "--version"),
    iproute2: await programVersion("ip", "-V"),
    OpenSSL: await programVersion("openssl", "version"),
  };
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
