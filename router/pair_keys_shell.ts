/**
 * Drives key agreement with real time, between the mesh and the data plane.
 *
 * @module
 */

import { drive, type Millis, type PeerName } from "../base/mod.ts";
import { aeadSuites, meshCrypto } from "../ffi/mod.ts";
import { type Channel, type ForwardingPeer, KeysChannel, type KeysState } from "../mesh/mod.ts";
import type { PairKeys, PairNews } from "../switch/mod.ts";
import { PairKeysCore, type PairKeysInput, type PairKeysOutput, wipe } from "./pair_keys.ts";

/** How key agreement is set up. */
export interface PairKeysOptions {
  /** Our name. */
  readonly self: PeerName;
  /** Passwords as typed; none: it does nothing. */
  readonly passwords: readonly string[];
  /** "never" takes the portable cryptography. */
  readonly libsodium: "auto" | "never";
  /** Age of a key at which the next is agreed on; `undefined`: as the protocol says. */
  readonly rekeyMs: Millis | undefined;
}

/** Where its words go. */
export interface PairKeysEnds {
  /** Sends to a peer on the channel of key agreement. */
  unicast(to: PeerName, payload: Uint8Array): void;
  /** Tells the data plane. The bytes of keys are wiped afterwards. */
  pairKeys(message: PairKeys): void;
  /** Notes where a pair stands. */
  state(peer: PeerName, state: KeysState, reason: string | undefined): void;
}

/** Running key agreement. */
export interface PairKeysDriver {
  /** Its channel, for the mesh. */
  readonly channel: Channel;
  /** Takes the mesh as it is now. */
  topology(peers: readonly ForwardingPeer[]): void;
  /** Takes what the data plane says of a pair. */
  news(news: PairNews): void;
  /** Ends it. */
  stop(): void;
}

/** Starts key agreement; it begins to ask when it hears of peers. */
export function startPairKeys(options: PairKeysOptions, ends: PairKeysEnds): PairKeysDriver {
  const { self, passwords, libsodium, rekeyMs } = options;
  const core = new PairKeysCore({
    self,
    passwords: passwords.map((password) => new TextEncoder().encode(password)),
    suites: aeadSuites(),
    crypto: meshCrypto({ libsodium }),
    rekeyMs,
  });
  const driver = drive<PairKeysInput, PairKeysOutput>(core, { kind: "tick" }, (output) => {
    switch (output.kind) {
      case "unicast":
        return ends.unicast(output.to, output.payload);
      case "pairKeys":
        ends.pairKeys(output.message);
        return wipe(output.message);
      case "state":
        return ends.state(output.peer, output.state, output.reason);
    }
  });
  return {
    channel: new KeysChannel(driver.feed),
    topology: (peers) => driver.feed({ kind: "topology", peers }),
    news: (news) => driver.feed({ kind: "news", news }),
    stop: () => {
      driver.feed({ kind: "stop" });
      driver.stop();
    },
  };
}
