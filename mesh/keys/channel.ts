/**
 * The gossip channel of key agreement: unicasts only.
 *
 * @module
 */

import type { PeerName } from "../../base/mod.ts";
import type { Channel } from "../channel.ts";
import type { KeysInput } from "./io.ts";

/** Name of the channel. */
export const KEYS_CHANNEL = "weft-keys";

/** Hands messages for us to key agreement. What is gossiped or broadcast on it is ignored and goes no further. */
export class KeysChannel implements Channel<never> {
  /** Name on the wire. */
  readonly name: string = KEYS_CHANNEL;
  #feed: (input: KeysInput & { kind: "received" }) => void;

  /**
   * Feeds one core.
   *
   * @param feed takes each message; the bytes are its own
   */
  constructor(feed: (input: KeysInput & { kind: "received" }) => void) {
    this.#feed = feed;
  }

  /** Ignores it. */
  gossip(): undefined {}

  /** Ignores it. */
  broadcast(): undefined {}

  /** Hands a message on. */
  unicast(payload: Uint8Array, source: PeerName): void {
    this.#feed({ kind: "received", from: source, payload });
  }

  /** Has no state to tell. */
  full(): undefined {
    return undefined;
  }

  /** There is nothing to join. */
  merge(_a: never, b: never): never {
    return b;
  }

  /** There is nothing to encode. */
  encode(): readonly Uint8Array[] {
    return [];
  }
}
