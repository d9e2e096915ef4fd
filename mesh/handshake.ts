/**
 * The introduction of two peers on a new TCP connection (spec/mesh.md 4, 5.1 to 5.4), from our side.
 *
 * ```
 *   both at once    "weave" | min 2 | max 2                  7 bytes
 *                   00   or   01 | X25519 public key[32]     no password, or one
 *   then            features                                 message 0 of each direction, sealed if there is a password
 * ```
 *
 * Nobody waits for the other, with one exception: who was dialled and has several passwords reads the dialler's features
 * first, takes the password that opens them and answers with that. Both sides see a refusal for themselves (flags that
 * differ, features that do not open), so that each can say why; hence what we have to say goes out before we give up.
 *
 * @module
 */

import { concat, utf8, WireError } from "../base/mod.ts";
import { decodeFeatures, type Features, parseFeatures } from "./features.ts";
import { SecretStream, sessionKey } from "./secret_stream.ts";
import type { MeshCrypto } from "./types.ts";
import { ByteQueue, withLength } from "./wire.ts";

/** Lowest and highest version of the protocol that we speak. */
export const VERSIONS: readonly [number, number] = [2, 2];
/** Features are below 1 KiB; before authentication nobody makes us hold more than this. */
export const MAX_FIRST_MESSAGE_BYTES = 64 * 1024;

const MAGIC = utf8("weave");
const KEY_BYTES = 32;

/** What an introduction needs. */
export interface HandshakeOptions {
  /** Cryptography. */
  readonly crypto: MeshCrypto;
  /** We dialled. */
  readonly outbound: boolean;
  /** All passwords; none: no encryption. */
  readonly passwords: readonly Uint8Array[];
  /** Position of the password to dial with. */
  readonly password: number;
  /** Our features, encoded. */
  readonly features: Uint8Array;
}

/** What an introduction leads to. */
export type HandshakeOutput =
  /** Bytes for the remote. */
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** It failed; both sides know. `nextPassword` is the position to dial with next. */
  | { readonly kind: "refused"; readonly reason: string; readonly nextPassword?: number }
  /** It succeeded. */
  | { readonly kind: "done"; readonly introduction: Introduction };

/** What both sides know after the introduction. */
export interface Introduction {
  /** What the remote said. */
  readonly features: Features;
  /** Key of the connection, `undefined` without a password. */
  readonly sessionKey: Uint8Array | undefined;
  /** Position of the password that is in use. */
  readonly password: number;
  /** Seals our next messages. */
  readonly sealer: SecretStream;
  /** Opens their next messages. */
  readonly opener: SecretStream;
}

/** Returns the version that two headers agree on, `undefined` if there is none. */
export function negotiateVersion(
  ours: readonly [number, number],
  theirs: readonly [number, number],
): number | undefined {
  const version = Math.min(ours[1], theirs[1]);
  return version >= Math.max(ours[0], theirs[0]) ? version : undefined;
}

/** Returns the 7 bytes that begin each direction. */
export function protocolHeader(versions: readonly [number, number]): Uint8Array {
  return concat(MAGIC, Uint8Array.of(...versions));
}

/** Our side of one introduction. Bytes go in, outputs come out; it never throws for what the remote sends. */
export class Handshake {
  #options: HandshakeOptions;
  #phase: "header" | "flag" | "features" | "over" = "header";
  #keyPair: { publicKey: Uint8Array; privateKey: Uint8Array } | undefined;
  #shared: Uint8Array | undefined;
  #sealer: SecretStream | undefined;
  #out: HandshakeOutput[] = [];

  /** Prepares it; nothing is sent before {@link Handshake.start}. */
  constructor(options: HandshakeOptions) {
    this.#options = options;
  }

