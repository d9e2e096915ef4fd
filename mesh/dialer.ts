/**
 * The connection maker: whom to dial, and when (spec/mesh.md 17).
 *
 * ```
 *   targets (as typed) --resolve on every dial--> addresses \
 *   addresses that other peers tell of ----------------------> attempts: waiting -> dialling -> connected
 *                                                                 ^---- back-off ----/
 * ```
 *
 * An address needs no dial while a connection to it exists or, which real peers lack, while the peer that answered there
 * last is connected in any way: else a peer that has dialled us would be dialled again and again.
 *
 * A lively link that was lost is sought for 10 minutes with short dials and short pauses.
 *
 * @module
 */

import { type Endpoint, formatEndpoint, type Millis, type PeerName } from "../base/mod.ts";
import { endpointKey, ipKey, type Target } from "./target.ts";
import type { ReachedTarget } from "./types.ts";

/** First wait after a failure. */
const FIRST_INTERVAL_MS = 2_000;
/** Longest wait, before jitter. */
const MAX_INTERVAL_MS = 6 * 60_000;
/** Growth of the wait with each failure. */
const INTERVAL_FACTOR = 1.5;
/** Longest wait, with jitter, while a lost link is young ... */
const QUICK_WAIT_MS = 5_000;
/** ... which it is for so long. */
const QUICK_MS = 10 * 60_000;
/** Longest dial. */
const DIAL_MS = 10_000;
/** Longest dials to a lost peer, in turn: a dead host costs little, and a slow path is not shut out. */
const QUICK_DIAL_MS = [3_000, DIAL_MS] as const;
/** A connection that lived so long past its turn is dialled again at once. */
const LONG_LIFE_MS = 60_000;
/** The same reason is news again after this time, if another came between. */
const NEWS_INTERVAL_MS = 10 * 60_000;
/** Most reasons that are remembered of one address. */
const MAX_REASONS = 16;
/** Most dials at once: a large mesh is met in portions. */
const MAX_DIALS = 64;

/** What the dialler wants done. */
export type DialerAction =
  /** Look a name up; answer with {@link Dialer.resolved}. */
  | { readonly kind: "resolve"; readonly host: string }
  /** Dial; answer with {@link Dialer.connected} or {@link Dialer.ended}. */
  | {
    readonly kind: "dial";
    readonly key: string;
    readonly endpoint: Endpoint;
    readonly password: number;
    /** How long it may take. */
    readonly limitMs: Millis;
  };

/** A connection, as the dialler sees it. */
export interface DialerConnection {
  /** Its peer. */
  readonly peer: PeerName;
  /** The dialled address, or the remote address of the socket. */
  readonly remote: Endpoint;
  /** We dialled. */
  readonly outbound: boolean;
}

/** The state of the world for one decision. */
export interface DialerView {
  /** Connections in the topology. */
  readonly connections: readonly DialerConnection[];
  /** Addresses that other peers tell of, with the peer that should be there. */
  readonly discovered: readonly { readonly peer: PeerName; readonly endpoint: Endpoint }[];
}

/** How a connection that we dialled came to its end. */
export interface DialEnd {
  /** Why. */
  readonly reason: string;
  /** Never dial this address again by ourselves: it is us, or another with our name. */
  readonly never: boolean;
  /** Position of the password for the next time. */
  readonly nextPassword: number | undefined;
}

/** One line of the status page. */
export interface DialerRow {
  /** `address:port`, or the target as typed while it does not resolve. */
  readonly address: string;
  /** A dial is under way. */
  readonly dialling: boolean;
  /** Why the last one failed. */
  readonly reason: string | undefined;
  /** When the next one is, `undefined` for never. */
  readonly retryAt: Millis | undefined;
  /** Since when it is so. */
  readonly since: Millis;
}

interface TargetState {
  readonly target: Target;
  addresses: readonly Endpoint[];
  /** idle: look up when an address is due; fresh: just looked up, dial now. */
  lookup: "idle" | "running" | "fresh";
  /** Of the look-up, while there are no addresses. */
  backoff: Backoff;
}

interface Attempt {
  readonly endpoint: Endpoint;
  state: "waiting" | "dialling" | "connected" | "suspended";
  backoff: Backoff;
  /** Who answered there last. */
  peer: PeerName | undefined;
  /** Who should be there, as others told when it was dialled. */
  expected: PeerName | undefined;
  password: number;
  /** Dials since the peer was lost. */
  quickDials: number;
  since: Millis;
  /** When each reason was news, so that two that take turns are no stream of news. */
  readonly told: Map<string, Millis>;
}

