/**
 * Asking other name servers: several at once when one is slow, for everybody who wants the same.
 *
 * ```
 *   query --cache--> answer
 *     |
 *   flight: one for all that ask the same       0 ms  best server
 *     | attempts                              250 ms  + the next one ...       first good answer wins
 *     |                                       2 s     all attempts are over, however many servers there are
 *   SERVFAIL, REFUSED: the next one at once; the client gets a failure when nobody is left
 * ```
 *
 * That all who ask the same share one flight also breaks loops: a query that comes back to us waits for itself, once.
 * An answer counts if server, port, id and question are those of the attempt; each has a socket and an id of its own.
 *
 * @module
 */

import { type Machine, type Millis, WireError } from "../../base/mod.ts";
import { AnswerCache } from "./cache.ts";
import {
  type Answer,
  FLAG,
  foldQuestion,
  HEADER_BYTES,
  messageId,
  parseAnswer,
  type Query,
  RCODE,
  TYPE,
  writeName,
} from "./message.ts";
import { type Relayable, toRelayable, writeQuery, writeRelayed, writeReply } from "./reply.ts";
import type { DnsTransport } from "./resolver.ts";
import { type ServerState, type UpstreamServer, UpstreamServers } from "./upstream_servers.ts";

/** Longest wait for one server. */
export const MAX_ATTEMPT_MS = 2_000;
/** So long a server is waited for before the next one is asked as well. */
export const STAGGER_MS = 250;
/** A lone server is asked again after so long: a datagram may be lost. */
export const RESEND_MS = 800;
/** Questions in flight. */
export const MAX_FLIGHTS = 256;
/** The same while no server is known to live. Enough to learn that one is back; who asks beyond fails at once. */
export const MAX_FLIGHTS_DOWN = 16;
/** Clients that wait for the answer to one question. */
export const MAX_WAITERS = 64;
/** Attempts that go on when their flight is over, to learn whether the server lives. */
const MAX_STRAGGLERS = 128;
/** Nobody knows names that begin so; the rest is random. Reserved (RFC 2606), and passed on by every name server. */
const PROBE_PREFIX = "weft-loop-probe-";
const PROBE_DOMAIN = "example.org.";
const CLASS_IN = 1;
const FAILURES: ReadonlySet<number> = new Set([RCODE.SERVFAIL, RCODE.REFUSED, RCODE.NOTIMP]);

/** What happens to it. `C` is a client to whom the answer goes. */
export type UpstreamInput<C> =
  /** The servers are these, as `192.0.2.1:53`. */
  | { readonly kind: "servers"; readonly servers: readonly string[] }
  /** A client wants an answer. */
  | {
    readonly kind: "query";
    readonly client: C;
    readonly query: Query;
    readonly transport: DnsTransport;
    readonly limitBytes: number;
  }
  /** Something came for an attempt, from an address. */
  | {
    readonly kind: "received";
    readonly attempt: number;
    readonly from: string;
    readonly bytes: Uint8Array;
  }
  /** An attempt cannot go on. */
  | { readonly kind: "failed"; readonly attempt: number }
  /** Time has passed. */
  | { readonly kind: "tick" };

/** What it wants done. */
export type UpstreamOutput<C> =
  /** Send from a new socket. */
  | {
    readonly kind: "send";
    readonly attempt: number;
    readonly server: string;
    readonly transport: DnsTransport;
    readonly bytes: Uint8Array<ArrayBuffer>;
  }
  /** Close the socket of an attempt. */
  | { readonly kind: "close"; readonly attempt: number }
  /** Give a client its answer. */
  | { readonly kind: "answer"; readonly client: C; readonly bytes: Uint8Array<ArrayBuffer> }
  /** A server was found to ask us in turn. */
  | { readonly kind: "loop"; readonly server: string };

/** What {@link Upstream} needs. */
export interface UpstreamOptions {
  /** Returns 32 random bits that nobody can guess. */
  readonly random32: () => number;
  /** Longest wait for one server; more than 2 s is 2 s. */
  readonly timeoutMs?: number;
}

/** Counters of {@link Upstream}. */
export interface UpstreamCounters {
  /** Queries that were answered from memory. */
  cached: number;
  /** Queries that waited for others' flights. */
  joined: number;
  /** Attempts made. */
  attempts: number;
  /** Queries that got a failure from us. */
  failed: number;
  /** What came and belonged to no attempt. */
  strays: number;
}

interface Waiter<C> {
  readonly client: C;
  readonly query: Query;
  readonly limitBytes: number;
}

