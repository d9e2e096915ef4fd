/**
 * Comparing our peer table with that of a weft neighbour in few bytes, in place of telling it whole.
 *
 * ```
 *   one side                                 other side
 *   sums of one bucket ------------------->  equal: nothing more
 *              <---------------------------- sums of many buckets           only if its table is large
 *   list of the buckets that differ ------>
 *              <---------------------------- its newer entries as gossip, want
 *   wanted entries as gossip ------------->
 * ```
 *
 * Who sends a list waits for its answer before it sends the next one to anybody, and compares again what others sent in
 * the meantime: a peer that lost everything is then told everything by one neighbour, not by all at once. A list is
 * always answered at once, so that nobody waits for somebody who waits.
 *
 * An answer is given once, and only to what was sent before; the sums that may begin a comparison are heeded once a
 * second, and more of them put off. So nobody makes us send more than a table a second, nor remember more than one payload a neighbour.
 *
 * @module
 */

import type { Millis, PeerName } from "../base/mod.ts";
import {
  bucketOf,
  decodeDigest,
  type Digest,
  type DigestRow,
  encodeDigest,
  MAX_BUCKET_BITS,
  sumRows,
} from "./digest_wire.ts";
import { isNewer, type Topology } from "./topology.ts";

/** Name of the channel; its messages are unicasts to the neighbour, which peers that do not know it swallow. */
export const DIGEST = "weft-topology";

/** A table of so many entries is listed at once: sums of its parts would be no shorter. */
const SMALL_TABLE = 32;
/** Entries in a bucket, about: a bucket's sum costs 8 bytes, an entry in a list 23. */
const BUCKET_ENTRIES = 16;
/** Longest wait for the answer to a list; then others have their turn. */
const ANSWER_MS = 2_000;
/** Between two comparisons that a neighbour begins. */
const HEED_MS = 1_000;
/** From sums that came too early to a comparison of our own: by then most of what differed has been told. */
const LATER_MS = 2_000;

/** What is to be done for a comparison. */
export type DigestOutput =
  /** Send a payload to a neighbour, after all gossip that waits for it. */
  | { readonly kind: "send"; readonly peer: PeerName; readonly payload: Uint8Array }
  /** Tell a neighbour entries, as ordinary gossip. */
  | { readonly kind: "tell"; readonly peer: PeerName; readonly names: ReadonlySet<PeerName> };

/** What comparing needs. */
export interface DigestOptions {
  /** The peer table. */
  readonly topology: Topology;
  /** SHA-256. */
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
}

type Sums = Digest & { readonly kind: "sums" };
type List = Digest & { readonly kind: "list" };

interface Neighbour {
  /** Bits of the sums that we sent last, while an answer may come. */
  asked: number | undefined;
  /** Sums that begin a comparison are not heeded before. */
  heedAt: Millis;
}

/** Comparisons with all neighbours that know the channel. */
export class Digests {
  #options: DigestOptions;
  #neighbours = new Map<PeerName, Neighbour>();
  #waiting = new Map<PeerName, Sums>();
  #later = new Map<PeerName, Millis>();
  #listed: { readonly peer: PeerName; readonly until: Millis } | undefined;
  #out: DigestOutput[] = [];
  #whole = { revision: -1, sum: 0n };

  /** Has no neighbours yet. */
  constructor(options: DigestOptions) {
    this.#options = options;
  }

