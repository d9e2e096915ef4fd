/**
 * Key agreement with all peers: who is asked when, who is answered, which keys live (spec/shuttle.md 3).
 *
 * ```
 *   peers, wanted, exhausted, an hour --> due --M1, again after 1 s x 1.5 up to 60 s--> keys --worked--> ready
 *   M1 from a peer of the topology -----> answered: M2, for 10 s ---------------M3----> keys ----------> ready
 *
 *   both ask at once: the run of the lower name goes on. A run is over after 10 s; the next has fresh keys.
 * ```
 *
 * The higher name waits a little before it asks, since the lower is about to: so most pairs agree in three messages.
 * Whatever comes from others, keys that exist are touched only when a tag has shown that the other knows a password.
 *
 * @module
 */

import { type Machine, type Millis, type PeerName, WireError } from "../../base/mod.ts";
import {
  type KeyMessage,
  type M1,
  type M2,
  type M3,
  MAX_MESSAGE_BYTES,
  parseKeyMessage,
  SUITE_AES,
  SUITE_CHACHA,
} from "./codec.ts";
import type { InstalledKeys, KeysInput, KeysOptions, KeysOutput } from "./io.ts";
import { KeyIds } from "./key_ids.ts";
import type { RingAction } from "./key_ring.ts";
import { Pair } from "./pair.ts";
import { Rate } from "./rate.ts";
import { Answering, Asking, chooseSuite, type RunOptions } from "./run.ts";
import { passwordSecret } from "./schedule.ts";

/** A run is given up after this time. */
const RUN_MS = 10_000;
/** Most runs that we answer at a time, and most that we ask in. */
const MAX_RUNS = 256;
/** Peers with whom keys are agreed before there is traffic. */
const MAX_EAGER = 256;
/** Most pairs: there are no more short ids. */
const MAX_PAIRS = 4_096;
/** How long keys of a peer outlive its place in the topology: a partition may heal. */
const GONE_MS = 120_000;
/** M1s at once, and between two after that: 200 peers that start together meet within seconds, not in one burst. */
const ASK_BURST = 16;
const ASK_INTERVAL_MS = 50;
/** Answers at once, and between two: each costs two multiplications and a key id, which rests for ten minutes. */
const ANSWER_BURST = 256;
const ANSWER_INTERVAL_MS = 50;

interface Answer {
  readonly run: Answering;
  readonly until: Millis;
}

/** The core of key agreement. */
export class KeyAgreement implements Machine<KeysInput, KeysOutput> {
  #options: KeysOptions;
  #passwordSecrets: readonly Uint8Array[];
  #suites: number;
  #ids: KeyIds;
  #uid = 0n;
  #peers = new Map<PeerName, bigint>();
  #pairs = new Map<PeerName, Pair>();
  #answers = new Map<PeerName, Answer>();
  #asking = 0;
  #asks = new Rate(ASK_BURST, ASK_INTERVAL_MS);
  #answerRate = new Rate(ANSWER_BURST, ANSWER_INTERVAL_MS);
  #out: KeysOutput[] = [];
  #deadline: Millis = Infinity;

  /** Knows no peers yet. Without a password it agrees on nothing, ever. */
  constructor(options: KeysOptions) {
    const { crypto, passwords, aes } = options;
    this.#options = options;
    this.#passwordSecrets = passwords.map((password) => passwordSecret(crypto, password));
    this.#suites = aes ? SUITE_AES | SUITE_CHACHA : SUITE_CHACHA;
    this.#ids = new KeyIds(crypto.randomBytes);
  }

