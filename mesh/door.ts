/**
 * What protects us from those who have not authenticated: who may come in, how fast, and how loud we are about it.
 *
 * @module
 */

import { type Endpoint, formatEndpoint, type Millis } from "../base/mod.ts";
import { dropOldest } from "./drop_oldest.ts";
import { ipKey } from "./target.ts";

/** Most inbound connections that have not authenticated. */
const MAX_STRANGERS = 128;
/** Connections accepted at once before the rate counts. */
const BURST = 20;
/** Between two accepted connections after that. */
const INTERVAL_MS = 50;
/** A refusal of one address for one reason is logged so often at most. */
const LOG_INTERVAL_MS = 60_000;
/** How long a refusal is shown in status. */
const SHOW_MS = 10 * 60_000;
/** Most refusals that are remembered; an attacker with many addresses pushes out the oldest. */
const MAX_REFUSALS = 64;
/** Most pairs of address and reason whose line is remembered. */
const MAX_LINES = 256;

/** A refused inbound connection. */
export interface Refusal {
  /** Where it came from, the last time. */
  readonly address: string;
  /** Why it was refused. */
  readonly reason: string;
  /** When it was refused first. */
  readonly since: Millis;
  /** When it was refused last. */
  readonly last: Millis;
}

/** Counts strangers and remembers refusals. */
export class Door {
  #strangers = 0;
  #nextFree: Millis = -Infinity;
  #refusals = new Map<string, Refusal>();
  #lines = new Map<string, Millis>();

  /** Lets a connection in. @returns when it may begin, `undefined` if there are too many */
  enter(now: Millis): Millis | undefined {
    if (this.#strangers >= MAX_STRANGERS) return undefined;
    this.#strangers++;
    // A token bucket, kept as the time at which the bucket would be full again.
    const begin = Math.max(now, this.#nextFree - (BURST - 1) * INTERVAL_MS);
    this.#nextFree = Math.max(now, this.#nextFree) + INTERVAL_MS;
    return begin;
  }

  /** Counts one stranger less: it authenticated or went. */
  leave(): void {
    this.#strangers--;
  }

  /** Notes a refusal. @returns whether it is to be logged */
  refuse(remote: Endpoint, reason: string, now: Millis): boolean {
    const key = ipKey(remote.ip);
    const before = this.#refusals.get(key);
    const since = before?.reason === reason ? before.since : now;
    this.#refusals.delete(key);
    this.#refusals.set(key, { address: formatEndpoint(remote), reason, since, last: now });
    dropOldest(this.#refusals, MAX_REFUSALS);
    const line = `${key} ${reason}`;
    if (now - (this.#lines.get(line) ?? -Infinity) < LOG_INTERVAL_MS) return false;
    this.#lines.delete(line);
    this.#lines.set(line, now);
    dropOldest(this.#lines, MAX_LINES);
    return true;
  }

  /** Forgets the refusal of an address: a connection with it works. */
  forgive(remote: Endpoint): void {
    this.#refusals.delete(ipKey(remote.ip));
  }

  /** Returns refusals that are worth showing. */
  refusals(now: Millis): Refusal[] {
    return [...this.#refusals.values()].filter((refusal) => now - refusal.last < SHOW_MS);
  }
}
