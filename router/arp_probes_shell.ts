/**
 * Asks on the bridge whether addresses are in use, many at once.
 *
 * ```
 *   probe(a) ──┐                  ┌──> request on the bridge
 *   probe(b) ──┼── one socket ────┤
 *   probe(c) ──┘                  └──< who tells of a, b or c; the others are free when their time is over
 * ```
 *
 * The socket stays for a while after the last question, since to close it blocks this thread for 10 to 20 ms.
 *
 * @module
 */

import type { Ipv4 } from "../base/mod.ts";
import { ArpProber } from "../ffi/mod.ts";
import { linkGet, Netlink } from "../ffi/netlink/mod.ts";

const LOOK_MS = 2;
/** So long after the last question the socket is closed. */
const KEEP_MS = 10_000;

interface Question {
  readonly address: Ipv4;
  readonly until: number;
  readonly answer: (taken: boolean) => void;
  readonly fail: (error: unknown) => void;
}

/** Asks on one bridge. */
export class ArpProbes implements Disposable {
  readonly #bridge: string;
  readonly #questions = new Set<Question>();
  #open: { readonly ifindex: number; readonly prober: ArpProber } | undefined;
  #lookTimer: ReturnType<typeof setTimeout> | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;

  /** Opens nothing yet. @param bridge its name */
  constructor(bridge: string) {
    this.#bridge = bridge;
  }

  /**
   * Asks whether somebody uses an address.
   *
   * @returns whether an answer came in time; `false` at once without a bridge that is up
   * @throws {SysError} what the system says
   */
  probe(address: Ipv4, withinMs: number): Promise<boolean> {
    using nl = Netlink.open();
    const link = linkGet(nl, this.#bridge);
    if (link === undefined || !link.up) return Promise.resolve(false);
    // What came before the question is no answer to it.
    this.#hear();
    this.#proberOf(link.index).ask(link.mac, address);
    const { promise, resolve: answer, reject: fail } = Promise.withResolvers<boolean>();
    this.#questions.add({ address, until: performance.now() + withinMs, answer, fail });
    clearTimeout(this.#closeTimer);
    this.#lookTimer ??= setTimeout(() => this.#look(), LOOK_MS);
    return promise;
  }

  /** Ends it; who still waits is told that the address is free. */
  [Symbol.dispose](): void {
    clearTimeout(this.#lookTimer);
    for (const question of this.#questions) this.#answer(question, false);
    this.#close();
  }

  /** A bridge that was made again is another interface. */
  #proberOf(ifindex: number): ArpProber {
    if (this.#open?.ifindex !== ifindex) {
      this.#close();
      this.#open = { ifindex, prober: new ArpProber(ifindex) };
    }
    return this.#open.prober;
  }

  #look(): void {
    this.#lookTimer = undefined;
    this.#hear();
    const now = performance.now();
    for (const question of this.#questions) {
      if (now >= question.until) this.#answer(question, false);
    }
    if (this.#questions.size > 0) this.#lookTimer = setTimeout(() => this.#look(), LOOK_MS);
    else this.#closeTimer = setTimeout(() => this.#close(), KEEP_MS);
  }

  #hear(): void {
    let heard: ReadonlySet<Ipv4> | undefined;
    try {
      heard = this.#open?.prober.heard();
    } catch (error) {
      this.#close();
      for (const { fail } of this.#questions) fail(error);
      return this.#questions.clear();
    }
    if (heard === undefined || heard.size === 0) return;
    for (const question of this.#questions) {
      if (heard.has(question.address)) this.#answer(question, true);
    }
  }

  #answer(question: Question, taken: boolean): void {
    this.#questions.delete(question);
    question.answer(taken);
  }

  #close(): void {
    clearTimeout(this.#closeTimer);
    this.#open?.prober[Symbol.dispose]();
    this.#open = undefined;
  }
}
