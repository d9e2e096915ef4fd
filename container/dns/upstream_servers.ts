/**
 * The other name servers: which is asked first, which is left alone for a while.
 *
 * ```
 *   up ---did not answer quickly---> slow ---did not answer at all---> down
 *    ^---------------- any answer ------+-------------------------------+
 *   looping: asks us in turn, found by a probe; asked again only by probes
 * ```
 *
 * A probe is a query for a name that nobody knows. It finds loops, and dead servers that are back, without a client that
 * waits for it. Probes go out beside queries only, so that a quiet host stays quiet.
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";

/** Between two probes of one server. */
export const PROBE_EVERY_MS = 10_000;

/** How a server is doing. */
export type ServerState = "up" | "slow" | "down" | "looping";

/** One server. */
export interface UpstreamServer {
  /** Address and port. */
  readonly address: string;
  /** How it is doing. */
  state: ServerState;
  /** It gave so many failures in a row, as SERVFAIL or REFUSED. */
  refusals: number;
  /** When it is to be probed next, if somebody asks then. */
  probeAt: Millis;
  /** When it was probed last. */
  probedAt: Millis;
}

/** What a server says in a row before others are asked first. */
const MAX_REFUSALS = 3;
const RANK: Readonly<Record<ServerState, number>> = { up: 0, slow: 1, down: 2, looping: 3 };

/** The servers in the order of the file. */
export class UpstreamServers {
  #servers: UpstreamServer[] = [];

  /** All of them. */
  get all(): readonly UpstreamServer[] {
    return this.#servers;
  }

  /** Takes a new list; those that stay keep what is known of them. */
  update(addresses: readonly string[], now: Millis): void {
    this.#servers = addresses.map((address) =>
      this.#servers.find((each) => each.address === address) ??
        { address, state: "up", refusals: 0, probeAt: now, probedAt: -Infinity }
    );
  }

  /** Returns whom to ask, best first. */
  order(): UpstreamServer[] {
    return this.#servers.filter((each) => each.state !== "looping")
      .sort((a, b) => RANK[a.state] - RANK[b.state]);
  }

  /** Takes those that are to be probed now. */
  takeDue(now: Millis): UpstreamServer[] {
    const due = this.#servers.filter((each) => each.probeAt <= now);
    for (const server of due) {
      server.probedAt = now;
      server.probeAt = server.state === "up" ? Infinity : now + PROBE_EVERY_MS;
    }
    return due;
  }

  /** It answered. */
  answered(server: UpstreamServer): void {
    server.refusals = 0;
    if (server.state === "looping") return;
    server.state = "up";
    server.probeAt = Infinity;
  }

  /** It answered that it cannot or will not. One name may be to blame, not several in a row. */
  refused(server: UpstreamServer, now: Millis): void {
    if (++server.refusals < MAX_REFUSALS || server.state !== "up") return;
    server.state = "slow";
    this.#suspect(server, now);
  }

  /** It did not answer while others would have. */
  late(server: UpstreamServer, now: Millis): void {
    if (server.state === "up") server.state = "slow";
    this.#suspect(server, now);
  }

  /** It did not answer at all. */
  silent(server: UpstreamServer, now: Millis): void {
    if (server.state !== "looping") server.state = "down";
    this.#suspect(server, now);
  }

  /** A query that we sent to it came back to us. */
  loops(server: UpstreamServer): void {
    server.state = "looping";
    server.probeAt = server.probedAt + PROBE_EVERY_MS;
  }

  /** A probe of it did not come back to us. */
  doesNotLoop(server: UpstreamServer): void {
    if (server.state === "looping") server.state = "up";
  }

  #suspect(server: UpstreamServer, now: Millis): void {
    server.probeAt = Math.min(server.probeAt, Math.max(now, server.probedAt + PROBE_EVERY_MS));
  }
}
