/**
 * One TCP connection as the mesh keeps it, from the dial or accept to the close.
 *
 * @module
 */

import type { Endpoint, Millis } from "../base/mod.ts";
import type { Connection } from "./connection.ts";
import type { Introduction } from "./handshake.ts";
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
  /** How long the dial may take. */
  readonly dialMs: Millis;
  /** When the dial is given up, or the introduction of an accepted connection may begin. */
  due: Millis | undefined;
  /** Bytes that were handed to the socket and are not written. */
  unsent: number;
  /** Counted as a stranger at the door. */
  stranger: boolean;
  /** Its address is not to be dialled again. */
  never: boolean;
  /** Its end is no fault: a second connection to a peer, or one to ourselves. */
  harmless: boolean;
  /** Its place in the topology, once it has one. */
  link: LiveLink | undefined;
}

/** What is known of a connection that is in the topology. */
export interface LiveLink extends MeshLink {
  /** UID that its remote introduced itself with. */
  readonly uid: bigint;
  /** It was opened with a password other than our first. */
  readonly oldPassword: boolean;
  /** Frames are sealed; `undefined` with no password in use. */
  readonly encrypted: boolean | undefined;
  /** Tables can be compared by digest. */
  readonly digest: boolean;
  /** An overlay works. */
  established: boolean;
  /** One has worked: a peer that refuses us, being at its limit, is no loss. */
  worked: boolean;
  /** Since when it is so. */
  since: Millis;
}

/** Returns a TCP connection of which no more is known than where it leads. */
export function newLive(
  known: Pick<Live, "id" | "remote" | "dialKey" | "password" | "connId" | "trusted" | "dialMs">,
): Live {
  return {
    ...known,
    outbound: known.dialKey !== undefined,
    connection: undefined,
    due: undefined,
    unsent: 0,
    stranger: false,
    never: false,
    harmless: false,
    link: undefined,
  };
}

/** Makes the link of a connection whose remote introduced itself and may stay. */
export function makeLink(
  live: Live,
  introduction: Introduction,
  overlays: LiveLink["overlays"],
  now: Millis,
): LiveLink {
  const { features, sessionKey, password } = introduction;
  const inClear = live.trusted && features.trusted;
  return {
    id: live.id,
    peer: features.name,
    uid: features.uid,
    nickname: features.nickname,
    connUid: live.connId ^ features.connId,
    outbound: live.outbound,
    remote: live.remote,
    sessionKey: inClear ? undefined : sessionKey,
    overlays,
    weft: features.weft,
    lively: features.liveness,
    oldPassword: sessionKey !== undefined && password !== 0,
    encrypted: sessionKey === undefined ? undefined : !inClear,
    digest: features.digest,
    established: false,
    worked: false,
    since: now,
  };
}

/** Returns the part of a link that the router is told. */
export function linkOf(link: LiveLink): MeshLink {
  const { id, peer, nickname, connUid, outbound, remote, sessionKey, overlays } = link;
  const { weft, lively } = link;
  return { id, peer, nickname, connUid, outbound, remote, sessionKey, overlays, weft, lively };
}
