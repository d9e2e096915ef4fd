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
  /** The name is not in the domain that we serve. */
  | "outside-domain"
  /** What was asked for makes no sense as it is. */
  | "not-possible";

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