  /** Takes one input; what others send never makes it throw. */
  handle(input: KeysInput, now: Millis): void {
    if (this.#passwordSecrets.length === 0) return;
    this.#dispatch(input, now);
    this.#expire(now);
    this.#askDue(now);
    for (const pair of this.#pairs.values()) this.#tell(pair);
    this.#deadline = this.#firstDeadline();
  }

  /** Returns the next output. */
  poll(): KeysOutput | undefined {
    return this.#out.shift();
  }

  /** Returns when it wants a tick. */
  deadline(): Millis | undefined {
    return this.#deadline === Infinity ? undefined : this.#deadline;
  }

  #dispatch(input: KeysInput, now: Millis): void {
    switch (input.kind) {
      case "peers":
        return this.#setPeers(input.peers, now);
      case "received":
        return this.#receive(input.from, input.payload, now);
      case "wanted":
        return this.#pair(input.peer, now)?.want(now);
      case "worked":
        return this.#worked(input.peer, input.receiveId, now);
      case "exhausted":
        if (!this.#answers.has(input.peer)) this.#pairs.get(input.peer)?.exhaust(now);
        return;
      case "tick":
        return;
    }
  }

  // Peers

  #setPeers(list: readonly { name: PeerName; uid: bigint }[], now: Millis): void {
    const { self } = this.#options;
    this.#uid = list.find(({ name }) => name === self)?.uid ?? this.#uid;
    const others = list.filter(({ name, uid }) => name !== self && uid !== 0n);
    this.#peers = new Map(others.map(({ name, uid }) => [name, uid]));
    for (const pair of this.#pairs.values()) {
      const uid = this.#peers.get(pair.name);
      if (uid === pair.uid) pair.goneAt = Infinity;
      else this.#endRuns(pair, now);
      if (uid === undefined) pair.goneAt = Math.min(pair.goneAt, now + GONE_MS);
      else if (uid !== pair.uid) pair.restart(uid, now);
    }
    for (const name of this.#peers.keys()) {
      if (this.#pairs.size >= MAX_EAGER) break;
      this.#pair(name, now);
    }
  }

  /** Returns the pair with a peer of the topology; makes it if need be. */
  #pair(name: PeerName, now: Millis): Pair | undefined {
    const uid = this.#peers.get(name);
    if (uid === undefined) return undefined;
    const known = this.#pairs.get(name);
    if (known !== undefined || this.#pairs.size >= MAX_PAIRS) return known;
    const pair = new Pair(name, uid, this.#options.self < name, now);
    this.#pairs.set(name, pair);
    return pair;
  }

  // Messages

  #receive(from: PeerName, payload: Uint8Array, now: Millis): void {
    if (from === this.#options.self || payload.length > MAX_MESSAGE_BYTES) return;
    const message = parseOrDrop(payload);
    switch (message?.kind) {
      case "M1":
        return this.#onM1(from, message, payload, now);
      case "M2":
        return this.#onM2(from, message, now);
      case "M3":
        return this.#onM3(from, message, now);
    }
  }

  #onM1(from: PeerName, m1: M1, bytes: Uint8Array, now: Millis): void {
    const pair = this.#pair(from, now);
    const meant = m1.uidR === this.#uid && this.#uid !== 0n && m1.uidI === pair?.uid;
    if (pair === undefined || !meant) return;
    const known = this.#answers.get(from);
    if (known?.run.answers(bytes)) {
      this.#out.push({ kind: "send", to: from, payload: known.run.m2 });
      return;
    }
    // Both asked: the lower name's run goes on.
    if (pair.run !== undefined && this.#options.self < from) return;
    if (chooseSuite(this.#suites, m1.suites) === 0) return pair.fail("no common cipher");
    this.#answer(pair, m1, bytes, now);
  }

  #answer(pair: Pair, m1: M1, bytes: Uint8Array, now: Millis): void {
    const replaces = this.#answers.has(pair.name);
    if (!replaces && this.#answers.size >= MAX_RUNS || !this.#answerRate.take(now)) return;
    const receiveId = this.#ids.take(now);
    if (receiveId === undefined) return;
    const run = Answering.answer(this.#runOptions(pair), m1, bytes, receiveId);
    if (run === undefined) return this.#ids.release(receiveId, now);
    this.#endRuns(pair, now);
    this.#answers.set(pair.name, { run, until: now + RUN_MS });
    pair.waitFor(now + RUN_MS);
    this.#out.push({ kind: "send", to: pair.name, payload: run.m2 });
  }

  #onM2(from: PeerName, m2: M2, now: Millis): void {
    const pair = this.#pairs.get(from);
    const result = pair?.run?.take(m2);
    if (pair === undefined || result === undefined || result.kind === "ignored") return;
    if (result.kind === "failed") {
      this.#endAsking(pair, now);
      return pair.fail(result.reason);
    }
    if (result.kind === "keys") this.#install(pair, result.keys, now);
    const m3 = pair.run?.m3;
    if (m3 !== undefined) this.#out.push({ kind: "send", to: from, payload: m3 });
  }

  #onM3(from: PeerName, m3: M3, now: Millis): void {
    const pair = this.#pairs.get(from);
    const keys = this.#answers.get(from)?.run.confirm(m3);
    if (pair === undefined || keys === undefined) return;
    this.#install(pair, keys, now);
    pair.succeed(now);
  }

  // Keys

  #install(pair: Pair, keys: InstalledKeys, now: Millis): void {
    this.#out.push({ kind: "install", keys });
    this.#perform(pair, pair.ring.add(keys, now), now);
  }

  #worked(peer: PeerName, receiveId: number, now: Millis): void {
    const pair = this.#pairs.get(peer);
    if (pair === undefined) return;
    this.#perform(pair, pair.ring.worked(receiveId, now), now);
    if (pair.run?.receiveId !== receiveId || pair.run.m3 === undefined) return;
    this.#endAsking(pair, now);
    pair.succeed(now);
  }

  #perform(pair: Pair, actions: readonly RingAction[], now: Millis): void {
    for (const action of actions) {
      this.#out.push({ ...action, peer: pair.name });
      if (action.kind === "retire") this.#ids.release(action.receiveId, now);
      if (action.kind === "stop") pair.fail("the key is three hours old");
    }
  }

  // Time

  #expire(now: Millis): void {
    for (const [name, { run, until }] of this.#answers) {
      if (now < until) continue;
      const { confirmed } = run;
      this.#endAnswer(name, now);
      if (!confirmed) this.#pairs.get(name)?.fail("it did not confirm the key");
    }
    for (const pair of this.#pairs.values()) {
      if (pair.run !== undefined && now >= pair.runUntil) {
        const answered = pair.run.m3 !== undefined;
        this.#endAsking(pair, now);
        pair.fail(answered ? "no data came under the new key" : "no answer");
      }
      this.#perform(pair, pair.ring.expire(now), now);
      if (now >= pair.goneAt) this.#forget(pair, now);
    }
  }

