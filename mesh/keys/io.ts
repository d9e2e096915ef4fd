/**
 * What goes into key agreement and what comes out: the words between `agreement.ts` and who drives it.
 *
 * @module
 */

import type { Millis, PeerName } from "../../base/mod.ts";

/** Ciphers of the data plane, as libcrypto knows them. */
export type KeySuite = "AES-256-OCB" | "AES-256-GCM" | "ChaCha20-Poly1305";

/** Cryptography that key agreement needs; `ffi/crypto.ts` implements it. All of it is synchronous. */
export interface KeyCrypto {
  /** Returns a fresh X25519 key pair, 32 bytes each. */
  generateKeyPair(): { publicKey: Uint8Array; privateKey: Uint8Array };
  /** X25519 as in RFC 7748, 32 bytes; all zero for a point of low order. */
  x25519(ourPrivate: Uint8Array, theirPublic: Uint8Array): Uint8Array;
  /** SHA-256, 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
  /** HMAC-SHA-256, 32 bytes. */
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** Tells whether two byte strings are equal, in a time that depends on their lengths alone. */
  equalSecrets(a: Uint8Array, b: Uint8Array): boolean;
  /** Returns random bytes. */
  randomBytes(length: number): Uint8Array;
}

/** How key agreement is set up. */
export interface KeysOptions {
  /** Our name. */
  readonly self: PeerName;
  /** Passwords as typed, UTF-8; ours is the first, any is accepted, those after the eighth are not offered. None: no keys. */
  readonly passwords: readonly Uint8Array[];
  /** What this machine seals with, in hardware if it is AES; of what both sides have the best is taken. None: no keys. */
  readonly suites: readonly KeySuite[];
  /** Cryptography. */
  readonly crypto: KeyCrypto;
  /** Age of a key at which the next is agreed on; an hour if not given. */
  readonly rekeyMs?: Millis | undefined;
}

/** What happens to key agreement. */
export type KeysInput =
  /** The peers of the topology that can be reached, ourselves included; replaces the last list. UID 0 is unknown. */
  | {
    readonly kind: "peers";
    readonly peers: readonly { readonly name: PeerName; readonly uid: bigint }[];
  }
  /** A message came on the channel; any bytes. */
  | { readonly kind: "received"; readonly from: PeerName; readonly payload: Uint8Array }
  /** There is traffic for a peer without a key; may be said as often as one likes. */
  | { readonly kind: "wanted"; readonly peer: PeerName }
  /** The first segment under a receive key was opened. */
  | { readonly kind: "worked"; readonly peer: PeerName; readonly receiveId: number }
  /** The key that we send with has sealed so much that the next one is due (2^28 segments). */
  | { readonly kind: "exhausted"; readonly peer: PeerName }
  /** Time has passed. */
  | { readonly kind: "tick" };

/** Two keys of a pair, one for each direction. The arrays belong to who takes them, and so does wiping them. */
export interface InstalledKeys {
  /** The other. */
  readonly peer: PeerName;
  /** Its UID in the run that the keys were agreed with. */
  readonly uid: bigint;
  /** We asked. */
  readonly initiator: boolean;
  /** Cipher of both. */
  readonly suite: KeySuite;
  /** Key id in segments for us. */
  readonly receiveId: number;
  /** 32 bytes. */
  readonly receiveKey: Uint8Array;
  /** 4 bytes. */
  readonly receiveSalt: Uint8Array;
  /** Key id in segments for the peer. */
  readonly sendId: number;
  /** 32 bytes. */
  readonly sendKey: Uint8Array;
  /** 4 bytes. */
  readonly sendSalt: Uint8Array;
  /** Seal with the send key from now on, and probe the path at once; else wait for `use`. */
  readonly sendNow: boolean;
}

/** Why a pair has no key, or no new one. */
export const REASONS = {
  noAnswer: "no answer",
  noPassword: "no common password",
  noCipher: "no common cipher",
  badKey: "its public key is bad",
  notConfirmed: "it did not confirm the key",
  noData: "no data came under the new key",
  tooOld: "the key is three hours old",
} as const;

/** Where a pair stands. `none`: nothing is known or wanted. `failed`: tried again, less and less often. */
export type PairState = "none" | "agreeing" | "ready" | "failed";

/** What key agreement wants. */
export type KeysOutput =
  /** Send on the channel; lost messages are sent again, so the bytes are not to be changed. */
  | { readonly kind: "send"; readonly to: PeerName; readonly payload: Uint8Array }
  /** Accept segments under the receive key from now on; `sendNow` says what to do with the send key. */
  | { readonly kind: "install"; readonly keys: InstalledKeys }
  /** Seal with this key from now on; send keys of the peer that were installed before are of no use any more. */
  | { readonly kind: "use"; readonly peer: PeerName; readonly sendId: number }
  /** Seal nothing more with this key. There is no other: `state` tells why. */
  | { readonly kind: "stop"; readonly peer: PeerName; readonly sendId: number }
  /** Forget both keys that were installed under this receive id. */
  | { readonly kind: "retire"; readonly peer: PeerName; readonly receiveId: number }
  /** For status pages. `ready` with a reason: the next key could not be agreed yet. */
  | {
    readonly kind: "state";
    readonly peer: PeerName;
    readonly state: PairState;
    readonly reason: string | undefined;
  };