  /**
   * Takes a neighbour in, and begins a comparison if there is reason to believe that its table is another.
   *
   * Both sides ask themselves that. If they agree, one of them begins: else all that differs would be told twice. If they
   * do not, what is news to one is on its way to it from others, and is left to them for {@link LATER_MS}.
   *
   * @param differs it was not reachable, or it restarted
   */
  add(peer: PeerName, differs: boolean, now: Millis): void {
    const heedAt = differs ? now : now + HEED_MS;
    this.#neighbours.set(peer, { asked: undefined, heedAt });
    if (differs && this.#options.topology.name < peer) this.begin(peer);
  }

  /** Ends all comparisons with a neighbour. */
  remove(peer: PeerName): void {
    this.#neighbours.delete(peer);
    this.#waiting.delete(peer);
    this.#later.delete(peer);
    if (this.#listed?.peer === peer) this.#listed = { peer, until: -Infinity };
  }

  /** Begins a comparison. @returns whether this neighbour can be compared with */
  begin(peer: PeerName): boolean {
    const neighbour = this.#neighbours.get(peer);
    if (neighbour !== undefined) this.#sendSums(peer, neighbour, 0);
    return neighbour !== undefined;
  }

  /** Takes a payload of a neighbour; those of others mean nothing. @throws {WireError} if it does not parse */
  receive(payload: Uint8Array, from: PeerName, now: Millis): void {
    const neighbour = this.#neighbours.get(from);
    if (neighbour === undefined) return;
    const digest = decodeDigest(payload);
    switch (digest.kind) {
      case "sums":
        return this.#takeSums(digest, from, neighbour, now);
      case "list":
        return this.#answerList(digest, from, neighbour);
      case "want":
        return this.#answerWant(digest.names, from, now);
    }
  }

  /** Returns when it wants a tick. */
  deadline(): Millis {
    const waiting = this.#waiting.size > 0 ? this.#listed?.until ?? -Infinity : Infinity;
    return Math.min(waiting, ...this.#later.values());
  }

  /** Gives up an answer that does not come, and begins comparisons that were put off. */
  tick(now: Millis): void {
    for (const [peer, at] of this.#later) {
      if (now < at) continue;
      this.#later.delete(peer);
      this.begin(peer);
    }
    if (this.#listed !== undefined && now >= this.#listed.until) this.#listed = undefined;
    this.#takeWaiting(now);
  }

  /** Returns the next thing to be done. */
  poll(): DigestOutput | undefined {
    return this.#out.shift();
  }

  #takeSums(sums: Sums, from: PeerName, neighbour: Neighbour, now: Millis): void {
    if (sums.bits === 0) {
      if (now < neighbour.heedAt) return this.#putOff(from, now);
      neighbour.heedAt = now + HEED_MS;
    } else {
      const { asked } = neighbour;
      if (asked === undefined || sums.bits < asked) return;
      // Both began at the same time, and both wait for a list now: one of them has to send it.
      if (sums.bits === asked && from < this.#options.topology.name) return;
      neighbour.asked = undefined;
    }
    this.#waiting.delete(from);
    this.#waiting.set(from, sums);
    this.#takeWaiting(now);
  }

  #putOff(peer: PeerName, now: Millis): void {
    if (!this.#later.has(peer)) this.#later.set(peer, now + LATER_MS);
  }

  /** Compares with those who wait, first come first served, until we wait for an answer ourselves. */
  #takeWaiting(now: Millis): void {
    for (const [peer, sums] of this.#waiting) {
      if (this.#listed !== undefined && now < this.#listed.until) return;
      this.#waiting.delete(peer);
      const neighbour = this.#neighbours.get(peer);
      if (neighbour !== undefined) this.#compare(sums, peer, neighbour, now);
    }
  }

  #compare({ bits, sums }: Sums, peer: PeerName, neighbour: Neighbour, now: Millis): void {
    const ours = this.#sums(bits);
    const buckets = sums.flatMap((sum, bucket) => sum === ours[bucket] ? [] : [bucket]);
    if (buckets.length === 0) return;
    const finer = bitsFor(this.#options.topology.size);
    if (finer > bits) return this.#sendSums(peer, neighbour, finer);
    const wanted = new Set(buckets);
    const rows = this.#rows().filter((row) => wanted.has(bucketOf(row.name, bits)));
    this.#listed = { peer, until: now + ANSWER_MS };
    this.#send(peer, { kind: "list", bits, buckets, rows });
  }

  #answerList(list: List, from: PeerName, neighbour: Neighbour): void {
    if (neighbour.asked === undefined) return;
    neighbour.asked = undefined;
    const buckets = new Set(list.buckets);
    const theirs = new Map(list.rows.map((row) => [row.name, row]));
    const newer = new Set<PeerName>();
    for (const ours of this.#rows()) {
      const row = theirs.get(ours.name);
      const inBuckets = row !== undefined || buckets.has(bucketOf(ours.name, list.bits));
      if (inBuckets && (row === undefined || rowIsNewer(ours, row))) newer.add(ours.name);
    }
    const names = list.rows.filter((row) => this.#isNews(row)).map((row) => row.name);
    if (newer.size > 0) this.#out.push({ kind: "tell", peer: from, names: newer });
    this.#send(from, { kind: "want", names });
  }

  #answerWant(names: readonly PeerName[], from: PeerName, now: Millis): void {
    if (this.#listed?.peer !== from) return;
    this.#listed = undefined;
    if (names.length > 0) this.#out.push({ kind: "tell", peer: from, names: new Set(names) });
    this.#takeWaiting(now);
  }

  #isNews(row: DigestRow): boolean {
    const entry = this.#options.topology.get(row.name);
    return entry === undefined || rowIsNewer(row, rowOf(entry));
  }

  #sendSums(peer: PeerName, neighbour: Neighbour, bits: number): void {
    neighbour.asked = bits;
    this.#send(peer, { kind: "sums", bits, sums: this.#sums(bits) });
  }

  #send(peer: PeerName, digest: Digest): void {
    this.#out.push({ kind: "send", peer, payload: encodeDigest(digest) });
  }

  /** The sum of the whole table is needed again and again, mostly of the same table. */
  #sums(bits: number): readonly bigint[] {
    const { topology, sha256 } = this.#options;
    if (bits > 0) return sumRows(this.#rows(), bits, sha256);
    if (this.#whole.revision !== topology.revision) {
      const [sum = 0n] = sumRows(this.#rows(), 0, sha256);
      this.#whole = { revision: topology.revision, sum };
    }
    return [this.#whole.sum];
  }

  #rows(): DigestRow[] {
    return [...this.#options.topology.entries()].map(rowOf).sort((a, b) => a.name - b.name);
  }
}

/** Returns how finely a table is split. */
function bitsFor(size: number): number {
  if (size <= SMALL_TABLE) return 0;
  return Math.min(MAX_BUCKET_BITS, Math.ceil(Math.log2(size / BUCKET_ENTRIES)));
}

function rowOf(
  entry: Pick<DigestRow, "name" | "uid" | "version"> & { readonly shortId: number | undefined },
): DigestRow {
  const { name, uid, version, shortId } = entry;
  return { name, uid, version, hasShortId: shortId !== undefined };
}

function rowIsNewer(a: DigestRow, b: DigestRow): boolean {
  const rank = ({ uid, version, hasShortId }: DigestRow): Parameters<typeof isNewer>[0] => ({
    uid,
    version,
    shortId: hasShortId ? 0 : undefined,
  });
  return isNewer(rank(a), rank(b));
}
