/**
 * From an X25519 result and a password to tags and keys (spec/shuttle.md 3; HKDF of RFC 5869, with SHA-256).
 *
 * ```
 *   T     = SHA-256("weft shuttle 1" | I[6] | R[6] | M1 | M2 before the bar)
 *   psk_j = HMAC("weft shuttle psk 1", password_j)
 *   prk_j = Extract(salt = T, X25519(e, e') | psk_j)
 *   tagR_j = Expand(prk_j, "confirm R", 16)      tagI = Expand(prk, "confirm I", 16)
 *   I -> R: Expand(prk, "I>R key", 32), Expand(prk, "I>R salt", 4)           R -> I: "R>I key", "R>I salt"
 * ```
 *
 * @module
 */

import { concat, type PeerName, peerNameToBytes, utf8 } from "../../base/mod.ts";
import { M2_HEAD_BYTES, TAG_BYTES } from "./codec.ts";
import type { KeyCrypto } from "./io.ts";

const PROTOCOL = utf8("weft shuttle 1");
const PASSWORD_LABEL = utf8("weft shuttle psk 1");
const KEY_BYTES = 32;
const SALT_BYTES = 4;
const HASH_BYTES = 32;

/** What both sides have seen when they derive keys. */
export interface Transcript {
  /** I. */
  readonly initiator: PeerName;
  /** R. */
  readonly responder: PeerName;
  /** M1 as it was sent. */
  readonly m1: Uint8Array;
  /** M2 as it was sent; its tags may be missing. */
  readonly m2: Uint8Array;
}

/** Key and salt of one direction. */
export interface DirectionKey {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** 4 bytes. */
  readonly salt: Uint8Array;
}

/** Returns what a password adds to a secret. */
export function passwordSecret(crypto: KeyCrypto, password: Uint8Array): Uint8Array {
  return crypto.hmacSha256(PASSWORD_LABEL, password);
}

/** Returns the hash that binds a secret to names, UIDs, key ids, suites and public keys. */
export function transcriptHash(crypto: KeyCrypto, transcript: Transcript): Uint8Array {
  const { initiator, responder, m1, m2 } = transcript;
  const names = [peerNameToBytes(initiator), peerNameToBytes(responder)];
  return crypto.sha256(concat(PROTOCOL, ...names, m1, m2.subarray(0, M2_HEAD_BYTES)));
}

/**
 * Returns the secret of a pair for each password. The X25519 result is wiped.
 *
 * @returns `undefined` if the result is all zero: the other's public key is of low order
 */
export function pairSecrets(
  crypto: KeyCrypto,
  hash: Uint8Array,
  dh: Uint8Array,
  passwordSecrets: readonly Uint8Array[],
): Uint8Array[] | undefined {
  if (crypto.equalSecrets(dh, new Uint8Array(dh.length))) return undefined;
  const secrets = passwordSecrets.map((psk) => {
    const input = concat(dh, psk);
    const secret = extract(crypto, hash, input);
    input.fill(0);
    return secret;
  });
  dh.fill(0);
  return secrets;
}

/** Returns the tag by which R shows that it knows a password. */
export function tagOfResponder(crypto: KeyCrypto, secret: Uint8Array): Uint8Array {
  return expand(crypto, secret, "confirm R", TAG_BYTES);
}

/** Returns the tag by which I shows it. */
export function tagOfInitiator(crypto: KeyCrypto, secret: Uint8Array): Uint8Array {
  return expand(crypto, secret, "confirm I", TAG_BYTES);
}

/** Returns the keys of both directions. */
export function directionKeys(
  crypto: KeyCrypto,
  secret: Uint8Array,
): { readonly toResponder: DirectionKey; readonly toInitiator: DirectionKey } {
  const direction = (label: string): DirectionKey => ({
    key: expand(crypto, secret, `${label} key`, KEY_BYTES),
    salt: expand(crypto, secret, `${label} salt`, SALT_BYTES),
  });
  return { toResponder: direction("I>R"), toInitiator: direction("R>I") };
}

/** Returns the first of our tags that is among theirs, in a time that does not depend on which; -1 if none is. */
export function firstMatch(
  crypto: KeyCrypto,
  ours: readonly Uint8Array[],
  theirs: readonly Uint8Array[],
): number {
  let found = -1;
  for (let i = ours.length - 1; i >= 0; i--) {
    for (const tag of theirs) {
      const equal = crypto.equalSecrets(ours[i] ?? new Uint8Array(), tag);
      found = equal ? i : found;
    }
  }
  return found;
}

/** HKDF-Extract. */
export function extract(crypto: KeyCrypto, salt: Uint8Array, input: Uint8Array): Uint8Array {
  return crypto.hmacSha256(salt, input);
}

/** HKDF-Expand for at most 32 bytes, which is one round. */
export function expand(
  crypto: KeyCrypto,
  secret: Uint8Array,
  info: string | Uint8Array,
  length: number,
): Uint8Array {
  const text = typeof info === "string" ? utf8(info) : info;
  const block = crypto.hmacSha256(secret, concat(text, Uint8Array.of(1)));
  return block.slice(0, Math.min(length, HASH_BYTES));
}
