/**
 * The `/etc/hosts` of a container that is on the network (spec/docker.md 5).
 *
 * @module
 */

import { type Cidr, formatIpv4 } from "../../base/mod.ts";
import { RefusedError } from "../refused.ts";

const BEGIN = "# created by weft - begin";
const END = "# created by weft - end";
const LOCAL = [
  "127.0.0.1 localhost",
  "::1 ip6-localhost ip6-loopback",
  "fe00::0 ip6-localnet",
  "ff00::0 ip6-mcastprefix",
  "ff02::1 ip6-allnodes",
  "ff02::2 ip6-allrouters",
];

/**
 * Returns the text of the file.
 *
 * @param fqdn name with domain, or a bare name
 * @param cidrs the container's addresses
 * @param extra `NAME:IP` each, as of Docker's `--add-host`
 * @throws {RefusedError} if an entry is not of that form
 */
export function hostsText(fqdn: string, cidrs: readonly Cidr[], extra: readonly string[]): string {
  const short = fqdn.replace(/\..*$/s, "");
  const names = short === fqdn ? fqdn : `${fqdn} ${short}`;
  const lines = [
    BEGIN,
    ...cidrs.map(({ address }) => `${formatIpv4(address)} ${names}`),
    ...extra.map(entry),
    ...LOCAL,
    END,
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function entry(text: string): string {
  const [, name, ip] = /^([^:\s]+):([0-9a-fA-F.:]+)$/.exec(text) ?? [];
  if (name !== undefined && ip !== undefined) return `${ip} ${name}`;
  throw new RefusedError(
    "not-possible",
    `Cannot add the host ${JSON.stringify(text)}: write it as NAME:IP`,
  );
}