interface Flight<C> {
  readonly key: string;
  readonly cacheKey: string;
  readonly transport: DnsTransport;
  readonly query: Query;
  readonly waiters: Waiter<C>[];
  readonly order: UpstreamServer[];
  readonly staggerMs: number;
  /** No attempt goes on for longer: a client waits for one time-out, however many servers are dead. */
  readonly until: Millis;
  /** Its answer may be remembered. */
  memorable: boolean;
  current: UpstreamServer | undefined;
  nextAt: Millis;
  open: number;
  failure: Relayable | undefined;
}

interface Attempt<C> {
  readonly number: number;
  readonly server: UpstreamServer;
  readonly transport: DnsTransport;
  readonly id: number;
  readonly question: string;
  readonly until: Millis;
  flight: Flight<C> | undefined;
  /** Name of the probe that it is. */
  readonly probe: string | undefined;
}

/** The core that asks other name servers. */
export class Upstream<C> implements Machine<UpstreamInput<C>, UpstreamOutput<C>> {
  /** What happened so far. */
  readonly counters: UpstreamCounters = { cached: 0, joined: 0, attempts: 0, failed: 0, strays: 0 };
  #random32: () => number;
  #timeoutMs: number;
  #servers = new UpstreamServers();
  #cache = new AnswerCache();
  #flights = new Map<string, Flight<C>>();
  #attempts = new Map<number, Attempt<C>>();
  #lastAttempt = 0;
  /** Nothing is due before: under a flood of queries all that is in flight would be looked through for each. */
  #due: Millis = Infinity;
  #out: UpstreamOutput<C>[] = [];

  /** Knows no servers yet: every query fails. */
  constructor(options: UpstreamOptions) {
    this.#random32 = options.random32;
    this.#timeoutMs = Math.min(MAX_ATTEMPT_MS, options.timeoutMs ?? MAX_ATTEMPT_MS);
  }

  /** Takes one input; what others send never makes it throw. */
  handle(input: UpstreamInput<C>, now: Millis): void {
    switch (input.kind) {
      case "servers":
        this.#servers.update(input.servers, now);
        this.#forget();
        break;
      case "query":
        this.#query(input, input.transport, now);
        break;
      case "received":
        this.#receive(input.attempt, input.from, input.bytes, now);
        break;
      case "failed": {
        const attempt = this.#attempts.get(input.attempt);
        if (attempt !== undefined) this.#fail(attempt, now);
        break;
      }
      case "tick":
        break;
    }
    this.#expire(now);
    if (input.kind === "query" || input.kind === "servers") this.#probe(now);
  }

  /** Returns the next output. */
  poll(): UpstreamOutput<C> | undefined {
    return this.#out.shift();
  }

  /** Returns when it wants a tick; sometimes one that finds nothing to do. */
  deadline(): Millis | undefined {
    return this.#attempts.size + this.#flights.size === 0 ? undefined : this.#due;
  }

  /** Returns the servers in the order of the file. */
  servers(): { address: string; state: ServerState }[] {
    return this.#servers.all.map(({ address, state }) => ({ address, state }));
  }

  /** Returns how many sockets are in use. */
  get openAttempts(): number {
    return this.#attempts.size;
  }

  // Queries

  #query(waiter: Waiter<C>, transport: DnsTransport, now: Millis): void {
    const { client, query, limitBytes } = waiter;
    if (this.#isOurProbe(query.lowerName)) return this.#refuse(waiter, RCODE.NXDOMAIN);
    const cacheKey = cacheKeyOf(query);
    const cached = this.#cache.get(cacheKey, now);
    if (cached !== undefined) {
      this.counters.cached++;
      const bytes = writeRelayed(query, cached.relayable, cached.ageSeconds, limitBytes);
      this.#out.push({ kind: "answer", client, bytes });
      return;
    }
    const key = `${transport} ${query.edns === undefined ? 0 : 1} ${cacheKey}`;
    const flight = this.#flights.get(key);
    if (flight !== undefined) return this.#join(flight, waiter);
    const servers = this.#servers.order();
    const down = servers.every((each) => each.state === "down");
    if (this.#flights.size >= (down ? MAX_FLIGHTS_DOWN : MAX_FLIGHTS) || servers.length === 0) {
      return this.#refuse(waiter, RCODE.SERVFAIL);
    }
    this.#begin(key, cacheKey, transport, waiter, servers, now);
  }

