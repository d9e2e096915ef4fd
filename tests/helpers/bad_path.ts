/**
 * Two hosts with a bad network between them, and two ways over it: weft, and VXLAN of the kernel.
 *
 * ```
 *   container -- bridge "weft" -- weft ---+                             +--- weft -- ..
 *                                      host 192.0.2.1 --[ faults ]-- host 198.51.100.2
 *   container -- bridge "plain" - VXLAN --+                             +--- VXLAN - ..
 * ```
 *
 * Both cut their trains before they reach the faults, so that each datagram has a fate of its own, and both meet the same
 * faults by the same dice.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { Host, Lab, LaunchOptions } from "./lab.ts";
import { type Background, Namespace, runSync } from "./namespace.ts";
import { NAT_NETWORK, UNDERLAY } from "./nat_router.ts";
import type { Faults } from "./underlay.ts";

/** One way from container to container. */
export interface Way {
  /** Its name. */
  readonly name: string;
  /** The containers. */
  readonly ends: readonly [Namespace, Namespace];
  /** Address of the second. */
  readonly address: string;
}

const WIRE = fileURLToPath(new URL("./bad_wire.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const LEFT = "192.0.2.101";
const RIGHT = `${NAT_NETWORK}.101`;
const PORT = "6783";
const VXLAN_PORT = "4789";
const MTU = "1376";
const DAY_MS = 86_400_000;
/**
 * What makes a sender's device pass trains on whole, and checksums that are not complete: the kernel does not complete those
 * inside a tunnel for a program that reads its datagrams.
 */
const OFFLOADS = [
  "tx",
  "tx-udp-segmentation",
  "tx-udp_tnl-segmentation",
  "tx-udp_tnl-csum-segmentation",
];

/** The network and its hosts. Its lab takes them away. */
export class BadPath implements AsyncDisposable {
  /** Both hosts. */
  readonly hosts: readonly [Host, Host];
  readonly #lab: Lab;
  readonly #middle: Namespace;
  #wire: Background | undefined;

  /** Makes it, without faults and without anything that passes. */
  constructor(lab: Lab) {
    this.#lab = lab;
    this.hosts = [lab.bareHost(), lab.bareHost(NAT_NETWORK)];
    this.#middle = lab.container();
    this.#join(this.hosts[0], "left", LEFT);
    this.#join(this.hosts[1], "right", RIGHT);
  }

  /** Begins to pass datagrams on. */
  async open(faults: Faults): Promise<void> {
    const addresses = [LEFT, this.hosts[0].address, RIGHT, this.hosts[1].address];
    const words = ["run", "-A", "--no-prompt", "--quiet", "--config", CONFIG, WIRE, ...addresses];
    const ports = [PORT, `${PORT},${VXLAN_PORT}`, JSON.stringify(faults)];
    const options = { timeoutMs: DAY_MS };
    this.#wire = this.#middle.start([Deno.execPath(), ...words, ...ports], options);
    await this.#wire.says(/^ready$/m);
  }

  /** Launches weft on both hosts, with a container on each. */
  async weft(options: LaunchOptions): Promise<Way> {
    const args = ["--no-discovery", "--status-addr=", "--mtu", MTU, ...options.args ?? []];
    const ends = [this.#lab.container(), this.#lab.container()] as const;
    const [left, right] = this.hosts;
    await right.launch({ ...options, args });
    await left.launch({ ...options, args, peers: [LEFT] });
    await left.attach(ends[0], "10.2.1.1/24");
    await right.attach(ends[1], "10.2.1.2/24");
    return { name: "weft", ends, address: "10.2.1.2" };
  }

  /** Makes a VXLAN between both hosts, with a container on each. */
  vxlan(): Way {
    const ends = [this.#lab.container(), this.#lab.container()] as const;
    this.hosts.forEach((host, i) => {
      host.ip("link", "add", "plain", "mtu", MTU, "type", "bridge", "forward_delay", "0");
      host.ip("link", "set", "plain", "up");
      const where = ["local", host.address, "remote", i === 0 ? LEFT : RIGHT, "dev", UNDERLAY];
      const vxlan = ["type", "vxlan", "id", "7", ...where, "dstport", VXLAN_PORT];
      host.ip("link", "add", "vx", "mtu", MTU, ...vxlan);
      host.ip("link", "set", "vx", "master", "plain", "up");
      const end = ends[i as 0 | 1];
      const peer = ["peer", "name", "ethwe", "mtu", MTU, "netns", end.name];
      host.ip("link", "add", "port", "mtu", MTU, "type", "veth", ...peer);
      host.ip("link", "set", "port", "master", "plain", "up");
      end.ip("link", "set", "ethwe", "up");
      end.ip("addr", "add", `10.2.2.${i + 1}/24`, "dev", "ethwe");
    });
    return { name: "VXLAN", ends, address: "10.2.2.2" };
  }

  /** Ends what passes datagrams on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#wire?.stop();
  }

  #join(host: Host, device: string, address: string): void {
    const peer = ["peer", "name", device, "netns", this.#middle.name];
    host.ip("link", "add", UNDERLAY, "type", "veth", ...peer);
    host.ip("addr", "add", `${host.address}/24`, "dev", UNDERLAY);
    host.ip("link", "set", UNDERLAY, "up");
    this.#middle.ip("addr", "add", `${address}/24`, "dev", device);
    this.#middle.ip("link", "set", device, "up");
    const off = OFFLOADS.flatMap((name) => [name, "off"]);
    runSync(["ip", "netns", "exec", host.name, "ethtool", "-K", UNDERLAY, ...off]);
  }
}
