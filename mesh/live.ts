/**
 * One TCP connection as the mesh keeps it, from the dial or accept to the close.
 *
 * @module
 */

import type { Endpoint, Millis } from "../base/mod.ts";
import type { Connection } from "./connection.ts";
import type { MeshLink } from "./types.ts";

/** A TCP connection. */
export interface Live {
  /** Number of the connection. */
  readonly id: number;
  /** We dialled. */
  readonly outbound: boolean;
  /** The dialled address, or the remote address of the socket. */
  readonly remote: Endpoint;
  /** Key of the dialler's attempt, `undefined` for inbound. */
  readonly dialKey: string | undefined;
  /** Position of the password that we dial with. */
  readonly password: number;
  /** Our half of its identity. */
  readonly connId: bigint;
  /** We trust the network between us. */
  readonly trusted: boolean;
  /** The core, `undefined` while TCP is being set up. */
  connection: Connection | undefined;
  /** When the dial is given up, or the introduction of an accepted connection may begin. */
  due: Millis | undefined;
  /** Bytes that were handed to the socket and are not written. */
  unsent: number;
  /** Counted as a stranger at the door. */
  stranger: boolean;
  /** Its address is not to be dialled again. */
  never: boolean;
  /** Its place in the topology, once it has one. */
  link: LiveLink | undefined;
}

/** What is known of a connection that is in the topology. */
export interface LiveLink extends MeshLink {
  /** It was opened with a password other than our first. */
  readonly oldPassword: boolean;
  /** Frames are sealed; `undefined` with no password in use. */
  readonly encrypted: boolean | undefined;
  /** An overlay works. */
  established: boolean;
  /** Since when it is so. */
  since: Millis;
}
