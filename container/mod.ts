/**
 * What a container gets from weft, and who asks for it: today its interface and its addresses.
 *
 * ```
 *   "web", pid:7, netns:/x ──docker/find_shell──> ContainerRef ──attach/shell──> ethwe in the container
 *                                                                   |            vethwepl… on the bridge
 *                                                  attach/plan: facts + wish -> steps, or RefusedError
 * ```
 *
 * It keeps nothing: who is attached, and to which name, is read from the bridge's ports ({@link listAttached}). It does not
 * make the bridge (that is `switch/`), and does not know who decides on addresses.
 *
 * Callers: `router/`, which holds a lock for each container.
 *
 * @module
 */

export { EXPOSE_ID } from "./attach/plan.ts";
export { type Attached } from "./attach/ports_shell.ts";
export {
  type ContainerLabel,
  type ContainerRef,
  GUEST_NAME,
  labelOf,
  parseContainerRef,
} from "./attach/ref.ts";
export {
  attach,
  type AttachOptions,
  type AttachResult,
  detach,
  findAttached,
  listAttached,
} from "./attach/shell.ts";
export { containerKey } from "./attach/session_shell.ts";
export { fullName } from "./attach/own_name.ts";
export { ownName } from "./attach/own_name_shell.ts";
export {
  type EngineEvent,
  type EngineWatch,
  watchEngine,
  type WatchOptions,
} from "./docker/events_shell.ts";
export { findContainer, type FindOptions } from "./docker/find_shell.ts";
export { rewriteHosts } from "./docker/hosts_shell.ts";
export { type RefusedCode, RefusedError } from "./refused.ts";
