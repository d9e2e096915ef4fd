/**
 * What a channel of gossip has to do, whoever handles it: the mesh, a stand-in, or another part of the router.
 *
 * @module
 */

import type { Millis, PeerName } from "../base/mod.ts";

/**
 * Handler of one channel. An item stands for data to be sent, which is encoded from live state when a connection can take
 * it. What a handler throws closes the connection that the message came by if it is a `WireError` or a
 * `ProtocolError`; anything else is a bug and ends the process.
 */
export interface Channel<Item = unknown> {
  /** Name on the wire, case-sensitive. */
  readonly name: string;
  /** Whether a new neighbour that is no weft peer is told only after it was heard, or two seconds later. */
  readonly hearsFirst?: boolean;
  /** Tells whether a neighbour gets nothing, whoever it comes from: it would cut the connection. */
  withholds?(neighbour: PeerName): boolean;
  /** Merges gossip; returns what was new, if it is to go on at once. @throws {WireError | ProtocolError} to close the connection */
  gossip(payload: Uint8Array, from: PeerName, now: Millis): Item | undefined;
  /** Takes a broadcast; returns what goes on. @throws {WireError | ProtocolError} to close the connection */
  broadcast(payload: Uint8Array, source: PeerName, now: Millis): Item | undefined;
  /** Takes a message for us. @throws {WireError | ProtocolError} to close the connection */
  unicast(payload: Uint8Array, source: PeerName, now: Millis): void;
  /** Returns the whole state, if there is any. */
  full(): Item | undefined;
  /** Joins two items. */
  merge(a: Item, b: Item): Item;
  /** Encodes an item as one or more payloads. */
  encode(item: Item): readonly Uint8Array[];
}