  #join(flight: Flight<C>, waiter: Waiter<C>): void {
    if (flight.waiters.length >= MAX_WAITERS) return this.#refuse(waiter, RCODE.SERVFAIL);
    this.counters.joined++;
    flight.waiters.push(waiter);
  }

  #begin(
    key: string,
    cacheKey: string,
    transport: DnsTransport,
    waiter: Waiter<C>,
    servers: UpstreamServer[],
    now: Millis,
  ): void {
    const lone = servers.length === 1 && transport === "udp";
    const flight: Flight<C> = {
      key,
      cacheKey,
      transport,
      query: waiter.query,
      waiters: [waiter],
      order: lone ? [...servers, ...servers] : servers,
      // The last of many still has half of the time.
      staggerMs: lone ? RESEND_MS : Math.min(STAGGER_MS, this.#timeoutMs / (2 * servers.length)),
      until: now + this.#timeoutMs,
      memorable: true,
      current: undefined,
      nextAt: Infinity,
      open: 0,
      failure: undefined,
    };
    this.#flights.set(key, flight);
    // Where none is known to live, all are asked at once: one of them may be back.
    const atOnce = servers.every((each) => each.state === "down") && !lone ? servers.length : 1;
    for (let i = 0; i < atOnce; i++) this.#next(flight, now);
  }

  /** Asks the next server of a flight, or ends it if nobody is left. */
  #next(flight: Flight<C>, now: Millis): void {
    // A clock that jumped, as when the machine slept, leaves no time to learn anything of the others.
    const server = now < flight.until ? flight.order.shift() : undefined;
    if (server === undefined) {
      if (flight.open === 0) this.#giveUp(flight);
      return;
    }
    flight.open++;
    flight.current = server;
    flight.nextAt = flight.order.length > 0 ? now + flight.staggerMs : Infinity;
    this.#due = Math.min(this.#due, flight.nextAt);
    this.#attempt(server, flight.transport, flight.query, { flight }, now);
  }

  #attempt(
    server: UpstreamServer,
    transport: DnsTransport,
    query: Pick<Query, "flags" | "question" | "edns">,
    purpose: { flight?: Flight<C>; probe?: string },
    now: Millis,
  ): void {
    const number = ++this.#lastAttempt;
    const id = this.#random32() & 0xffff;
    const until = Math.min(now + this.#timeoutMs, purpose.flight?.until ?? Infinity);
    this.counters.attempts++;
    this.#due = Math.min(this.#due, until);
    this.#attempts.set(number, {
      number,
      server,
      transport,
      id,
      question: foldQuestion(query.question),
      until,
      flight: purpose.flight,
      probe: purpose.probe,
    });
    const bytes = writeQuery(id, query);
    this.#out.push({ kind: "send", attempt: number, server: server.address, transport, bytes });
  }

  #refuse({ client, query, limitBytes }: Waiter<C>, rcode: number): void {
    if (rcode === RCODE.SERVFAIL) this.counters.failed++;
    this.#out.push({ kind: "answer", client, bytes: writeReply(query, { rcode }, limitBytes) });
  }

  // Answers

  #receive(number: number, from: string, bytes: Uint8Array, now: Millis): void {
    const attempt = this.#attempts.get(number);
    if (attempt === undefined) return;
    if (from !== attempt.server.address || messageId(bytes) !== attempt.id) {
      this.counters.strays++;
      return;
    }
    const answer = parseOrUndefined(bytes);
    if (answer === undefined) return this.#fail(attempt, now);
    const failure = isFailure(answer);
    if ((answer.flags & FLAG.QR) === 0 || !repeats(answer, attempt.question)) {
      this.counters.strays++;
      return;
    }
    if (failure && attempt.probe === undefined) this.#servers.refused(attempt.server, now);
    else this.#servers.answered(attempt.server);
    if (attempt.probe !== undefined) this.#servers.doesNotLoop(attempt.server);
    const { flight } = attempt;
    if (flight !== undefined && failure) {
      // Without OPT, which is between that server and us, only 4 bits of the result would be left.
      const tellable = answer.questions === 1 && answer.rcode <= FLAG.RCODE;
      if (tellable) flight.failure = toRelayable(answer);
      return this.#fail(attempt, now);
    }
    this.#end(attempt);
    if (flight !== undefined) this.#settle(flight, toRelayable(answer), now);
  }

  /** The attempt came to nothing; the next server is asked at once. */
  #fail(attempt: Attempt<C>, now: Millis): void {
    const { flight } = attempt;
    this.#end(attempt);
    if (flight === undefined) return;
    flight.open--;
    // Another copy to a server that has just refused would be refused as well.
    while (flight.order[0] === attempt.server) flight.order.shift();
    this.#next(flight, now);
  }

  #settle(flight: Flight<C>, relayable: Relayable, now: Millis): void {
    if (flight.memorable) this.#cache.put(flight.cacheKey, relayable, now);
    this.#answerAll(flight, relayable);
  }

  /** Other servers may see other names, as those of a VPN do. */
  #forget(): void {
    this.#cache.clear();
    for (const flight of this.#flights.values()) flight.memorable = false;
  }

  #giveUp(flight: Flight<C>): void {
    if (flight.failure !== undefined) return this.#answerAll(flight, flight.failure);
    this.#close(flight);
    for (const waiter of flight.waiters) this.#refuse(waiter, RCODE.SERVFAIL);
  }

  #answerAll(flight: Flight<C>, relayable: Relayable): void {
    this.#close(flight);
    for (const { client, query, limitBytes } of flight.waiters) {
      const bytes = writeRelayed(query, relayable, 0, limitBytes);
      this.#out.push({ kind: "answer", client, bytes });
    }
  }

  #close(flight: Flight<C>): void {
    this.#flights.delete(flight.key);
    for (const attempt of this.#attempts.values()) {
      if (attempt.flight !== flight) continue;
      attempt.flight = undefined;
      const crowded = this.#attempts.size > MAX_STRAGGLERS;
      if (attempt.transport === "tcp" || crowded) this.#end(attempt);
    }
  }

  #end(attempt: Attempt<C>): void {
    this.#attempts.delete(attempt.number);
    this.#out.push({ kind: "close", attempt: attempt.number });
  }

  // Time

  #expire(now: Millis): void {
    if (now < this.#due) return;
    for (const attempt of this.#attempts.values()) {
      if (attempt.until > now) continue;
      if (attempt.probe !== undefined) this.#servers.doesNotLoop(attempt.server);
      // A server may well live and not speak TCP.
      if (attempt.transport === "udp") this.#servers.silent(attempt.server, now);
      this.#fail(attempt, now);
    }
    for (const flight of this.#flights.values()) {
      if (flight.nextAt > now) continue;
      if (flight.current !== undefined) this.#servers.late(flight.current, now);
      this.#next(flight, now);
    }
    this.#due = Infinity;
    for (const attempt of this.#attempts.values()) this.#due = Math.min(this.#due, attempt.until);
    for (const flight of this.#flights.values()) this.#due = Math.min(this.#due, flight.nextAt);
  }

  #probe(now: Millis): void {
    for (const server of this.#servers.takeDue(now)) {
      const label = PROBE_PREFIX + this.#random32().toString(16) + this.#random32().toString(16);
      const name = `${label}.${PROBE_DOMAIN}`;
      const question = questionOf(name);
      const query = { flags: FLAG.RD, question, edns: undefined };
      this.#attempt(server, "udp", query, { probe: name }, now);
    }
  }

  /** A query that one of the servers has from us: it asks us in turn. */
  #isOurProbe(lowerName: string): boolean {
    if (!lowerName.startsWith(PROBE_PREFIX)) return false;
    for (const attempt of this.#attempts.values()) {
      if (attempt.probe !== lowerName) continue;
      const { server } = attempt;
      if (server.state !== "looping") this.#out.push({ kind: "loop", server: server.address });
      this.#servers.loops(server);
      // Its answer would say that it does not.
      this.#end(attempt);
      return true;
    }
    return false;
  }
}