  #askDue(now: Millis): void {
    const due = [...this.#pairs.values()].filter((pair) => this.#askAt(pair) <= now);
    due.sort((a, b) => Number(b.urgent) - Number(a.urgent) || a.dueAt - b.dueAt);
    for (const pair of due) {
      if (!this.#asks.take(now)) return;
      this.#ask(pair, now);
    }
  }

  /** When a pair wants to ask; never while the other's M1 is being answered. */
  #askAt(pair: Pair): Millis {
    const answering = this.#answers.get(pair.name)?.run.confirmed === false;
    const full = pair.run === undefined && this.#asking >= MAX_RUNS;
    return pair.goneAt !== Infinity || this.#uid === 0n || answering || full
      ? Infinity
      : pair.dueAt;
  }

  #ask(pair: Pair, now: Millis): void {
    pair.asked(now);
    if (pair.run === undefined) {
      const receiveId = this.#ids.take(now);
      if (receiveId === undefined) return;
      // What answered before is over; a repeated M1 of the other starts it again.
      this.#endAnswer(pair.name, now);
      pair.begin(new Asking(this.#runOptions(pair), receiveId), now + RUN_MS);
      this.#asking++;
    }
    const payload = pair.run?.m1;
    if (payload !== undefined) this.#out.push({ kind: "send", to: pair.name, payload });
  }

  #runOptions(pair: Pair): RunOptions {
    return {
      crypto: this.#options.crypto,
      passwordSecrets: this.#passwordSecrets,
      suites: this.#suites,
      self: this.#options.self,
      uid: this.#uid,
      peer: pair.name,
      peerUid: pair.uid,
    };
  }

  // Ends

  #endRuns(pair: Pair, now: Millis): void {
    this.#endAsking(pair, now);
    this.#endAnswer(pair.name, now);
  }

  #endAsking(pair: Pair, now: Millis): void {
    const { run } = pair;
    if (run === undefined) return;
    run.wipe();
    pair.end();
    this.#asking--;
    // With M3 the id belongs to an installed key.
    if (run.m3 === undefined) this.#ids.release(run.receiveId, now);
  }

  #endAnswer(name: PeerName, now: Millis): void {
    const run = this.#answers.get(name)?.run;
    if (run === undefined) return;
    this.#answers.delete(name);
    if (!run.confirmed) this.#ids.release(run.receiveId, now);
    run.wipe();
  }

  #forget(pair: Pair, now: Millis): void {
    this.#endRuns(pair, now);
    this.#perform(pair, pair.ring.clear(), now);
    this.#pairs.delete(pair.name);
    if (pair.told === "none ") return;
    this.#out.push({ kind: "state", peer: pair.name, state: "none", reason: undefined });
  }

  #tell(pair: Pair): void {
    const state = pair.state(this.#answers.has(pair.name));
    const text = `${state} ${pair.reason ?? ""}`;
    if (text === pair.told) return;
    pair.told = text;
    this.#out.push({ kind: "state", peer: pair.name, state, reason: pair.reason });
  }

  #firstDeadline(): Millis {
    let [first, ask] = [Infinity, Infinity];
    for (const { until } of this.#answers.values()) first = Math.min(first, until);
    for (const pair of this.#pairs.values()) {
      first = Math.min(first, pair.ring.deadline(), pair.runUntil, pair.goneAt);
      ask = Math.min(ask, this.#askAt(pair));
    }
    return Math.min(first, Math.max(ask, this.#asks.freeAt()));
  }
}

function parseOrDrop(payload: Uint8Array): KeyMessage | undefined {
  try {
    return parseKeyMessage(payload);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
