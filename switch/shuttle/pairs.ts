/**
 * All pairs of this router: by peer name for keys, by peer index for frames, by key id and short id for segments.
 *
 * ```
 *   main:     configure (peers, routes), pairKeys        loop:   status(peer), outgoing(peer), floodPeers
 *   links:    the hop towards each neighbour             tick -> probes that are due      poll -> PairState, PairNews
 *   receiver: byId, inClear                              probed  <- probes and answers that came
 * ```
 *
 * With no password all pairs go in clear. With one, only neighbours that both trust the network do, and only over their link:
 * what a segment says of itself chooses nothing.
 *
 * A core: contexts of the cipher and a function that sends probes are passed in.
 *
 * @module
 */

import { formatPeerName, type Millis, type PeerName } from "../../base/mod.ts";
import type { Configure, PairKeys, PairNews, PairState, PeerEntry } from "../contract.ts";
import { PROBE } from "../wire/shuttle_probe.ts";
import type { IncomingKey, IncomingKeys, OutgoingKey } from "./keys.ts";
import { Pair, type PairCiphers, type ShuttleHop } from "./pair.ts";

/** What the hot path asks first: how frames to a peer go. */
export const PAIR = {
  /** By sleeve. */
  NONE: 0,
  /** By shuttle. */
  USABLE: 1,
  /** By sleeve, for want of a key: say `wants`. */
  NEEDS_KEY: 2,
} as const;

/** Between two requests for a key of one pair. */
const WANTED_MS = 1_000;
/** Traffic makes probes due without a deadline: look so often if the thread is awake anyway, as it is for heartbeats, */
const LOOK_MS = 200;
/** and so often if not. */
const LATEST_LOOK_MS = 400;
/** Key ids, which number the groups of pieces too; those of pairs in clear come behind. */
const KEY_IDS = 65_536;
/** Short ids have 12 bits. */
const SHORT_IDS = 4_096;

/** The link towards a neighbour, as pairs see it. */
export interface ShuttleLinks {
  /** Returns where a neighbour takes segments, `undefined` if it does not, or not yet. */
  hop(neighbour: number): ShuttleHop | undefined;
}

/** What {@link Pairs} works with. */
export interface PairsParts {
  /** Whether there is a password. */
  readonly mode: "sealed" | "clear";
  /** Makes contexts of keys. */
  readonly ciphers: PairCiphers;
  /** Where the neighbours are. */
  readonly links: ShuttleLinks;
  /** Sends a path probe or an answer. @returns false if it cannot just now */
  readonly probe: (pair: OutgoingKey, kind: number, sizeBytes: number, token: number) => boolean;
  /** Forgets parts of records of a peer index that another peer may get. */
  readonly forget: (peer: number) => void;
  /** Random 32 bits, signed: who does not see our probes cannot answer them. */
  readonly token: number;
}

/** All pairs. */
export class Pairs implements IncomingKeys {
  /** All reachable peers, if each has a usable pair: then a flood is one copy for each. Else `undefined`. */
  floodPeers: Int32Array | undefined;
  readonly #parts: PairsParts;
  readonly #byName = new Map<PeerName, Pair>();
  #byIndex: (Pair | undefined)[] = [];
  #status = new Uint8Array(0);
  readonly #byId: (IncomingKey | undefined)[] = new Array<undefined>(KEY_IDS).fill(undefined);
  /** 1: nothing was opened under the key yet. */
  readonly #fresh = new Uint8Array(KEY_IDS);
  readonly #byShortId: (Pair | undefined)[] = new Array<undefined>(SHORT_IDS).fill(undefined);
  #wantedAt = new Float64Array(0);
  readonly #told = new Map<PeerName, PairState>();
  readonly #events: (PairState | PairNews)[] = [];
  #peers: readonly (PeerEntry | null)[] = [];
  #self = -1;
  #deadline: Millis = 0;
  /** When a look is worth while. */
  #lookAt: Millis = 0;

  /** Begins without pairs. */
  constructor(parts: PairsParts) {
    this.#parts = parts;
  }

  /** Our short id, -1 if it is of no use. */
  get ownShortId(): number {
    return this.#peers[this.#self]?.shortId ?? -1;
  }

  // --- hot path ---

  /** Tells how frames to a peer go: one of {@link PAIR}. hot path */
  status(peer: number): number {
    return this.#status[peer] ?? PAIR.NONE;
  }

  /** Returns the way to a peer that is usable, and notes that a frame takes it. hot path */
  outgoing(peer: number, now: Millis): OutgoingKey | undefined {
    const pair = this.#byIndex[peer];
    if (pair === undefined) return undefined;
    pair.path.traffic(now);
    return pair.outgoing;
  }

