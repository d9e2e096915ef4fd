/**
 * Writes the `/etc/hosts` of a container, which is a file of the engine on the host that the container has mounted.
 *
 * @module
 */

import type { Cidr } from "../../base/mod.ts";
import { overwriteFile, replaceFile } from "../../ffi/mod.ts";
import { type ContainerRef, labelOf } from "../attach/ref.ts";
import { hostsText } from "./hosts_file.ts";

const MODE = 0o644;

/**
 * Rewrites the file: the container keeps the one that it has mounted, and the engine, which writes to the name, gets another.
 *
 * @param extra `NAME:IP` each
 * @returns why it could not be done, `undefined` if it was
 * @throws {RefusedError} if an entry of `extra` is no such
 */
export function rewriteHosts(
  ref: ContainerRef,
  cidrs: readonly Cidr[],
  extra: readonly string[],
): string | undefined {
  const { id, name } = labelOf(ref);
  const fqdn = ref.kind === "docker" ? ref.fqdn ?? name : id;
  const text = hostsText(fqdn, cidrs, extra);
  const problem = `Cannot rewrite /etc/hosts of ${JSON.stringify(name)}`;
  if (ref.kind !== "docker" || ref.hostsPath === undefined) {
    return `${problem}: no container engine keeps that file for it`;
  }
  const done = overwriteFile(ref.hostsPath, text) && replaceFile(ref.hostsPath, text, MODE);
  return done ? undefined : `${problem}: ${ref.hostsPath} cannot be written`;
}
