/**
 * One pair: us and another weft peer, with its keys, its path and the hop that its segments take first.
 *
 * ```
 *   keys (main) --+
 *   hop (links) --+--> outgoing: what the sender fills segments with      usable: all three are there
 *   path (probes)-+    reason:   which of them is missing
 * ```
 *
 * In clear there is no key: then hop and path suffice.
 *
 * A core: `pairs.ts` calls it and says what became of it.
 *
 * @module
 */

import type { Millis, PeerName } from "../../base/mod.ts";
import type { PairKeys } from "../contract.ts";
import type { OpeningKey, SealingKey } from "./aead.ts";
import { type IncomingKey, isRekeyDue, isUsedUp, newCounter, type OutgoingKey } from "./keys.ts";
import { PairPath, SAFE_DATAGRAM_BYTES } from "./pair_path.ts";
import { pairMtuBytes } from "./sender.ts";
import { ReplayWindow16k } from "./window.ts";

/** Where a neighbour takes segments. */
export interface ShuttleHop {
  /** Address slot. */
  readonly slot: number;
  /** Largest datagram that the link carries as far as it is known, in bytes of UDP payload. */
  readonly upperBytes: number;
  /** Most segments of a train. */
  readonly trainSegments: number;
  /** The link does not trust the network: nothing goes over it in clear. */
  readonly encrypted: boolean;
}

/** Makes contexts of a library, or of a toy; who makes them frees them. */
export interface PairCiphers {
  /** Returns what seals. */
  sealing(suite: string, key: Uint8Array): SealingKey & Disposable;
  /** Returns what opens. */
  opening(suite: string, key: Uint8Array): OpeningKey & Disposable;
}

/** Keys that main installed, both directions. */
export type InstallKeys = Extract<PairKeys, { act: "install" }>;

/** What leaves for the peer under one key. */
class Outgoing implements OutgoingKey {
  destination = 0;
  origin = 0;
  readonly keyId: number;
  readonly key: SealingKey | undefined;
  readonly salt: number;
  readonly counter: Int32Array = newCounter();
  segmentBytes = SAFE_DATAGRAM_BYTES;
  slot = 0;
  trainSegments = 1;

  constructor(keyId: number, key: SealingKey | undefined, salt: number) {
    this.keyId = keyId;
    this.key = key;
    this.salt = salt;
  }
}

/** What comes from the peer under one key. */
class Incoming implements IncomingKey {
  slot: number;
  peer = -1;
  origin = -1;
  readonly key: OpeningKey | undefined;
  readonly salt: number;
  readonly window: ReplayWindow16k | undefined;

  constructor(slot: number, key: OpeningKey | undefined, salt: number) {
    this.slot = slot;
    this.key = key;
    this.salt = salt;
    this.window = key === undefined ? undefined : new ReplayWindow16k();
  }
}

/** A key of either direction. */
interface Held {
  readonly receiveId: number;
  readonly suite: string;
  readonly incoming: Incoming;
  readonly outgoing: Outgoing;
  readonly contexts: readonly Disposable[];
  rekeyTold: boolean;
  stopped: boolean;
}

/** One pair. */
export class Pair {
  /** The other. */
  readonly peer: PeerName;
  /** Whether its path works. */
  readonly path: PairPath;
  /** Its index, -1 while the mesh does not know it. */
  index: number = -1;
  readonly #clearIncoming = new Incoming(0, undefined, 0);
  readonly #clearOutgoing = new Outgoing(0, undefined, 0);
  readonly #held: Held[] = [];
  #sending: Held | undefined;
  #hop: ShuttleHop | undefined;
  #noHop: string | undefined;
  #clear = false;
  /** The size of its path was found once: before, large frames would be refused that pass a moment later. */
  #measured = false;
  #shortId = -1;
  #origin = -1;

  /** Begins without keys and without a hop. */
  constructor(peer: PeerName, now: Millis) {
    this.peer = peer;
    this.path = new PairPath(now);
  }

