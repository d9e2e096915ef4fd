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
  /** No address is free anywhere, or none could be had in time. */
  | "no-space"
  /** There is no ring yet, or the owner of the address did not answer in time. */
  | "waiting"
  /** What was asked for can never be. */
  | "not-possible"
  /** The caller has gone, or the router is leaving. */
  | "cancelled"
  /** The peer that is to be taken over is alive. */
  | "reachable"
  /** No peer, or more than one, is called that. */
  | "no-such-peer"
  /** The container does not hold the address. */
  | "not-held"
  /** The name lies outside the domain. */
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
