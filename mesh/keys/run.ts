/**
 * One run of key agreement, from either side (spec/shuttle.md 3).
 *
 * ```
 *   Asking      M1 --> ... M2 --> keys, M3         I
 *   Answering   M1 --> M2 ... M3 --> keys          R
 * ```
 *
 * Either wipes what it knows as soon as it is not needed any more: the private key when the other's is there, secrets when
 * keys are handed out or the run is given up.
 *
 * @module
 */

import { equalBytes, must, type PeerName } from "../../base/mod.ts";
import {
  type M1,
  type M2,
  type M3,
  MAX_TAGS,
  SID_BYTES,
  SUITE_CHACHA,
  SUITE_GCM,
  SUITE_OCB,
  writeKeyMessage,
} from "./codec.ts";
import { type InstalledKeys, type KeyCrypto, type KeySuite, REASONS } from "./io.ts";
import {
  directionKeys,
  firstMatch,
  pairSecrets,
  tagOfInitiator,
  tagOfResponder,
  transcriptHash,
} from "./schedule.ts";

/** What both sides of a run need. */
export interface RunOptions {
  /** Cryptography. */
  readonly crypto: KeyCrypto;
  /** What each of our passwords adds, in our order; at least one. */
  readonly passwordSecrets: readonly Uint8Array[];
  /** Bits of our suites. */
  readonly suites: number;
  /** Our name. */
  readonly self: PeerName;
  /** Our UID. */
  readonly uid: bigint;
  /** The other's name. */
  readonly peer: PeerName;
  /** The other's UID in the topology. */
  readonly peerUid: bigint;
}

/** Best first: a third and two thirds of the time of the next on a CPU that has them at all. */
const SUITES: readonly (readonly [bit: number, name: KeySuite])[] = [
  [SUITE_OCB, "AES-256-OCB"],
  [SUITE_GCM, "AES-256-GCM"],
  [SUITE_CHACHA, "ChaCha20-Poly1305"],
];

/** Returns the bits of suites. */
export function suiteBits(names: readonly KeySuite[]): number {
  return SUITES.reduce((bits, [bit, name]) => names.includes(name) ? bits | bit : bits, 0);
}

/** Returns the best suite that two sides share, one bit; 0 if there is none. */
export function chooseSuite(ours: number, theirs: number): number {
  return SUITES.find(([bit]) => (ours & theirs & bit) !== 0)?.[0] ?? 0;
}

function suiteName(suite: number): KeySuite {
  return must(SUITES.find(([bit]) => bit === suite), "a suite that was chosen")[1];
}

/** What M2 led to: keys, nothing (it is not for this run), the same as before, or the reason of a failure. */
export type AskingResult =
  | { readonly kind: "keys"; readonly keys: InstalledKeys }
  | { readonly kind: "ignored" | "repeated" }
  | { readonly kind: "failed"; readonly reason: string };

/** A run in which we are I. */
export class Asking {
  /** M1, sent again as it is. */
  readonly m1: Uint8Array;
  /** Key id that we gave out. */
  readonly receiveId: number;
  #options: RunOptions;
  #sid: Uint8Array;
  #publicKey: Uint8Array;
  #privateKey: Uint8Array;
  #answered: { sidR: Uint8Array; m3: Uint8Array } | undefined;