  /** What segments are filled with, `undefined` if none can be sent. */
  get outgoing(): OutgoingKey | undefined {
    if (this.#hop === undefined) return undefined;
    return this.#clear ? this.#clearOutgoing : this.#sending?.outgoing;
  }

  /** Frames can take it. */
  get usable(): boolean {
    const { outgoing } = this;
    return outgoing !== undefined && this.path.usable && this.#measured &&
      !isUsedUp(outgoing.counter);
  }

  /** There is a hop, and nothing to seal with. */
  get lacksKey(): boolean {
    return this.#hop !== undefined && !this.#clear && this.#sending === undefined;
  }

  /** Nothing is sealed. */
  get clear(): boolean {
    return this.#clear;
  }

  /** Its short id, -1 if nothing can be addressed by it. */
  get shortId(): number {
    return this.#shortId;
  }

  /** Nobody needs it any more: no peer, no key. */
  get idle(): boolean {
    return this.index < 0 && this.#held.length === 0;
  }

  /** Address slot of its next hop, -1 without one. */
  get slot(): number {
    return this.#hop?.slot ?? -1;
  }

  /** What seals, `undefined` without a key. */
  get cipher(): string | undefined {
    return this.#clear ? "plain" : this.#sending?.suite;
  }

  /** Largest IP packet, in bytes. */
  get mtuBytes(): number | undefined {
    const { outgoing } = this;
    return outgoing === undefined ? undefined : pairMtuBytes(outgoing);
  }

  /** Why it is not usable. */
  get reason(): string | undefined {
    if (this.usable) return undefined;
    if (this.#hop === undefined) return this.#noHop;
    if (this.outgoing === undefined) {
      const newest = this.#held.at(-1);
      if (newest === undefined) return "there is no key yet";
      return newest.stopped
        ? "its key may not be used any more"
        : "nothing has come under its key yet";
    }
    if (isUsedUp(this.outgoing.counter)) return "its key is used up";
    return this.path.usable ? "its path is being measured" : this.path.reason;
  }

  /** Notes who it is now: index, short ids of both. */
  identify(index: number, shortId: number, ownShortId: number): void {
    this.index = index;
    this.#shortId = shortId;
    this.#origin = ownShortId;
    this.refresh();
  }

  /** Notes the first hop of its segments. */
  route(hop: ShuttleHop, clear: boolean, now: Millis): void {
    const before = this.#hop;
    this.#hop = hop;
    if (before === undefined || before.slot !== hop.slot || before.upperBytes !== hop.upperBytes) {
      this.path.routed(hop.upperBytes, now);
    }
    // An answer under a key says nothing of whether the remote takes what is in clear, nor the reverse.
    if (before !== undefined && this.#clear !== clear) {
      this.path.blocked("its path is being probed");
      this.path.routed(hop.upperBytes, now);
    }
    this.#clear = clear;
    this.refresh();
  }

  /** Notes that there is no way for its segments. */
  unroute(reason: string): void {
    this.#hop = undefined;
    this.#noHop = reason;
    this.path.blocked(reason);
  }

  /** Copies what changed into what the hot path reads. */
  refresh(): void {
    if (this.path.usable && this.path.settled) this.#measured = true;
    for (const held of this.#held) this.#fill(held.outgoing, held.incoming);
    this.#fill(this.#clearOutgoing, this.#clearIncoming);
  }

  /** Returns what stands for a key of what comes in clear, under a slot for joining. hot path */
  inClear(slot: number): IncomingKey {
    this.#clearIncoming.slot = slot;
    return this.#clearIncoming;
  }

  #fill(outgoing: Outgoing, incoming: Incoming): void {
    incoming.peer = this.index;
    incoming.origin = this.#shortId;
    outgoing.destination = this.#shortId;
    outgoing.origin = this.#origin;
    outgoing.segmentBytes = this.path.limitBytes;
    outgoing.slot = this.#hop?.slot ?? 0;
    outgoing.trainSegments = this.#hop?.trainSegments ?? 1;
  }

  // --- keys ---

  /** Takes keys of both directions. @returns what opens */
  install(keys: InstallKeys, ciphers: PairCiphers, now: Millis): IncomingKey {
    const opening = ciphers.opening(keys.suite, keys.receiveKey);
    const sealing = ciphers.sealing(keys.suite, keys.sendKey);
    const held: Held = {
      receiveId: keys.receiveId,
      suite: keys.suite,
      incoming: new Incoming(keys.receiveId, opening, saltOf(keys.receiveSalt)),
      outgoing: new Outgoing(keys.sendId, sealing, saltOf(keys.sendSalt)),
      contexts: [opening, sealing],
      rekeyTold: false,
      stopped: false,
    };
    this.#held.push(held);
    this.#fill(held.outgoing, held.incoming);
    if (keys.sendNow) this.#send(held, now);
    return held.incoming;
  }

  /** Seals with the key of that id from now on. */
  use(sendId: number, now: Millis): void {
    const held = this.#held.findLast(({ outgoing }) => outgoing.keyId === sendId);
    if (held !== undefined && !held.stopped) this.#send(held, now);
  }

  /** The first segment under that id was opened: the remote has the key, so it may be used where there is no other. */
  worked(receiveId: number, now: Millis): void {
    const held = this.#held.findLast((each) => each.receiveId === receiveId);
    if (held !== undefined && this.#sending === undefined && !held.stopped) this.#send(held, now);
  }

  /** Seals nothing more with the key of that id. */
  stop(sendId: number): void {
    for (const held of this.#held) if (held.outgoing.keyId === sendId) held.stopped = true;
    if (this.#sending?.stopped === true) this.#sending = undefined;
  }

  /** Forgets the keys of a receive id. @returns whether there were any */
  retire(receiveId: number): boolean {
    const at = this.#held.findIndex((held) => held.receiveId === receiveId);
    const [held] = at < 0 ? [] : this.#held.splice(at, 1);
    if (held === undefined) return false;
    if (this.#sending === held) this.#sending = undefined;
    for (const context of held.contexts) context[Symbol.dispose]();
    return true;
  }

  /** Forgets all keys. @returns their receive ids */
  clearKeys(): number[] {
    const ids = this.#held.map(({ receiveId }) => receiveId);
    for (const id of ids) this.retire(id);
    return ids;
  }

  /** Tells, once per key, that it has sealed so much that the next one is due. */
  takeRekeyDue(): boolean {
    const held = this.#sending;
    if (held === undefined || held.rekeyTold || !isRekeyDue(held.outgoing.counter)) return false;
    held.rekeyTold = true;
    return true;
  }

  #send(held: Held, now: Millis): void {
    const first = this.#sending === undefined;
    this.#sending = held;
    if (first && this.#hop !== undefined) this.path.routed(this.#hop.upperBytes, now);
  }
}

function saltOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0);
}