  /** Returns what to send at once. */
  start(): Uint8Array {
    const header = protocolHeader(VERSIONS);
    if (this.#options.passwords.length === 0) return concat(header, Uint8Array.of(0));
    this.#keyPair = this.#options.crypto.generateKeyPair();
    return concat(header, Uint8Array.of(1), this.#keyPair.publicKey);
  }

  /** Says how far it came, for the reason of a connection that ends meanwhile. */
  describePhase(): string {
    const encrypted = this.#keyPair !== undefined;
    if (this.#phase === "header") return "before it said what it is";
    // Real peers that want no more of us reset the connection, and their last words may be lost.
    if (this.#phase === "flag" && encrypted) return "perhaps we have a password and it has none";
    if (this.#phase === "flag") return "perhaps it has a password and we have none";
    return encrypted ? "perhaps no common password" : "before its features came";
  }

  /** Takes what is in `queue` as far as it belongs to the introduction. */
  receive(queue: ByteQueue): HandshakeOutput[] {
    try {
      while (this.#step(queue));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#refuse(error.message);
    }
    return this.#out.splice(0);
  }

  #step(queue: ByteQueue): boolean {
    switch (this.#phase) {
      case "header":
        return this.#header(queue);
      case "flag":
        return this.#flag(queue);
      case "features":
        return this.#features(queue);
      case "over":
        return false;
    }
  }

  #header(queue: ByteQueue): boolean {
    if (!queue.peek(MAGIC.length).every((byte, i) => byte === MAGIC[i])) {
      return this.#refuse("it does not speak the mesh protocol");
    }
    const header = queue.take(MAGIC.length + 2);
    if (header === undefined) return false;
    const theirs = [header[5] ?? 0, header[6] ?? 0] as const;
    if (negotiateVersion(VERSIONS, theirs) === undefined) {
      return this.#refuse(
        `it speaks versions ${theirs[0]} to ${theirs[1]}, we need ${VERSIONS[1]}`,
      );
    }
    this.#phase = "flag";
    return true;
  }

  #flag(queue: ByteQueue): boolean {
    const flag = queue.peek(1)[0];
    if (flag === undefined) return false;
    if (flag > 1) return this.#refuse(`its encryption flag is ${flag}, neither 0 nor 1`);
    const encrypted = this.#keyPair !== undefined;
    if (encrypted && flag === 0) return this.#refuse("we have a password and it has none");
    if (!encrypted && flag === 1) return this.#refuse("it has a password and we have none");
    const rest = queue.take(encrypted ? 1 + KEY_BYTES : 1);
    if (rest === undefined) return false;
    if (this.#keyPair !== undefined) {
      this.#shared = this.#agree(rest.slice(1), this.#keyPair.privateKey);
    }
    this.#phase = "features";
    if (this.#answersFirst()) return true;
    return this.#sendFeatures(this.#options.password);
  }

  #agree(theirPublic: Uint8Array, ourPrivate: Uint8Array): Uint8Array {
    try {
      return this.#options.crypto.sharedKey(theirPublic, ourPrivate);
    } catch {
      // Libraries refuse points of small order; what they throw says no more than that.
      throw new WireError("public key", 0, "one of large order");
    }
  }

  /** Whether the dialler has to speak first, because its features show which password it has. */
  #answersFirst(): boolean {
    return !this.#options.outbound && this.#options.passwords.length > 1;
  }

  #features(queue: ByteQueue): boolean {
    const record = queue.takePayload(MAX_FIRST_MESSAGE_BYTES);
    if (record === undefined) return false;
    const { passwords, password } = this.#options;
    const others = passwords.map((_, i) => i).filter((i) => i !== password);
    const used = [password, ...others].find((i) => this.#opens(record, i));
    if (this.#answersFirst()) this.#sendFeatures(used ?? password);
    if (used === undefined) {
      const next = others.find((i) => i > password) ?? others[0];
      return this.#refuse("no common password", next);
    }
    if (used !== password && !this.#answersFirst()) {
      return this.#refuse("it has another of our passwords, which is next", used);
    }
    const key = this.#key(used);
    const opener = new SecretStream(this.#options.crypto, key, !this.#options.outbound);
    const plain = opener.open(record);
    if (plain === undefined || this.#sealer === undefined) {
      return this.#refuse("no common password");
    }
    this.#out.push({
      kind: "done",
      introduction: {
        features: parseFeatures(decodeFeatures(plain)),
        sessionKey: key,
        password: used,
        sealer: this.#sealer,
        opener,
      },
    });
    this.#phase = "over";
    return false;
  }

  #opens(record: Uint8Array, password: number): boolean {
    const key = this.#key(password);
    return new SecretStream(this.#options.crypto, key, !this.#options.outbound).open(record) !==
      undefined;
  }

  #sendFeatures(password: number): boolean {
    const { crypto, outbound, features } = this.#options;
    this.#sealer = new SecretStream(crypto, this.#key(password), outbound);
    this.#out.push({ kind: "send", bytes: withLength(this.#sealer.seal(features)) });
    return true;
  }

  #key(password: number): Uint8Array | undefined {
    const secret = this.#options.passwords[password];
    if (secret === undefined || this.#shared === undefined) return undefined;
    return sessionKey(this.#options.crypto, this.#shared, secret);
  }

  #refuse(reason: string, nextPassword?: number): false {
    this.#phase = "over";
    this.#out.push(
      nextPassword === undefined
        ? { kind: "refused", reason }
        : { kind: "refused", reason, nextPassword },
    );
    return false;
  }
}
