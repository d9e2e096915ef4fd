/**
 * What the kernel does by itself: the bare underlay, and VXLAN, which all others are compared with.
 *
 * @module
 */

import type { Host } from "../../../helpers/lab.ts";
import { addPort, type Ends, makeBridge, MTU, type Site } from "../site.ts";
import type { Variant } from "./variant.ts";

/** The standard's port. */
const VXLAN_PORT = "4789";

/** The veth pair between two hosts, without anything on it. */
export const underlay: Variant = {
  name: "underlay",
  title: "underlay (veth alone)",
  cipher: "none",
  layer: 2,
  hops: 0,
  needs: [],
  version: () => Deno.osRelease(),
  open: ({ outer: [a, b] }) => {
    const ends: Ends = [
      { at: a, address: a.address, device: "right" },
      { at: b, address: b.address, device: "left" },
    ];
    const configuration = ["from host to host, MTU 1500: neither bridge nor container on the way"];
    return { ends, configuration, start: () => [] };
  },
};

/** VXLAN to one remote, bridged with the container; hosts on the way bridge two of them. */
export function vxlan(hops: number): Variant {
  return {
    name: hops === 0 ? "vxlan" : `vxlan-relay${hops}`,
    title: hops === 0 ? "kernel VXLAN" : `kernel VXLAN, ${hops} host(s) between`,
    cipher: "none",
    layer: 2,
    hops,
    needs: [],
    version: () => Deno.osRelease(),
    open: (site) => {
      const ends = site.containers();
      site.hosts.slice(1, -1).forEach(makeBridge);
      const configuration = [
        `link type vxlan, one id and one remote a link, no UDP checksum, learning, port of a bridge, MTU ${MTU}`,
      ];
      return { ends, configuration, start: () => startVxlan(site) };
    },
  };
}

async function startVxlan(site: Site): Promise<readonly string[]> {
  for (let i = 0; i + 1 < site.hosts.length; i++) {
    const [a, b] = [site.hosts[i], site.hosts[i + 1]];
    if (a === undefined || b === undefined) continue;
    await addVxlan(a, `vx${i}`, i, b, "right");
    await addVxlan(b, `vx${i}`, i, a, "left");
  }
  return [];
}

async function addVxlan(
  at: Host,
  name: string,
  id: number,
  remote: Host,
  over: string,
): Promise<void> {
  const where = ["local", at.address, "remote", remote.address, "dev", over];
  at.ip("link", "add", name, "type", "vxlan", "id", `${id + 1}`, ...where, "dstport", VXLAN_PORT);
  await addPort(at, name);
}
