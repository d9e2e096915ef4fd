/**
 * Sealing of the messages on one TCP connection (spec/mesh.md 5.2, 5.3).
 *
 * ```
 *   session key = SHA-256( HSalsa20(X25519(ours, theirs), 0) | password )
 *   record      = secretbox(message, nonce, session key)           16-byte tag first
 *   nonce       = C0 (sender dialled) or 40 | 15 zero bytes | n u64     n counts the sender's messages from 0
 * ```
 *
 * The count is implicit: a lost, repeated or reordered record does not open, and the connection ends.
 *
 * @module
 */

import { concat } from "../base/mod.ts";
import type { MeshCrypto } from "./types.ts";

/** Returns the key of a connection, 32 bytes, from what X25519 gave both ends and their password. */
export function sessionKey(
  crypto: MeshCrypto,
  shared: Uint8Array,
  password: Uint8Array,
): Uint8Array {
  return crypto.sha256(concat(shared, password));
}

/** Returns the nonce (24 bytes) of a sender's message number `count`. */
export function tcpNonce(senderDialled: boolean, count: bigint): Uint8Array {
  const nonce = new Uint8Array(24);
  nonce[0] = senderDialled ? 0xc0 : 0x40;
  new DataView(nonce.buffer).setBigUint64(16, count);
  return nonce;
}

/** One direction of a connection; without a key bytes pass as they are. */
export class SecretStream {
  #count = 0n;

  /**
   * Starts with message 0.
   *
   * @param crypto what seals
   * @param key the session key, `undefined` without a password
   * @param senderDialled whether the sender of this direction dialled
   */
  constructor(
    readonly crypto: MeshCrypto,
    readonly key: Uint8Array | undefined,
    readonly senderDialled: boolean,
  ) {}

  /** Seals the next message. */
  seal(message: Uint8Array): Uint8Array {
    const nonce = tcpNonce(this.senderDialled, this.#count++);
    return this.key === undefined ? message : this.crypto.seal(message, nonce, this.key);
  }

  /** Opens the next record, `undefined` if it is not authentic; the count moves only if it is. */
  open(record: Uint8Array): Uint8Array | undefined {
    const nonce = tcpNonce(this.senderDialled, this.#count);
    const message = this.key === undefined ? record : this.#open(record, nonce, this.key);
    if (message !== undefined) this.#count++;
    return message;
  }

  #open(record: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined {
    return record.length < 16 ? undefined : this.crypto.open(record, nonce, key);
  }
}
