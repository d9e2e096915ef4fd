/**
 * What the system tests of bridge and containers share: a namespace as host, `ip` as an independent witness, `ping`.
 *
 * @module
 */

import { equal, fail } from "node:assert/strict";
import { type Fd, netnsInode, withNetns } from "../../ffi/mod.ts";
import { until } from "../helpers/until.ts";
import { prepareHost } from "../../switch/host_shell.ts";
import { DEFAULT_MTU_BYTES } from "../../switch/host_plan.ts";

/** Peer name of the host under test. */
export const PEER = 0x0200_0000_0a01;

/** What `ip -j -d link` says, as far as the tests look. */
export interface IpLink {
  readonly ifname: string;
  readonly mtu: number;
  readonly address: string;
  readonly master?: string;
  readonly flags: readonly string[];
  readonly linkinfo?: {
    readonly info_kind?: string;
    readonly info_data?: Readonly<Record<string, unknown>>;
    readonly info_slave_data?: Readonly<Record<string, unknown>>;
  };
}

/** Runs a program in the namespace of this thread and returns its output. */
export function run(program: string, ...args: string[]): string {
  const { code, stdout, stderr } = new Deno.Command(program, { args }).outputSync();
  const text = new TextDecoder();
  equal(code, 0, `${program} ${args.join(" ")}: ${text.decode(stderr)}${text.decode(stdout)}`);
  return text.decode(stdout);
}

/** Returns interfaces as iproute2 sees them. */
export function ipLinks(...args: string[]): IpLink[] {
  return JSON.parse(run("ip", "-j", "-d", "link", "show", ...args));
}

/** Returns one interface as iproute2 sees it. */
export function ipLink(name: string): IpLink {
  return ipLinks("dev", name)[0] ?? fail(`no ${name}`);
}

/** Returns the IPv4 addresses of an interface as iproute2 sees them. */
export function ipAddresses(name: string): string[] {
  const found: { addr_info: { local: string; prefixlen: number }[] }[] = JSON.parse(
    run("ip", "-j", "-4", "address", "show", "dev", name),
  );
  return found.flatMap((link) => link.addr_info.map((a) => `${a.local}/${a.prefixlen}`));
}

/** Pings from a namespace; fails if no answer comes within a second. */
export function ping(from: Fd, address: string, ...args: string[]): void {
  withNetns(from, () => run("ping", "-c", "1", "-W", "1", ...args, address));
}

/** Prepares this namespace with the usual names. */
export function prepare(mtuBytes?: number, bridge?: string): ReturnType<typeof prepareHost> {
  return prepareHost({ bridge, tap: "weft-tap", mtuBytes, mac: PEER });
}

/** MTU that nothing else was asked for. */
export const MTU = DEFAULT_MTU_BYTES;

/** A process in a namespace of its own. */
export interface Sleeper extends AsyncDisposable {
  /** Its process id. */
  readonly pid: number;
  /** Ends it; may be called again. */
  end(): Promise<void>;
}

/** Starts a process that is the only one in its network namespace, as a container without an engine. */
export async function startSleeper(): Promise<Sleeper> {
  const child = new Deno.Command("unshare", { args: ["--net", "sleep", "60"] }).spawn();
  const end = async (): Promise<void> => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await child.status;
  };
  const own = netnsInode("/proc/self/ns/net");
  const ready = (): boolean => netnsInode(`/proc/${child.pid}/ns/net`) !== own;
  await until(ready, 10_000, "a process in its own namespace");
  return { pid: child.pid, end, [Symbol.asyncDispose]: end };
}
