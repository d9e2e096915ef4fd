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
import { Answers } from "./answers.ts";
import { Asks } from "./asks.ts";
import {
  type KeyMessage,
  type M1,
  type M2,
  type M3,
  MAX_MESSAGE_BYTES,
  parseKeyMessage,
} from "./codec.ts";
import {
  type InstalledKeys,
  type KeysInput,
  type KeysOptions,
  type KeysOutput,
  type PairState,
  REASONS,
} from "./io.ts";
import { KeyIds } from "./key_ids.ts";
import type { RingAction } from "./key_ring.ts";
import { type Pair, REKEY_MS } from "./pair.ts";
import { Pairs } from "./pairs.ts";
import { chooseSuite, type RunOptions, suiteBits } from "./run.ts";
import { passwordSecret } from "./schedule.ts";

/** The core of key agreement. */
export class KeyAgreement implements Machine<KeysInput, KeysOutput> {
  #options: KeysOptions;
  #passwordSecrets: readonly Uint8Array[];
  #suites: number;
  #rekeyMs: Millis;
  #ids: KeyIds;
  #pairs: Pairs;
  #answers: Answers;
  #asks: Asks;
  #out: KeysOutput[] = [];
  #deadline: Millis = Infinity;

  /** Knows no peers yet. Without a password it agrees on nothing, ever. */
  constructor(options: KeysOptions) {
    const { crypto, passwords, suites } = options;
    this.#options = options;
    this.#passwordSecrets = passwords.map((password) => passwordSecret(crypto, password));
    this.#suites = suiteBits(suites);
    this.#rekeyMs = options.rekeyMs ?? REKEY_MS;
    this.#pairs = new Pairs(options.self);
    this.#ids = new KeyIds(crypto.randomBytes);
    this.#answers = new Answers(this.#ids);
    this.#asks = new Asks(this.#ids);
  }

  /** Takes one input; what others send never makes it throw. */
  handle(input: KeysInput, now: Millis): void {
    if (this.#passwordSecrets.length === 0) return;
    this.#dispatch(input, now);
    if (input.kind === "peers" || input.kind === "tick" || now >= this.#deadline) {
      return this.#sweep(now);
    }
    // With thousands of pairs a message looks at its own only; what became due is for the next tick.
    const pair = this.#pairs.get(input.kind === "received" ? input.from : input.peer);
    if (pair === undefined) return;
    this.#tell(pair);
    this.#deadline = Math.min(this.#deadline, this.#firstDeadline([pair]));
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
        for (const pair of this.#pairs.update(input.peers, now)) this.#endRuns(pair, now);
        return;
      case "received":
        return this.#receive(input.from, input.payload, now);
      case "wanted":
        return this.#pairs.with(input.peer, now)?.want(now);
      case "worked":
        return this.#worked(input.peer, input.receiveId, now);
      case "exhausted":
        return this.#pairs.get(input.peer)?.exhaust(now);
      case "tick":
        return;
    }
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
    const pair = this.#pairs.with(from, now);
    const { uid } = this.#pairs;
    const meant = uid !== 0n && m1.uidR === uid && m1.uidI === pair?.uid;
    if (pair === undefined || !meant) return;
    const again = this.#answers.repeat(from, bytes);
    if (again !== undefined) return this.#send(pair, again);
    // Both asked: the lower name's run goes on.
    if (pair.run !== undefined && this.#options.self < from) return;
    if (chooseSuite(this.#suites, m1.suites) === 0) return pair.fail(REASONS.noCipher);
    const answer = this.#answers.begin(this.#runOptions(pair), m1, bytes, now);
    if (answer === undefined) return;
    this.#asks.end(pair, now);
    pair.waitFor(answer.until);
    this.#send(pair, answer.m2);
  }

  #onM2(from: PeerName, m2: M2, now: Millis): void {
    const pair = this.#pairs.get(from);
    const result = pair?.run?.take(m2);
    if (pair === undefined || result === undefined || result.kind === "ignored") return;
    if (result.kind === "failed") {
      this.#asks.end(pair, now);
      return pair.fail(result.reason);
    }
    if (result.kind === "keys") this.#install(pair, result.keys, now);
    const m3 = pair.run?.m3;
    if (m3 !== undefined) this.#send(pair, m3);
  }

  #onM3(from: PeerName, m3: M3, now: Millis): void {
    const pair = this.#pairs.get(from);
    const keys = this.#answers.confirm(from, m3);
    if (pair === undefined || keys === undefined) return;
    this.#install(pair, keys, now);
    pair.succeed(now, this.#rekeyMs);
  }

  // Keys

  #install(pair: Pair, keys: InstalledKeys, now: Millis): void {
    this.#out.push({ kind: "install", keys });
    this.#perform(pair, pair.ring.add(keys, now), now);
  }

  #worked(peer: PeerName, receiveId: number, now: Millis): void {
    const pair = this.#pairs.get(peer);
    const actions = pair?.ring.worked(receiveId, now) ?? [];
    if (pair === undefined || actions.length === 0) return;
    this.#perform(pair, actions, now);
    // It may be the key of an earlier run that nobody hoped for any more; a later one goes on.
    if (pair.run !== undefined && pair.run.receiveId !== receiveId) return;
    this.#asks.end(pair, now);
    pair.succeed(now, this.#rekeyMs);
  }

  #perform(pair: Pair, actions: readonly RingAction[], now: Millis): void {
    for (const action of actions) {
      this.#out.push({ ...action, peer: pair.name });
      if (action.kind === "retire") this.#ids.release(action.receiveId, now);
      if (action.kind === "stop") pair.fail(pair.reason ?? REASONS.tooOld);
    }
  }

  // Time

  #sweep(now: Millis): void {
    this.#expire(now);
    this.#askDue(now);
    for (const pair of this.#pairs.values()) this.#tell(pair);
    this.#deadline = this.#firstDeadline(this.#pairs.values());
  }

  #expire(now: Millis): void {
    for (const name of this.#answers.expire(now)) {
      const pair = this.#pairs.get(name);
      // Of two reasons the one that helps more is kept.
      if (pair === undefined || pair.ring.sends || pair.reason === REASONS.noPassword) continue;
      pair.fail(REASONS.notConfirmed);
    }
    for (const pair of this.#pairs.values()) {
      const failure = this.#asks.expire(pair, now);
      if (failure !== undefined) pair.fail(failure);
      if (now >= pair.ring.deadline()) this.#perform(pair, pair.ring.expire(now), now);
      if (now >= pair.goneAt) this.#forget(pair, now);
    }
  }

