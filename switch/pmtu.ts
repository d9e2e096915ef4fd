/**
 * The search for the largest frame that a path carries (spec/sleeve.md 8).
 *
 * ```
 *   start() -> a frame that no path carries -> the kernel reports a path MTU p -> candidate = p - overhead
 *   candidate is sent up to 8 times at 10, 20, ... 1280 ms -> acknowledged: good, else bad -> halve until they meet
 * ```
 *
 * What it finds only shrinks until the next `start`. While a search runs, frames already use what the kernel said.
 *
 * A core: it says which test frame is due, the caller sends it.
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";
import { MAX_UDP_PAYLOAD_BYTES, PROVOCATION_BYTES } from "./wire/sleeve_packet.ts";

/** MTU before anything is known. */
export const UNKNOWN_MTU_BYTES = 65_535;

/** Smallest MTU that a search settles on by itself (spec/sleeve.md 8). */
const FLOOR_BYTES = 552;

/** How often a candidate is sent before it counts as too large. */
const SENDS = 8;

/** First wait for the answer; it doubles with each send. */
const FIRST_WAIT_MS = 10;

/** Bytes of an Ethernet header: a test frame for MTU m has m + 14 bytes. */
const ETHERNET_BYTES = 14;

/**
 * Smallest path MTU that is believed: anyone on the path can forge a report, and no path of ours is smaller. IPv6
 * promises 1280.
 */
const SMALLEST_PATH_BYTES = { ipv4: 552, ipv6: 1280 } as const;

/** The search of one tunnel. */
export class PathMtuSearch {
  #mtu = UNKNOWN_MTU_BYTES;
  #maxPayload = MAX_UDP_PAYLOAD_BYTES;
  #known = false;
  #candidate = 0;
  #good = 0;
  #bad = 0;
  #sends = 0;
  #provoke = false;
  #started = false;
  #timeoutAt: Millis = Infinity;
  readonly #inner: number;

  /** @param innerBytes overhead without the outer IP and UDP headers */
  constructor(innerBytes: number) {
    this.#inner = innerBytes;
  }

  /** Largest inner IP packet, in bytes. */
  get mtuBytes(): number {
    return this.#mtu;
  }

  /** Largest UDP payload on the DF path, in bytes. */
  get maxPayloadBytes(): number {
    return this.#maxPayload;
  }

  /** The kernel has said what the path carries. */
  get known(): boolean {
    return this.#known;
  }

  /** The MTU being tested, 0 if no search runs. */
  get candidateBytes(): number {
    return this.#candidate;
  }

  /** Asks the kernel for the path MTU; a search begins with its answer. */
  start(): void {
    this.#provoke = true;
  }

  /** Tests the candidate of a running search from the beginning: nothing came through for reasons of its own. */
  resume(): void {
    if (this.#candidate > 0) this.#probe();
  }

  /**
   * Takes what the kernel reported, for a datagram of this tunnel or of another one to the same address.
   *
   * @param pathMtuBytes path MTU, outer IP header included
   * @param outerBytes outer IP and UDP headers
   * @returns true if a search began: a test is due, and the MTU may have changed
   */
  reported(pathMtuBytes: number, outerBytes: number): boolean {
    const smallest = outerBytes > 28 ? SMALLEST_PATH_BYTES.ipv6 : SMALLEST_PATH_BYTES.ipv4;
    const path = Math.max(pathMtuBytes, smallest);
    const mtu = Math.min(path - outerBytes - this.#inner, UNKNOWN_MTU_BYTES);
    if (this.#candidate > 0 ? mtu >= this.#candidate : !this.#started && mtu >= this.#mtu) {
      return false;
    }
    this.#started = false;
    this.#known = true;
    this.#good = Math.min(FLOOR_BYTES, mtu);
    this.#bad = mtu + 1;
    this.#candidate = mtu;
    this.#probe();
    // A repeated search must not send what an earlier one has found to be lost.
    this.#set(Math.min(mtu, this.#mtu));
    return true;
  }

  /**
   * Takes the remote's answer to a test.
   *
   * @param mtuBytes what it received
   * @returns true if the MTU changed
   */
  verified(mtuBytes: number): boolean {
    if (this.#candidate === 0 || mtuBytes !== this.#candidate) return false;
    this.#good = mtuBytes;
    return this.#narrow();
  }

  /**
   * Moves on to the next candidate if the last one had no answer.
   *
   * @returns true if the MTU changed
   */
  tick(now: Millis): boolean {
    if (now < this.#timeoutAt) return false;
    if (this.#sends < SENDS) {
      this.#timeoutAt = -Infinity;
      return false;
    }
    this.#bad = this.#candidate;
    return this.#narrow();
  }

  /** Returns the length of the test frame to send on the DF path now, 0 for none; say {@link sent} when it left. */
  dueBytes(now: Millis): number {
    if (this.#provoke) return PROVOCATION_BYTES;
    return this.#candidate > 0 && this.#timeoutAt <= now ? this.#candidate + ETHERNET_BYTES : 0;
  }

  /** Notes that what {@link dueBytes} named is on its way. */
  sent(now: Millis): void {
    if (this.#provoke) {
      this.#provoke = false;
      this.#started = true;
      return;
    }
    this.#timeoutAt = now + FIRST_WAIT_MS * 2 ** this.#sends;
    this.#sends++;
  }

  /** Returns when there is something to do. */
  deadline(): Millis {
    return this.#provoke ? -Infinity : this.#timeoutAt;
  }

  #probe(): void {
    this.#sends = 0;
    this.#timeoutAt = -Infinity;
  }

  #narrow(): boolean {
    if (this.#good + 1 < this.#bad) {
      this.#candidate = Math.floor((this.#good + this.#bad) / 2);
      this.#probe();
      return false;
    }
    this.#candidate = 0;
    this.#timeoutAt = Infinity;
    return this.#set(this.#good);
  }

  #set(mtu: number): boolean {
    if (mtu === this.#mtu) return false;
    this.#mtu = mtu;
    this.#maxPayload = Math.min(mtu + this.#inner, MAX_UDP_PAYLOAD_BYTES);
    return true;
  }
}
