/**
 * The hosts of one variant: namespaces in a line, joined by veth pairs, with a container at either end.
 *
 * ```
 *   container A                                                                 container B
 *     ethwe 10.2.1.1                                                              ethwe 10.2.1.2
 *       |                                                                            |
 *   host 1 [bridge "lan"]--(the variant)--right   left--host 2--right   left--(the variant)--[bridge "lan"] host 3
 *                                           \______/              \______/
 *                                         veth, MTU 1500: the underlay
 * ```
 *
 * Hosts see their neighbours only, so that a line has to relay.
 *
 * @module
 */

import type { Host, Lab } from "../../helpers/lab.ts";
import { type Background, type Namespace, runSync } from "../../helpers/namespace.ts";
import { until } from "../../helpers/until.ts";
import { type DeviceCounters, deviceCounters } from "./parsers.ts";

/** MTU of what carries the traffic that is measured: weft's own default, which fits all variants. */
export const MTU = 1376;
/** The bridge of each host at an end. */
export const BRIDGE = "lan";
/** Addresses of the two ends. */
export const ADDRESSES = ["10.2.1.1", "10.2.1.2"] as const;
/** Longer than any run. */
const DAY_MS = 86_400_000;

/** What the underlay's devices do with trains of plain UDP and of VXLAN. */
const CUTTING = ["tx-udp-segmentation", "tx-udp_tnl-segmentation", "tx-udp_tnl-csum-segmentation"];

/** One end of the traffic. */
export interface End {
  /** Where its programs run. */
  readonly at: Namespace;
  /** Its address. */
  readonly address: string;
  /** Device whose counters are read. */
  readonly device: string;
}

/** Both ends. */
export type Ends = readonly [End, End];

/** Hosts in a line, with a directory for their files. */
export class Site {
  /** From one end to the other. */
  readonly hosts: readonly Host[];
  /** The lab that takes all of it away. */
  readonly lab: Lab;
  /** For files of this variant. */
  readonly directory: string;
  readonly #daemons: Background[] = [];

  /** @param hops hosts between the two ends */
  constructor(lab: Lab, name: string, hops: number) {
    this.lab = lab;
    this.directory = `${lab.directory}/${name}`;
    Deno.mkdirSync(this.directory);
    this.hosts = Array.from({ length: hops + 2 }, () => lab.bareHost());
    this.hosts.slice(1).forEach((host, i) => join(this.#host(i), host));
  }

  /** The hosts at the ends. */
  get outer(): readonly [Host, Host] {
    return [this.#host(0), this.#host(this.hosts.length - 1)];
  }

  /** Makes two containers that nothing is attached to. */
  bareContainers(): Ends {
    const end = (i: 0 | 1): End => {
      return { at: this.lab.container(), address: ADDRESSES[i], device: "ethwe" };
    };
    return [end(0), end(1)];
  }

  /** Makes two containers, each on a bridge of its host. */
  containers(): Ends {
    const ends = this.bareContainers();
    ends.forEach((end, i) => {
      const host = this.outer[i as 0 | 1];
      makeBridge(host);
      attach(host, BRIDGE, end);
    });
    return ends;
  }

  /** Starts a program on a host; it ends with the lab. */
  daemon(
    host: Host,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Background {
    const daemon = host.start(args, { timeoutMs: DAY_MS, env });
    this.#daemons.push(daemon);
    return daemon;
  }

  /** Last line that each program has said, for an error. */
  lastWords(): string {
    return this.#daemons.map((daemon) => daemon.output.trim().split("\n").at(-1) ?? "")
      .filter((line) => line !== "").join(" / ");
  }

  /** Process ids of what runs on the hosts. */
  pids(): number[] {
    return this.hosts.flatMap((host) => host.pids());
  }

  /** Ends what runs on the hosts, so that it does not disturb others. The lab takes away the rest. */
  close(): void {
    for (const host of this.hosts) host.remove();
  }

  /**
   * Returns what a host at an end has received from the underlay.
   *
   * @param end 0 for the first, 1 for the last
   */
  underlayCounters(end: 0 | 1): DeviceCounters {
    const cat = ["ip", "netns", "exec", this.outer[end].name, "cat", "/proc/net/dev"];
    return deviceCounters(runSync(cat).stdout, end === 0 ? "right" : "left");
  }

  /** Makes the underlay's devices cut trains into packets, or pass them whole. */
  cutTrains(cut: boolean): void {
    const settings = CUTTING.flatMap((name) => [name, cut ? "off" : "on"]);
    this.hosts.forEach((host, i) => {
      const right = i + 1 < this.hosts.length ? ["right"] : [];
      for (const device of i > 0 ? ["left", ...right] : right) {
        runSync(["ip", "netns", "exec", host.name, "ethtool", "-K", device, ...settings]);
      }
    });
  }

  #host(i: number): Host {
    const host = this.hosts[i];
    if (host === undefined) {
      throw new Error(`Cannot find host ${i}: there are ${this.hosts.length}`);
    }
    return host;
  }
}

/** Makes the bridge of a host. */
export function makeBridge(host: Host): void {
  host.ip("link", "add", BRIDGE, "mtu", `${MTU}`, "type", "bridge", "forward_delay", "0");
  host.ip("link", "set", BRIDGE, "up");
}

/** Waits until a device is there, then makes it a port of the bridge. */
export async function addPort(host: Host, device: string, bridge: string = BRIDGE): Promise<void> {
  await until(
    () => host.ip("-o", "link").includes(` ${device}: `),
    15_000,
    `the device ${device} on ${host.name}`,
  );
  host.ip("link", "set", device, "mtu", `${MTU}`, "master", bridge, "up");
}

/** Joins a container to a bridge. */
export function attach(host: Host, bridge: string, end: End): void {
  const peer = ["peer", "name", end.device, "mtu", `${MTU}`, "netns", end.at.name];
  host.ip("link", "add", "port", "mtu", `${MTU}`, "type", "veth", ...peer);
  host.ip("link", "set", "port", "master", bridge, "up");
  end.at.ip("link", "set", end.device, "up");
  end.at.ip("addr", "add", `${end.address}/24`, "dev", end.device);
}

function join(left: Host, right: Host): void {
  left.ip("link", "add", "right", "type", "veth", "peer", "name", "left", "netns", right.name);
  for (const [host, device, other] of [[left, "right", right], [right, "left", left]] as const) {
    host.ip("link", "set", device, "up");
    host.ip("addr", "add", host.address, "peer", `${other.address}/32`, "dev", device);
  }
}
