/**
 * Looks up the name that a container has of its own.
 *
 * @module
 */

import { hostnameOf } from "../../ffi/mod.ts";
import { namespaceName } from "./own_name.ts";
import type { ContainerRef } from "./ref.ts";

/** Returns it; `undefined` if it has none, or shares that of this host. */
export function ownName(ref: ContainerRef): string | undefined {
  switch (ref.kind) {
    case "docker":
      return ref.fqdn;
    case "pid":
      return hostnameOf(ref.pid);
    case "netns":
      return namespaceName(ref.path);
  }
}
