/**
 * Who has an address that somebody else asks for, in words that a person knows.
 *
 * ```
 *   "4f5e…" (64 digits)  ──ports of the bridge──>  "web"
 *   10.2.1.5             ──names──────────────>    web.weave.local
 * ```
 *
 * @module
 */

import { type Cidr, formatCidr, type Ipv4 } from "../base/mod.ts";
import { type Attached, RefusedError } from "../container/mod.ts";
import type { NamePart } from "./parts.ts";

/** Container engines show so much of an id. */
const SHORT = 12;
const QUOTED_IDENT = /"([0-9a-f]{64})"/g;

/** Returns a refusal with the names of containers in the place of what their addresses are held under. */
export function withOwners(
  error: unknown,
  attached: () => readonly Pick<Attached, "ident" | "name">[],
): unknown {
  if (!(error instanceof RefusedError) || error.code !== "address-in-use") return error;
  if (error.message.search(QUOTED_IDENT) === -1) return error;
  const names = new Map(attached().map(({ ident, name }) => [ident, name]));
  const text = error.message.replace(
    QUOTED_IDENT,
    (_, ident: string) => {
      const name = names.get(ident);
      if (name !== undefined) return JSON.stringify(name);
      return `"${
        ident.slice(0, SHORT)
      }", which is not attached; who died keeps its addresses for 30 s`;
    },
  );
  return new RefusedError(error.code, text);
}

/** Returns the refusal of an address that somebody on another host answers for. @param verb what was to be done: "attach" */
export function takenElsewhere(
  verb: string,
  cidr: Cidr,
  entries: ReturnType<NamePart["entries"]>,
): RefusedError {
  const name = nameOf(cidr.address, entries);
  const owner = name === undefined ? "a container of another host" : `"${name}" on another host`;
  return new RefusedError(
    "address-in-use",
    `Cannot ${verb} ${formatCidr(cidr)}: already owned by ${owner}; ` +
      "detach it there first, or choose another address",
  );
}

function nameOf(address: Ipv4, entries: ReturnType<NamePart["entries"]>): string | undefined {
  return entries.find(({ ip, tombstone }) => ip === address && tombstone === 0)
    ?.hostname.replace(/\.$/, "");
}
