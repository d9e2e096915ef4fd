/**
 * A network that loses, delays and forgets: TCP connections between hosts, on a virtual clock.
 *
 * ```
 *   dial   SYN ---> (again after 1, 3, 7 s)      no answer | refused | no route | dialled, accepted
 *   send   in order, in pieces, each after the latency of its direction; a loss holds up all that follows
 *   cut    what is under way waits, since TCP repeats it; a close meanwhile is heard by nobody
 *   close  a reset follows the data; who sends to an end that is gone is reset
 * ```
 *
 * Connections overtake each other freely. Nothing tells an end that the other has lost power.
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";
import type { Dice } from "./dice.ts";
import type { EventQueue } from "./event_queue.ts";

/** Whether datagrams pass from one host to another. */
export type Path = "open" | "silent" | "unreachable";

/** What an end of a connection tells its process. */
export type SocketNews =
  | { readonly kind: "accepted" }
  | { readonly kind: "dialled" }
  | { readonly kind: "received"; readonly bytes: Uint8Array }
  | { readonly kind: "sent"; readonly bytes: number }
  | { readonly kind: "ended"; readonly reason: string | undefined };

/** A process with sockets. */
export interface Process {
  /** Number of its host. */
  readonly host: number;
  /** It has ended. */
  readonly dead: boolean;
  /** It is stopped for a while: its sockets fill up. */
  readonly paused: boolean;
  /** Takes news of one of its sockets. */
  hear(end: End, news: SocketNews): void;
}

type Segment =
  & { at: Millis }
  & (
    | { readonly kind: "accept" | "fin" | "reset" }
    | { readonly kind: "data"; readonly bytes: Uint8Array }
  );

/** One end of a connection, and what is under way from it to the other. */
export class End {
  /** The other end. */
  other!: End;
  /** Number that its process gave it. */
  id = 0;
  /** Whether its process may still use it. */
  state: "dialling" | "open" | "closed" = "dialling";
  /** What is under way. */
  readonly queue: Segment[] = [];
  /** A delivery is planned. */
  planned = false;
  /** When the last segment arrives. */
  lastAt: Millis = 0;

  /** Belongs to a process on a host; the accepting side's is known later. */
  constructor(public process: Process | undefined, readonly host: number) {}
}

/** What the network needs to know. */
export interface NetworkOptions {
  /** What happens when. */
  readonly queue: EventQueue;
  /** Returns the time. */
  readonly now: () => Millis;
  /** Returns the latency of a direction. */
  readonly latency: (from: number, to: number) => Millis;
  /** Probability that a segment has to be repeated. */
  readonly loss: number;
  /** Probability that bytes arrive in two pieces. */
  readonly pieces: number;
  /** Its chance. */
  readonly dice: Dice;
}

/** When a SYN is repeated, after the first. */
const SYN_AT: readonly Millis[] = [0, 1_000, 3_000, 7_000];
/** A segment is repeated until the wait for the last comes to this: then it has come through, before it is taken for silence. */
const MAX_TIMEOUT_MS = 3_000;
const RESET = "connection reset by peer";

/** All hosts and connections. */
export class Network {
  #options: NetworkOptions;
  #paths = new Map<string, Path>();
  #listeners = new Map<number, Process>();
  #off = new Set<number>();
  #ends = new Set<End>();

