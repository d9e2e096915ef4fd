/**
 * What a router says that gives out no addresses: that nobody has to wait for what it says.
 *
 * @module
 */

import type { PeerName } from "../../base/mod.ts";
import type { KnownPeer } from "./allocator_io.ts";
import { formatWeftMessage } from "./weft_channel.ts";

/** Remembers whom it told. */
export class Absence {
  /** What each of them is sent on channel `weft`. */
  readonly message: Uint8Array = formatWeftMessage({ kind: "absent", nonce: 0 });
  readonly #self: PeerName;
  #told = new Set<PeerName>();

  /** Has told nobody. */
  constructor(self: PeerName) {
    this.#self = self;
  }

  /** Takes the peers there are. @returns who is to be told: weft peers that can be reached now and could not before */
  topologyChanged(peers: readonly KnownPeer[]): PeerName[] {
    const there = peers.filter(({ name, reachable, weft }) =>
      reachable && weft && name !== this.#self
    );
    const news = there.filter(({ name }) => !this.#told.has(name));
    this.#told = new Set(there.map(({ name }) => name));
    return news.map(({ name }) => name);
  }
}