function questionOf(name: string): Uint8Array<ArrayBuffer> {
  const bytes = writeName(name) ?? new Uint8Array(1);
  const question = new Uint8Array(bytes.length + 4);
  question.set(bytes);
  question.set([0, TYPE.A, 0, CLASS_IN], bytes.length);
  return question;
}

/** What makes two queries have the same answer. */
function cacheKeyOf({ flags, question, edns }: Query): string {
  const bits = (flags & (FLAG.RD | FLAG.AD | FLAG.CD)) | (edns?.dnssecOk ? 1 : 0);
  return `${bits} ${foldQuestion(question)}`;
}

/** Another server may do better. */
function isFailure({ rcode, questions }: Answer): boolean {
  return FAILURES.has(rcode) || rcode > 15 || questions === 0;
}

/** It is about what was asked. Some servers leave the question out when they complain. */
function repeats(answer: Answer, question: string): boolean {
  if (answer.questions === 0) return answer.rcode !== RCODE.NOERROR && answer.records.length === 0;
  if (answer.questions !== 1) return false;
  return foldQuestion(answer.bytes.subarray(HEADER_BYTES, answer.questionEnd)) === question;
}

function parseOrUndefined(bytes: Uint8Array): Answer | undefined {
  try {
    return parseAnswer(bytes);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