  /** All paths are open, no host listens. */
  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** Ends that are not closed, of one process. */
  endsOf(process: Process): End[] {
    return [...this.#ends].filter((end) => end.process === process && end.state !== "closed");
  }

  /** Returns whether datagrams pass. */
  path(from: number, to: number): Path {
    return this.#paths.get(`${from} ${to}`) ?? "open";
  }

  /** Opens or closes one direction. */
  setPath(from: number, to: number, path: Path): void {
    if (this.path(from, to) === path) return;
    this.#paths.set(`${from} ${to}`, path);
    this.#retry((end) => end.host === from && end.other.host === to);
  }

  /** Switches a host on or off; off, it is as if it were not there. */
  setPower(host: number, on: boolean): void {
    if (on) this.#off.delete(host);
    else this.#off.add(host);
    this.wake(host);
  }

  /** Lets a process take new connections, or none if it is gone. */
  listen(host: number, process: Process | undefined): void {
    if (process === undefined) this.#listeners.delete(host);
    else this.#listeners.set(host, process);
  }

  /** Delivers what waited for a host that was off or a process that was paused. */
  wake(host: number): void {
    this.#retry((end) => end.other.host === host);
  }

  /** Opens a connection; the process hears how it goes. */
  dial(process: Process, id: number, host: number): End {
    const mine = new End(process, process.host);
    const theirs = new End(undefined, host);
    [mine.other, theirs.other, mine.id] = [theirs, mine, id];
    this.#ends.add(mine).add(theirs);
    this.#dialAgain(mine, 0);
    return mine;
  }

  /** Sends bytes. */
  send(end: End, bytes: Uint8Array): void {
    const { dice, pieces } = this.#options;
    if (end.state !== "open") return;
    const cut = bytes.length > 1 && dice.chance(pieces) ? dice.between(1, bytes.length - 1) : 0;
    if (cut > 0) this.#push(end, { at: 0, kind: "data", bytes: bytes.slice(0, cut) });
    this.#push(end, { at: 0, kind: "data", bytes: bytes.slice(cut) });
  }

  /** Ends one direction in good order. */
  finish(end: End): void {
    if (end.state === "open") this.#push(end, { at: 0, kind: "fin" });
  }

  /** Closes an end; the other hears it if the network is well. */
  close(end: End): void {
    if (end.state === "open") this.#push(end, { at: 0, kind: "reset" });
    this.#shut(end);
  }

  /** Ends what a process had: with resets, or without a word if the power is gone. */
  abandon(process: Process, resets: boolean): void {
    for (const end of this.endsOf(process)) {
      if (resets) this.close(end);
      else this.#shut(end);
    }
  }

  /** Breaks all connections between two hosts, as a firewall with a new state table does. */
  reset(a: number, b: number): void {
    for (const end of [...this.#ends]) {
      if (end.state !== "open") continue;
      if ((end.host === a && end.other.host === b) || (end.host === b && end.other.host === a)) {
        end.queue.length = 0;
        this.#resetEnd(end);
      }
    }
  }

  #dialAgain(mine: End, attempt: number): void {
    const wait = SYN_AT[attempt];
    if (wait === undefined) return;
    const { host: a, other: { host: b } } = mine;
    const again = (): void => this.#dialAgain(mine, attempt + 1);
    this.#after(wait - (SYN_AT[attempt - 1] ?? 0) + this.#latency(a, b), () => {
      if (mine.state !== "dialling") return;
      const path = this.path(a, b);
      if (path === "silent" || this.#off.has(b)) return again();
      const process = path === "open" ? this.#listeners.get(b) : undefined;
      this.#after(this.#latency(b, a), () => {
        if (mine.state !== "dialling") return;
        if (this.path(b, a) === "silent") return again();
        if (process !== undefined) return this.#connect(mine, process);
        this.#shut(mine);
        const reason = path === "open" ? "connection refused" : "no route to host";
        mine.process?.hear(mine, { kind: "ended", reason });
      });
    });
  }

  #connect(mine: End, process: Process): void {
    mine.other.process = process;
    mine.state = "open";
    mine.other.state = process.dead ? "closed" : "open";
    this.#push(mine, { at: 0, kind: "accept" });
    mine.process?.hear(mine, { kind: "dialled" });
  }

  #push(from: End, segment: Segment): void {
    const { now, dice, loss } = this.#options;
    let at = now() + this.#latency(from.host, from.other.host);
    for (let timeout = 300; timeout < MAX_TIMEOUT_MS && dice.chance(loss); timeout *= 2) {
      at += timeout;
    }
    segment.at = from.lastAt = Math.max(from.lastAt, at);
    from.queue.push(segment);
    this.#plan(from, segment.at);
  }

  #plan(from: End, at: Millis): void {
    if (from.planned) return;
    from.planned = true;
    this.#options.queue.add(at, () => {
      from.planned = false;
      this.#deliver(from);
    });
  }

  #deliver(from: End): void {
    const to = from.other;
    if (this.path(from.host, to.host) !== "open" || this.#off.has(to.host)) {
      // A closed end repeats nothing, not even that it is closed.
      if (from.state === "closed") from.queue.length = 0;
      return;
    }
    if (to.process?.paused === true) return;
    if (to.state === "closed") {
      from.queue.length = 0;
      if (from.state === "open") this.#answerReset(from);
      return;
    }
    const due = from.queue.findIndex((segment) => segment.at > this.#options.now());
    const segments = from.queue.splice(0, due === -1 ? from.queue.length : due);
    const first = from.queue[0];
    if (first !== undefined) this.#plan(from, first.at);
    this.#hand(from, to, segments);
  }

  #hand(from: End, to: End, segments: readonly Segment[]): void {
    let bytes: Uint8Array[] = [];
    const flush = (): void => {
      if (bytes.length === 0) return;
      const whole = bytes.length === 1 ? bytes[0] as Uint8Array : concatenate(bytes);
      bytes = [];
      to.process?.hear(to, { kind: "received", bytes: whole });
      if (from.state !== "open") return;
      from.process?.hear(from, { kind: "sent", bytes: whole.length });
    };
    for (const segment of segments) {
      if (segment.kind === "data") {
        bytes.push(segment.bytes);
        continue;
      }
      flush();
      if (to.state !== "open") return;
      if (segment.kind === "accept") to.process?.hear(to, { kind: "accepted" });
      else if (segment.kind === "reset") this.#resetEnd(to);
      else to.process?.hear(to, { kind: "ended", reason: undefined });
    }
    if (to.state === "open") flush();
  }

  /** Who sends to an end that is gone is told so. */
  #answerReset(from: End): void {
    const { host: a, other: { host: b } } = from;
    this.#after(this.#latency(b, a), () => {
      if (from.state === "open" && this.path(b, a) === "open") this.#resetEnd(from);
    });
  }

  #resetEnd(end: End): void {
    this.#shut(end);
    end.process?.hear(end, { kind: "ended", reason: RESET });
  }

  #shut(end: End): void {
    end.state = "closed";
    if (end.other.state === "dialling") end.other.state = "closed";
    if (end.other.state !== "closed") return;
    this.#ends.delete(end);
    this.#ends.delete(end.other);
  }

  #retry(concerned: (end: End) => boolean): void {
    const { dice } = this.#options;
    for (const end of this.#ends) {
      if (end.queue.length === 0 || end.planned || !concerned(end)) continue;
      const latency = this.#latency(end.host, end.other.host);
      this.#plan(end, this.#options.now() + latency + dice.between(0, 2_000));
    }
  }

  #latency(from: number, to: number): Millis {
    return this.#options.latency(from, to);
  }

  #after(ms: Millis, run: () => void): void {
    this.#options.queue.add(this.#options.now() + ms, run);
  }
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
