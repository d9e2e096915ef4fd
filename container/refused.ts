/**
 * The error for a request that is well formed and cannot be granted.
 *
 * @module
 */

/** Why a request was refused. */
export type RefusedCode =
  /** Another container, or the host itself, holds the address. */
  | "address-in-use"
  /** The container shares the host's network, which has the bridge already. */
  | "host-network"
  /** Nobody knows a container of that name. */
  | "no-such-container"
  /** The container is known and has no process. */
  | "not-running"
  /** No container engine answers. */
  | "no-engine"
  /** The bridge has not been made. */
  | "no-bridge"
  /** The container has an interface of our name that is not ours. */
  | "foreign-interface"
  /** What was given names no container. */
  | "bad-container"
  /** No address is free, and nobody who could have one is away. */
  | "no-space"
  /** There is no answer in the time that was given: who is waited for is in the text. */
  | "waiting"
  /** The subnet or address cannot be given out by this network. */
  | "not-possible"
  /** Who asked has gone, or the container has ended meanwhile. */
  | "cancelled"
  /** The container holds no such address. */
  | "not-held"
  /** The peer can be reached, so its addresses are its own. */
  | "reachable"
  /** Nobody knows a peer of that name. */
  | "no-such-peer"
  /** The name is not in the domain of the network. */
  | "outside-domain";

/** Is thrown when a request cannot be granted; its text is shown to the user as it is. */
export class RefusedError extends Error {
  /** Name of the class. */
  override name = "RefusedError";

  /**
   * Makes one.
   *
   * @param code why, for programs
   * @param message what, why, and what to do about it
   */
  constructor(readonly code: RefusedCode, message: string) {
    super(message);
  }
}
