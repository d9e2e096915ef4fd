/**
 * Addresses of peers, as other peers tell of them (spec/mesh.md 17).
 *
 * @module
 */

import {
  type Endpoint,
  type Millis,
  parseEndpoint,
  type PeerName,
  WireError,
} from "../base/mod.ts";
import type { Topology } from "./topology.ts";

/** Between two searches: looking through a large table has its price. */
const INTERVAL_MS = 1_000;
/** Most texts whose meaning is remembered. */
const MAX_REMEMBERED = 20_000;

/** A peer and an address at which it may be dialled. */
export interface Discovered {
  /** The peer. */
  readonly peer: PeerName;
  /** The address. */
  readonly endpoint: Endpoint;
}

/** Finds addresses in the peer table. */
export class Discovery {
  #topology: Topology;
  #port: number;
  #parsed = new Map<string, Endpoint | undefined>();
  #found: readonly Discovered[] = [];
  /** Peers that were left out because they were connected. */
  #skipped = new Set<PeerName>();
  #revision = -1;
  #nextAt: Millis = -Infinity;

  /**
   * Has not looked yet.
   *
   * @param port our own listening port: others are assumed to listen on the same
   */
  constructor(topology: Topology, port: number) {
    this.#topology = topology;
    this.#port = port;
  }

  /** Returns when {@link Discovery.find} would find more; a time in the past, or `Infinity`. */
  deadline(): Millis {
    return this.#revision === this.#topology.revision ? Infinity : this.#nextAt;
  }

  /**
   * Returns addresses of peers that are not in `connected`, as the table was at most a second ago.
   *
   * Some of them may be connected by now; who no longer is, is among them at once: else the dialler would forget that
   * peer and with it how long to wait, and dial one that refuses us every second.
   */
  find(connected: ReadonlySet<PeerName>, now: Millis): readonly Discovered[] {
    if (now < this.deadline() && this.#skipped.isSubsetOf(connected)) return this.#found;
    this.#revision = this.#topology.revision;
    this.#nextAt = now + INTERVAL_MS;
    this.#found = this.#search(connected);
    return this.#found;
  }

  #search(connected: ReadonlySet<PeerName>): Discovered[] {
    if (this.#parsed.size > MAX_REMEMBERED) this.#parsed.clear();
    this.#skipped.clear();
    const found: Discovered[] = [];
    const seen = new Map<PeerName, Set<Endpoint>>();
    for (const entry of this.#topology.entries()) {
      if (entry.name === this.#topology.name) continue;
      for (const { peer, address, outbound } of entry.connections) {
        if (peer === this.#topology.name) continue;
        if (connected.has(peer)) {
          this.#skipped.add(peer);
          continue;
        }
        const endpoint = this.#endpoint(address, outbound);
        const known = seen.get(peer) ?? new Set();
        seen.set(peer, known);
        if (endpoint === undefined || known.has(endpoint)) continue;
        known.add(endpoint);
        found.push({ peer, endpoint });
      }
    }
    return found;
  }

  /** The port of who dialled is of no use to others; equal texts give the same object. */
  #endpoint(address: string, outbound: boolean): Endpoint | undefined {
    const text = outbound ? address : `${address.slice(0, address.lastIndexOf(":"))}:${this.#port}`;
    if (!this.#parsed.has(text)) this.#parsed.set(text, parseUsable(text));
    return this.#parsed.get(text);
  }
}

function parseUsable(text: string): Endpoint | undefined {
  try {
    const endpoint = parseEndpoint(text);
    const unspecified = endpoint.ip.every((byte, i) => byte === 0 || i === 10 || i === 11);
    const multicast = endpoint.ip[0] === 0xff;
    return endpoint.port === 0 || unspecified || multicast ? undefined : endpoint;
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
