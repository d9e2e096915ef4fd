/**
 * Nebula: it carries IP packets, no frames, so nothing of a switch can be expected of it.
 *
 * @module
 */

import { runSync } from "../../../helpers/namespace.ts";
import { programVersion } from "../programs.ts";
import { ADDRESSES, type Ends, MTU, type Site } from "../site.ts";
import type { Variant } from "./variant.ts";

const TUN = "nebula1";
const NAMES = ["a", "b"] as const;

/** Two hosts that know each other's addresses, without a lighthouse. */
export const nebula: Variant = {
  name: "nebula",
  title: "Nebula (layer 3)",
  cipher: "AES-256-GCM",
  layer: 3,
  hops: 0,
  needs: ["nebula", "nebula-cert"],
  version: () => programVersion("nebula", "-version"),
  open: (site) => {
    makeCertificates(site.directory);
    const [a, b] = site.outer;
    const ends: Ends = [
      { at: a, address: ADDRESSES[0], device: TUN },
      { at: b, address: ADDRESSES[1], device: TUN },
    ];
    const configuration = [
      `layer 3: no frames, no broadcast; static_host_map, no lighthouse, cipher aes, tun.mtu ${MTU}, any traffic allowed; ` +
      "traffic between the TUN devices themselves",
    ];
    return { ends, configuration, start: () => start(site) };
  },
};

function makeCertificates(directory: string): void {
  const cert = (...args: string[]): void => {
    runSync(["env", "-C", directory, "nebula-cert", ...args]);
  };
  cert("ca", "-name", "bench", "-duration", "48h");
  NAMES.forEach((name, i) => cert("sign", "-name", name, "-ip", `${ADDRESSES[i as 0 | 1]}/24`));
}

function start(site: Site): readonly string[] {
  const { directory } = site;
  for (const [i, host] of site.outer.entries()) {
    const other = site.outer[1 - i];
    const name = `${directory}/${NAMES[i as 0 | 1]}`;
    const any = [{ port: "any", proto: "any", host: "any" }];
    // YAML takes JSON as it is.
    const config = {
      pki: { ca: `${directory}/ca.crt`, cert: `${name}.crt`, key: `${name}.key` },
      static_host_map: { [ADDRESSES[1 - i as 0 | 1]]: [`${other?.address}:4242`] },
      lighthouse: { am_lighthouse: false, hosts: [] },
      listen: { host: host.address, port: 4242 },
      cipher: "aes",
      tun: { dev: TUN, mtu: MTU },
      logging: { level: "error", format: "text" },
      firewall: { outbound: any, inbound: any },
    };
    Deno.writeTextFileSync(`${name}.yml`, JSON.stringify(config));
    site.daemon(host, ["nebula", "-config", `${name}.yml`]);
  }
  return [];
}