  /** Makes M1. */
  constructor(options: RunOptions, receiveId: number) {
    const { crypto, uid, peerUid, suites } = options;
    const pair = crypto.generateKeyPair();
    this.#options = options;
    this.receiveId = receiveId;
    this.#sid = crypto.randomBytes(SID_BYTES);
    this.#publicKey = pair.publicKey;
    this.#privateKey = pair.privateKey;
    const run = { sidI: this.#sid, uidI: uid, uidR: peerUid, rxI: receiveId, eI: pair.publicKey };
    this.m1 = writeKeyMessage({ kind: "M1", suites, ...run });
  }

  /** M3, once there is one. */
  get m3(): Uint8Array | undefined {
    return this.#answered?.m3;
  }

  /** Takes an answer. */
  take(m2: M2): AskingResult {
    const { crypto, uid, peerUid, suites } = this.#options;
    const ours = equalBytes(m2.sidI, this.#sid) && m2.uidI === uid && m2.uidR === peerUid;
    if (!ours) return { kind: "ignored" };
    if (this.#answered !== undefined) {
      return { kind: equalBytes(m2.sidR, this.#answered.sidR) ? "repeated" : "ignored" };
    }
    // It chooses one of what we offered, and a public key that is not our own come back.
    const { suite, eR } = m2;
    if (suite === 0 || chooseSuite(suite, suites) !== suite || equalBytes(eR, this.#publicKey)) {
      return { kind: "ignored" };
    }
    const dh = crypto.x25519(this.#privateKey, eR);
    this.#privateKey.fill(0);
    return this.#derive(m2, dh);
  }

  /** Forgets the private key. */
  wipe(): void {
    this.#privateKey.fill(0);
  }

  #derive(m2: M2, dh: Uint8Array): AskingResult {
    const { crypto, self, peer, peerUid, passwordSecrets } = this.#options;
    const transcript = { initiator: self, responder: peer, m1: this.m1, m2: writeKeyMessage(m2) };
    const hash = transcriptHash(crypto, transcript);
    const secrets = pairSecrets(crypto, hash, dh, passwordSecrets);
    if (secrets === undefined) return { kind: "failed", reason: REASONS.badKey };
    const tags = secrets.map((secret) => tagOfResponder(crypto, secret));
    const secret = secrets[firstMatch(crypto, tags, m2.tags)];
    if (secret === undefined) {
      wipeAll(secrets);
      return { kind: "failed", reason: REASONS.noPassword };
    }
    const sidR = m2.sidR.slice();
    const tagI = tagOfInitiator(crypto, secret);
    this.#answered = { sidR, m3: writeKeyMessage({ kind: "M3", sidR, tagI }) };
    const { toInitiator, toResponder } = directionKeys(crypto, secret);
    wipeAll(secrets);
    const keys = {
      peer,
      uid: peerUid,
      initiator: true,
      suite: suiteName(m2.suite),
      receiveId: this.receiveId,
      receiveKey: toInitiator.key,
      receiveSalt: toInitiator.salt,
      sendId: m2.rxR,
      sendKey: toResponder.key,
      sendSalt: toResponder.salt,
      sendNow: false,
    };
    return { kind: "keys", keys };
  }
}

/** A run in which we are R. */
export class Answering {
  /** M2, sent again as it is. */
  readonly m2: Uint8Array;
  /** Key id that we gave out. */
  readonly receiveId: number;
  #options: RunOptions;
  #m1: Uint8Array;
  #sendId: number;
  #sid: Uint8Array;
  #suite: number;
  #secrets: Uint8Array[];

  private constructor(
    options: RunOptions,
    run: { m1: Uint8Array; m2: M2; sendId: number; secrets: Uint8Array[] },
  ) {
    const { crypto } = options;
    const tags = run.secrets.map((secret) => tagOfResponder(crypto, secret));
    this.#options = options;
    this.#m1 = run.m1.slice();
    this.#sendId = run.sendId;
    this.#sid = run.m2.sidR;
    this.#suite = run.m2.suite;
    this.#secrets = run.secrets;
    this.receiveId = run.m2.rxR;
    this.m2 = writeKeyMessage({ ...run.m2, tags });
  }

  /**
   * Answers M1.
   *
   * @param bytes M1 as it came
   * @returns `undefined` if its public key is of low order, or ours
   */
  static answer(
    options: RunOptions,
    m1: M1,
    bytes: Uint8Array,
    receiveId: number,
  ): Answering | undefined {
    const { crypto, self, uid, peer, peerUid, passwordSecrets } = options;
    const { publicKey, privateKey } = crypto.generateKeyPair();
    if (equalBytes(publicKey, m1.eI)) return undefined;
    const dh = crypto.x25519(privateKey, m1.eI);
    privateKey.fill(0);
    const m2: M2 = {
      kind: "M2",
      sidI: m1.sidI.slice(),
      sidR: crypto.randomBytes(SID_BYTES),
      uidR: uid,
      uidI: peerUid,
      suite: chooseSuite(options.suites, m1.suites),
      rxR: receiveId,
      eR: publicKey,
      tags: [],
    };
    const transcript = { initiator: peer, responder: self, m1: bytes, m2: writeKeyMessage(m2) };
    const hash = transcriptHash(crypto, transcript);
    const offered = passwordSecrets.slice(0, MAX_TAGS);
    const secrets = pairSecrets(crypto, hash, dh, offered);
    if (secrets === undefined) return undefined;
    return new Answering(options, { m1: bytes, m2, sendId: m1.rxI, secrets });
  }

  /** Whether keys were handed out. */
  get confirmed(): boolean {
    return this.#secrets.length === 0;
  }

  /** Tells whether this answers that M1, to the byte. */
  answers(m1: Uint8Array): boolean {
    return equalBytes(m1, this.#m1);
  }

  /** Takes M3. @returns keys, once, if its tag is good */
  confirm(m3: M3): InstalledKeys | undefined {
    const { crypto, peer, peerUid } = this.#options;
    if (!equalBytes(m3.sidR, this.#sid) || this.confirmed) return undefined;
    const tags = this.#secrets.map((secret) => tagOfInitiator(crypto, secret));
    const secret = this.#secrets[firstMatch(crypto, tags, [m3.tagI])];
    if (secret === undefined) return undefined;
    const { toInitiator, toResponder } = directionKeys(crypto, secret);
    this.wipe();
    return {
      peer,
      uid: peerUid,
      initiator: false,
      suite: suiteName(this.#suite),
      receiveId: this.receiveId,
      receiveKey: toResponder.key,
      receiveSalt: toResponder.salt,
      sendId: this.#sendId,
      sendKey: toInitiator.key,
      sendSalt: toInitiator.salt,
      sendNow: true,
    };
  }

  /** Forgets the secrets. */
  wipe(): void {
    wipeAll(this.#secrets);
    this.#secrets = [];
  }
}

function wipeAll(secrets: readonly Uint8Array[]): void {
  for (const secret of secrets) secret.fill(0);
}