interface Backoff {
  /** Infinity for never. */
  tryAfter: Millis;
  interval: Millis;
  reason: string | undefined;
  since: Millis;
}

/** What the dialler needs. */
export interface DialerOptions {
  /** Port of targets without one, and of peers that dialled somebody else. */
  readonly port: number;
  /** Returns 0 <= x < 1. */
  readonly random: () => number;
}

/** The connection maker's memory. It decides in {@link Dialer.check}; call it after every change and at the deadline. */
export class Dialer {
  #options: DialerOptions;
  #targets = new Map<string, TargetState>();
  #attempts = new Map<string, Attempt>();
  #valid = new Set<string>();
  #direct = new Set<string>();
  /** Until when lost peers are sought quickly. */
  #quick = new Map<PeerName, Millis>();

  /** Wants nothing yet. */
  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** Targets as typed. */
  get targets(): string[] {
    return [...this.#targets.keys()];
  }

  /**
   * Returns each target with the peer that was last found behind it, ourselves too.
   *
   * @param connections those in the topology: a target without port is reached when its address has dialled us
   */
  reached(connections: readonly DialerConnection[]): ReachedTarget[] {
    return [...this.#targets.values()].map(({ target, addresses }) => {
      const dialled = addresses.map((address) => this.#attempts.get(endpointKey(address))?.peer);
      const inbound = connections.filter(({ outbound, remote }) =>
        addresses.some((address) =>
          endpointKey(address) === endpointKey(remote) ||
          (!outbound && target.port === undefined && ipKey(address.ip) === ipKey(remote.ip))
        )
      );
      const peer = [...inbound.map((connection) => connection.peer), ...dialled]
        .find((name) => name !== undefined);
      return { text: target.text, peer };
    });
  }

  /** Adds targets, or makes those that exist due now. */
  connect(targets: readonly Target[], replace: boolean, now: Millis): void {
    if (replace) this.#targets.clear();
    for (const target of targets) {
      const state = this.#targets.get(target.text) ?? {
        target,
        addresses: target.ip === undefined ? [] : [this.#endpoint(target, target.ip)],
        lookup: "idle" as const,
        backoff: dueAt(now),
      };
      this.#targets.set(target.text, state);
      state.backoff = dueAt(now);
      for (const address of state.addresses) {
        const attempt = this.#attempts.get(endpointKey(address));
        if (attempt === undefined) continue;
        attempt.backoff = { ...dueAt(now), reason: attempt.backoff.reason };
      }
    }
  }

  /** Removes targets; live connections stay. */
  forget(texts: readonly string[]): void {
    for (const text of texts) this.#targets.delete(text);
  }

  /** Takes the answer of a look-up: addresses, or why there are none. */
  resolved(host: string, answer: readonly Uint8Array[] | string, now: Millis): void {
    for (const state of this.#targets.values()) {
      if (state.target.host !== host || state.lookup !== "running") continue;
      state.lookup = "fresh";
      if (typeof answer !== "string" && answer.length > 0) {
        state.addresses = answer.map((ip) => this.#endpoint(state.target, ip));
        state.backoff = dueAt(now);
        continue;
      }
      // Old addresses are dialled on: a name server that is down is no reason to stop.
      const reason = typeof answer === "string" ? answer : "the name has no address";
      state.backoff = this.#later(state.backoff, reason, now);
    }
  }

  /** Decides what to do now. */
  check(view: DialerView, now: Millis): DialerAction[] {
    this.#want(view, now);
    const actions: DialerAction[] = [];
    let dials = this.#dialCount();
    for (const [key, attempt] of this.#attempts) {
      if (attempt.state !== "waiting" || attempt.backoff.tryAfter > now) continue;
      if (dials >= MAX_DIALS || !this.#mayDial(key)) continue;
      dials++;
      attempt.state = "dialling";
      attempt.since = now;
      const { endpoint, password } = attempt;
      actions.push({ kind: "dial", key, endpoint, password, limitMs: this.#limit(attempt, now) });
    }
    if (dials < MAX_DIALS) actions.push(...this.#lookUps(now));
    return actions;
  }

  /** Notes that a dial led to a connection with a peer, whether it may stay or not. */
  connected(key: string, peer: PeerName): void {
    const attempt = this.#attempts.get(key);
    if (attempt !== undefined) attempt.peer = peer;
  }

  /** Notes that a connection entered the topology. */
  established(key: string, now: Millis): void {
    const attempt = this.#attempts.get(key);
    if (attempt === undefined) return;
    attempt.state = "connected";
    attempt.since = now;
  }

  /** Notes that a lively link to a peer is lost; say it before {@link Dialer.ended}. */
  lost(peer: PeerName, now: Millis): void {
    for (const [name, until] of this.#quick) if (until <= now) this.#quick.delete(name);
    this.#quick.set(peer, now + QUICK_MS);
    for (const attempt of this.#attempts.values()) {
      if (attempt.peer !== peer) continue;
      attempt.quickDials = 0;
      const { backoff } = attempt;
      backoff.interval = Math.min(backoff.interval, QUICK_WAIT_MS);
      if (backoff.tryAfter === Infinity) continue;
      backoff.tryAfter = Math.min(backoff.tryAfter, now + QUICK_WAIT_MS);
    }
  }

  /** Notes that a dial failed or its connection ended. @returns whether the reason is news */
  ended(key: string, end: DialEnd, now: Millis): boolean {
    const attempt = this.#attempts.get(key);
    if (attempt === undefined) return true;
    const before = attempt.backoff;
    const longLife = attempt.state === "connected" && now > before.tryAfter + LONG_LIFE_MS;
    attempt.state = "waiting";
    attempt.since = now;
    attempt.password = end.nextPassword ?? attempt.password;
    if (end.never) {
      attempt.backoff = { ...before, tryAfter: Infinity, reason: end.reason, since: now };
    } else if (longLife) attempt.backoff = { ...dueAt(now), reason: end.reason };
    else attempt.backoff = this.#later(before, end.reason, now, this.#isQuick(attempt, now));
    if (before.reason === end.reason) return false;
    const quietUntil = (attempt.told.get(end.reason) ?? -Infinity) + NEWS_INTERVAL_MS;
    if (attempt.told.size > MAX_REASONS) attempt.told.clear();
    attempt.told.set(end.reason, now);
    return now >= quietUntil;
  }

  /** Notes that a connection works, so that its next failure is news. */
  forgetReason(key: string): void {
    const attempt = this.#attempts.get(key);
    if (attempt === undefined) return;
    attempt.backoff.reason = undefined;
    attempt.told.clear();
  }

  /** Returns when the next attempt is due. */
  deadline(): Millis | undefined {
    // With all dials taken the end of one is what we wait for.
    if (this.#dialCount() >= MAX_DIALS) return undefined;
    const due = [...this.#attempts].filter(([, attempt]) => attempt.state === "waiting")
      .filter(([key]) => !this.#lookUpRunning(key)).map(([, attempt]) => attempt.backoff.tryAfter);
    for (const state of this.#targets.values()) {
      if (state.addresses.length === 0 && state.lookup !== "running") {
        due.push(state.backoff.tryAfter);
      }
    }
    const first = Math.min(...due);
    return Number.isFinite(first) ? first : undefined;
  }

  /** Returns what waits or is being dialled. */
  rows(): DialerRow[] {
    const rows: DialerRow[] = [];
    for (const { target, addresses, backoff } of this.#targets.values()) {
      if (addresses.length > 0) continue;
      const { reason, tryAfter, since } = backoff;
      rows.push({
        address: target.text,
        dialling: reason === undefined,
        reason,
        retryAt: tryAfter,
        since,
      });
    }
    for (const [key, attempt] of this.#attempts) {
      if (attempt.state === "connected" || attempt.state === "suspended") continue;
      if (attempt.state === "waiting" && !this.#valid.has(key)) continue;
      // Others tell of our own address, of course.
      if (attempt.backoff.tryAfter === Infinity && !this.#direct.has(key)) continue;
      const { reason, tryAfter } = attempt.backoff;
      rows.push({
        address: formatEndpoint(attempt.endpoint),
        dialling: attempt.state === "dialling" || reason === undefined,
        reason,
        retryAt: Number.isFinite(tryAfter) ? tryAfter : undefined,
        since: attempt.since,
      });
    }
    return rows;
  }

  /**
   * Whether a peer that answered at this address may be unknown to us: the address is one of the targets, or the peer was
   * known and said to be there when it was dialled. On a slow path it may be swept before it answers (docs/adr/0007).
   */
  mayBeUnknown(key: string, peer: PeerName): boolean {
    return this.#direct.has(key) || this.#attempts.get(key)?.expected === peer;
  }

  /** Brings attempts in line with what is wanted. */
  #want(view: DialerView, now: Millis): void {
    const names = new Set(view.connections.map((connection) => connection.peer));
    const connected = new Set(view.connections.map((connection) => endpointKey(connection.remote)));
    const inbound = new Set(
      view.connections.filter((connection) => !connection.outbound)
        .map((connection) => ipKey(connection.remote.ip)),
    );
    const satisfied = (key: string): boolean => {
      const peer = this.#attempts.get(key)?.peer;
      return connected.has(key) || (peer !== undefined && names.has(peer));
    };
    this.#valid.clear();
    this.#direct.clear();
    const want = (key: string, endpoint: Endpoint): void => {
      if (satisfied(key)) return;
      this.#valid.add(key);
      if (!this.#attempts.has(key)) this.#attempts.set(key, newAttempt(endpoint, now));
    };
    for (const { target, addresses } of this.#targets.values()) {
      for (const address of addresses) {
        const key = endpointKey(address);
        this.#direct.add(key);
        if (target.port !== undefined || !inbound.has(ipKey(address.ip))) want(key, address);
      }
    }
    for (const { peer, endpoint } of view.discovered) {
      if (names.has(peer)) continue;
      const key = endpointKey(endpoint);
      want(key, endpoint);
      const attempt = this.#attempts.get(key);
      if (attempt?.state === "waiting") attempt.expected = peer;
    }
    for (const [key, attempt] of this.#attempts) {
      if (attempt.state === "dialling" || attempt.state === "connected") continue;
      if (this.#valid.has(key)) this.#revive(attempt, now);
      else if (this.#direct.has(key)) attempt.state = "suspended";
      else this.#attempts.delete(key);
    }
  }

  #revive(attempt: Attempt, now: Millis): void {
    if (attempt.state !== "suspended") return;
    attempt.state = "waiting";
    attempt.since = now;
  }

  /** Addresses of names are dialled right after a look-up only, so that no dial goes to an old address. */
  #mayDial(key: string): boolean {
    const owners = this.#owners(key);
    return owners.length === 0 ||
      owners.some((state) => state.target.ip !== undefined || state.lookup === "fresh");
  }

  #lookUps(now: Millis): DialerAction[] {
    const hosts = new Set<string>();
    for (const state of this.#targets.values()) {
      if (state.lookup === "fresh") state.lookup = "idle";
      if (state.target.ip !== undefined || state.lookup === "running") continue;
      const due = state.addresses.length === 0
        ? state.backoff.tryAfter <= now
        : state.addresses.some((address) => this.#due(endpointKey(address), now));
      if (!due) continue;
      state.lookup = "running";
      hosts.add(state.target.host);
    }
    return [...hosts].map((host) => ({ kind: "resolve", host }));
  }

  #due(key: string, now: Millis): boolean {
    const attempt = this.#attempts.get(key);
    return attempt?.state === "waiting" && attempt.backoff.tryAfter <= now;
  }

  #lookUpRunning(key: string): boolean {
    const owners = this.#owners(key);
    return owners.length > 0 && owners.every((state) => state.lookup === "running");
  }

  #owners(key: string): TargetState[] {
    if (!this.#direct.has(key)) return [];
    return [...this.#targets.values()].filter((state) =>
      state.addresses.some((address) => endpointKey(address) === key)
    );
  }

  #dialCount(): number {
    let count = 0;
    for (const attempt of this.#attempts.values()) if (attempt.state === "dialling") count++;
    return count;
  }

  #endpoint(target: Target, ip: Uint8Array): Endpoint {
    return { ip, port: target.port ?? this.#options.port };
  }

  #isQuick({ peer }: Attempt, now: Millis): boolean {
    return peer !== undefined && now < (this.#quick.get(peer) ?? -Infinity);
  }

  #limit(attempt: Attempt, now: Millis): Millis {
    if (!this.#isQuick(attempt, now)) return DIAL_MS;
    return QUICK_DIAL_MS[attempt.quickDials++ % QUICK_DIAL_MS.length] ?? DIAL_MS;
  }

  #later(before: Backoff, reason: string, now: Millis, quick = false): Backoff {
    const { interval } = before;
    const wait = interval / 2 + this.#options.random() * interval;
    const longest = quick ? QUICK_WAIT_MS : MAX_INTERVAL_MS;
    return {
      tryAfter: now + (quick ? Math.min(wait, longest) : wait),
      interval: Math.min(interval * INTERVAL_FACTOR, longest),
      reason,
      since: now,
    };
  }
}

function dueAt(now: Millis): Backoff {
  return { tryAfter: now, interval: FIRST_INTERVAL_MS, reason: undefined, since: now };
}

function newAttempt(endpoint: Endpoint, now: Millis): Attempt {
  return {
    endpoint,
    state: "waiting",
    backoff: dueAt(now),
    peer: undefined,
    expected: undefined,
    password: 0,
    quickDials: 0,
    since: now,
    told: new Map(),
  };
}