  #askDue(now: Millis): void {
    if (now < this.#asks.freeAt()) return;
    const due: Pair[] = [];
    for (const pair of this.#pairs.values()) if (this.#askAt(pair) <= now) due.push(pair);
    due.sort((a, b) => Number(b.urgent) - Number(a.urgent) || a.dueAt - b.dueAt);
    for (const pair of due) {
      if (!this.#asks.take(now)) return;
      this.#ask(pair, now);
    }
  }

  /** When a pair wants to ask; never while the other's M1 is being answered. */
  #askAt(pair: Pair): Millis {
    const waits = pair.goneAt !== Infinity || this.#answers.awaits(pair.name) ||
      !this.#asks.hasRoom(pair);
    return waits || this.#pairs.uid === 0n ? Infinity : pair.dueAt;
  }

  #ask(pair: Pair, now: Millis): void {
    pair.asked(now);
    if (pair.run === undefined) {
      // What was answered before is over; a repeated M1 of the other would begin anew.
      this.#answers.end(pair.name, now);
      this.#asks.begin(pair, this.#runOptions(pair), now);
    }
    if (pair.run !== undefined) this.#send(pair, pair.run.m1);
  }

  #runOptions(pair: Pair): RunOptions {
    return {
      crypto: this.#options.crypto,
      passwordSecrets: this.#passwordSecrets,
      suites: this.#suites,
      self: this.#options.self,
      uid: this.#pairs.uid,
      peer: pair.name,
      peerUid: pair.uid,
    };
  }

  // Ends

  #endRuns(pair: Pair, now: Millis): void {
    this.#asks.end(pair, now);
    this.#answers.end(pair.name, now);
  }

  #forget(pair: Pair, now: Millis): void {
    this.#endRuns(pair, now);
    this.#perform(pair, pair.ring.clear(), now);
    this.#pairs.delete(pair);
    if (pair.told.state !== "none") this.#say(pair, "none", undefined);
  }

  #tell(pair: Pair): void {
    const state = pair.state(this.#answers.awaits(pair.name));
    const { told, reason } = pair;
    if (state !== told.state || reason !== told.reason) this.#say(pair, state, reason);
  }

  #say(pair: Pair, state: PairState, reason: string | undefined): void {
    pair.told = { state, reason };
    this.#out.push({ kind: "state", peer: pair.name, state, reason });
  }

  #send(pair: Pair, payload: Uint8Array): void {
    this.#out.push({ kind: "send", to: pair.name, payload });
  }

  #firstDeadline(pairs: Iterable<Pair>): Millis {
    let [first, ask] = [this.#answers.deadline(), Infinity];
    for (const pair of pairs) {
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
