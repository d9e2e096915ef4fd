/**
 * A router in a lab that hides hosts behind its own address, as the one at home does.
 *
 * ```
 *   underlay 192.0.2.0/24 --- outside 192.0.2.201 [ masquerade ] under 198.51.100.254 --- hosts 198.51.100.N
 * ```
 *
 * @module
 */

import { Namespace, runSync } from "./namespace.ts";

/** Device and bridge of the network that hosts are on. */
export const UNDERLAY = "under";
/** Device of the router on the underlay. */
export const OUTSIDE = "outside";
/** First three bytes of addresses behind it. */
export const NAT_NETWORK = "198.51.100";

/** The router. Its lab joins it to the underlay. */
export class NatRouter extends Namespace {
  /** Its address on the underlay, which all hosts behind it seem to have. */
  readonly address: string;
  /** Its address for the hosts behind it. */
  readonly inside = `${NAT_NETWORK}.254`;

  /** Makes it with an empty network behind it. */
  constructor(name: string, address: string) {
    super(name);
    this.address = address;
    this.ip("link", "add", UNDERLAY, "type", "bridge", "forward_delay", "0");
    this.ip("addr", "add", `${this.inside}/24`, "dev", UNDERLAY);
    this.ip("link", "set", UNDERLAY, "up");
  }

  /** Begins to forward. */
  translate(): void {
    this.ip("addr", "add", `${this.address}/24`, "dev", OUTSIDE);
    const rules = [
      "add table ip lab",
      "add chain ip lab nat { type nat hook postrouting priority 100; }",
      `add rule ip lab nat oifname "${OUTSIDE}" masquerade`,
    ];
    const script = 'echo 1 >/proc/sys/net/ipv4/ip_forward && exec nft "$0"';
    runSync(["ip", "netns", "exec", this.name, "sh", "-c", script, rules.join("; ")]);
  }
}