  /** Notes that frames wait for a key. hot path */
  wants(peer: number, now: Millis): void {
    if (now - (this.#wantedAt[peer] ?? now) < WANTED_MS) return;
    this.#wantedAt[peer] = now;
    const pair = this.#byIndex[peer];
    if (pair !== undefined) this.#tell(pair, "wanted", 0);
  }

  /** hot path */
  byId(keyId: number): IncomingKey | undefined {
    return this.#byId[keyId];
  }

  /** hot path */
  inClear(source: number, origin: number): IncomingKey | undefined {
    if (source < 0) return undefined;
    const pair = this.#byShortId[origin];
    if (pair === undefined) return undefined;
    if (this.#parts.mode === "sealed" && !(pair.clear && pair.slot === source)) return undefined;
    return pair.inClear(KEY_IDS + source * SHORT_IDS + origin);
  }

  /** Returns the index of the peer with a short id, -1 for none. hot path */
  indexOf(shortId: number): number {
    return this.#byShortId[shortId]?.index ?? -1;
  }

  /** Notes that a segment was opened under a key. hot path */
  opened(key: IncomingKey, now: Millis): void {
    if (key.slot < KEY_IDS && this.#fresh[key.slot] === 1) this.#worked(key, now);
  }

  // --- main and links ---

  /** Takes all peers and routes. */
  configure({ self, peers }: Pick<Configure, "self" | "peers">, now: Millis): void {
    const before = this.#byIndex;
    this.#peers = peers;
    this.#self = self;
    this.#byIndex = new Array<undefined>(peers.length).fill(undefined);
    this.#byShortId.fill(undefined);
    this.#wantedAt = grown(this.#wantedAt, peers.length);
    const own = this.ownShortId;
    peers.forEach((entry, index) => {
      if (entry === null || index === self) return;
      const pair = this.#pair(entry.name, now);
      this.#byIndex[index] = pair;
      pair.identify(index, entry.shortId, own);
      if (entry.shortId >= 0) this.#byShortId[entry.shortId] = pair;
    });
    before.forEach((pair, index) => {
      if (pair === undefined || this.#byIndex[index] === pair) return;
      this.#parts.forget(index);
      if (this.#byIndex[pair.index] !== pair) this.#leave(pair);
    });
    this.reroute(now);
  }

  /** Looks at the links again. */
  reroute(now: Millis): void {
    this.#byIndex.forEach((pair, index) => {
      if (pair !== undefined) this.#route(pair, index, now);
    });
    this.#deadline = now;
    this.#review();
  }

  /** Takes what main says of keys. */
  keys(message: PairKeys, now: Millis): void {
    const pair = this.#pair(message.peer, now);
    if (message.act === "install") {
      this.#byId[message.receiveId] = pair.install(message, this.#parts.ciphers, now);
      this.#fresh[message.receiveId] = 1;
    } else if (message.act === "retire") {
      if (pair.retire(message.receiveId)) this.#byId[message.receiveId] = undefined;
    } else if (message.act === "use") pair.use(message.sendId, now);
    else pair.stop(message.sendId);
    if (pair.idle) this.#byName.delete(pair.peer);
    this.#deadline = now;
    this.#review();
  }

  /** The kernel refused more than this for an address. */
  refused(slot: number, maxBytes: number, now: Millis): void {
    for (const pair of this.#byIndex) {
      if (pair?.slot === slot && pair.path.refused(maxBytes, now)) pair.refresh();
    }
    this.#deadline = now;
    this.#review();
  }

  /** Takes a probe, which is answered, or an answer. */
  probed(key: IncomingKey, kind: number, sizeBytes: number, token: number, now: Millis): void {
    const pair = this.#byIndex[key.peer];
    const outgoing = pair?.outgoing;
    if (pair === undefined || outgoing === undefined) return;
    if (kind === PROBE.ASK) {
      this.#parts.probe(outgoing, PROBE.ANSWER, sizeBytes, token);
    } else if (token === this.#parts.token && pair.path.answered(sizeBytes, now)) {
      pair.refresh();
      this.#review();
    }
    // An answer may have made the next size due.
    this.#deadline = now;
  }

  /** When {@link tick} has something to do. */
  get deadline(): Millis {
    return this.#deadline;
  }

  /** Sends the probes that are due. @returns when to call again */
  tick(now: Millis): Millis {
    if (now < this.#deadline && now < this.#lookAt) return this.#deadline;
    let next = now + LATEST_LOOK_MS;
    this.#lookAt = now + LOOK_MS;
    let changed = false;
    for (const pair of this.#byIndex) {
      if (pair === undefined) continue;
      const { path, outgoing } = pair;
      if (outgoing === undefined) continue;
      if (path.tick(now)) changed = true;
      pair.refresh();
      // A key that is used up ends a pair without a word.
      if (pair.usable !== (this.status(pair.index) === PAIR.USABLE)) changed = true;
      if (pair.takeRekeyDue()) this.#tell(pair, "exhausted", 0);
      const due = path.dueBytes(now);
      if (due > 0 && this.#parts.probe(outgoing, PROBE.ASK, due, this.#parts.token)) {
        path.sent(due, now);
      }
      next = Math.min(next, Math.max(path.deadline(), now + 1));
    }
    this.#deadline = next;
    if (changed) this.#review();
    return next;
  }

  /** Returns what main should hear; drain it. */
  poll(): PairState | PairNews | undefined {
    return this.#events.length === 0 ? undefined : this.#events.shift();
  }

  /** Returns what was reported of the pair with a peer index. */
  told(peer: number): PairState | undefined {
    const pair = this.#byIndex[peer];
    return pair === undefined ? undefined : this.#told.get(pair.peer);
  }

  /** Frees all keys. */
  closeAll(): void {
    for (const pair of this.#byName.values()) this.#forgetKeys(pair);
    this.#byName.clear();
    this.#byIndex = [];
    this.#review();
  }

  #pair(peer: PeerName, now: Millis): Pair {
    let pair = this.#byName.get(peer);
    if (pair === undefined) {
      pair = new Pair(peer, now);
      this.#byName.set(peer, pair);
    }
    return pair;
  }

  /** A peer is gone; keys stay until main retires them. */
  #leave(pair: Pair): void {
    pair.unroute("the mesh does not know it");
    pair.identify(-1, -1, -1);
    this.#told.delete(pair.peer);
    if (pair.idle) this.#byName.delete(pair.peer);
  }

  #forgetKeys(pair: Pair): void {
    for (const id of pair.clearKeys()) this.#byId[id] = undefined;
  }

  #route(pair: Pair, index: number, now: Millis): void {
    const nextHop = this.#peers[index]?.nextHop ?? -1;
    if (this.ownShortId < 0) return pair.unroute("our short id is claimed twice");
    if (pair.shortId < 0) return pair.unroute("its short id is claimed twice");
    if (nextHop < 0) return pair.unroute("there is no route to it");
    const hop = this.#parts.links.hop(nextHop);
    if (hop !== undefined) {
      const direct = nextHop === index && !hop.encrypted;
      return pair.route(hop, this.#parts.mode === "clear" || direct, now);
    }
    const name = this.#peers[nextHop]?.name ?? 0;
    pair.unroute(
      nextHop === index
        ? "its link does not carry shuttle"
        : `the link to ${formatPeerName(name)} on the way does not carry shuttle`,
    );
  }

  #worked(key: IncomingKey, now: Millis): void {
    this.#fresh[key.slot] = 0;
    const pair = this.#byIndex[key.peer];
    if (pair === undefined) return;
    pair.worked(key.slot, now);
    this.#tell(pair, "worked", key.slot);
    this.#deadline = now;
    this.#review();
  }

  #tell(pair: Pair, news: PairNews["news"], receiveId: number): void {
    this.#events.push({ kind: "pairNews", peer: pair.peer, news, receiveId });
  }

  /** Works out anew what the hot path reads, and reports what changed. */
  #review(): void {
    const status = new Uint8Array(this.#byIndex.length);
    const all: number[] = [];
    let everyone = true;
    this.#byIndex.forEach((pair, index) => {
      if (pair === undefined) return;
      const { usable } = pair;
      if (usable) status[index] = PAIR.USABLE;
      else if (pair.lacksKey) status[index] = PAIR.NEEDS_KEY;
      if ((this.#peers[index]?.nextHop ?? -1) >= 0) {
        all.push(index);
        everyone &&= usable;
      }
      this.#report(pair, usable);
    });
    this.#status = status;
    this.floodPeers = everyone && all.length > 0 ? Int32Array.from(all) : undefined;
  }

  #report(pair: Pair, usable: boolean): void {
    const { peer, reason, cipher } = pair;
    const mtuBytes = usable ? pair.mtuBytes : undefined;
    const before = this.#told.get(peer);
    if (
      before !== undefined && before.shuttle === usable && before.reason === reason &&
      before.mtuBytes === mtuBytes && before.cipher === cipher
    ) return;
    const state: PairState = { kind: "pair", peer, shuttle: usable, reason, mtuBytes, cipher };
    this.#told.set(peer, state);
    this.#events.push(state);
  }
}

function grown(before: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const cells = new Float64Array(length).fill(-Infinity);
  cells.set(before.subarray(0, length));
  return cells;
}
