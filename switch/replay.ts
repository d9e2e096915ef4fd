/**
 * Which sequence numbers were seen: two adjacent windows of 2^20 numbers (spec/sleeve.md 4).
 *
 * ```
 *   | current - 1: previous | current: used | current + 1: slides by one | beyond: both start empty
 * ```
 *
 * A number is its upper 31 and lower 32 bits. The bits lie in pages of 2 KiB that come into being when they are
 * needed and are used again after a slide, so that a tunnel that only sends heartbeats costs two of them.
 *
 * @module
 */

/** Numbers of a window: 2^20, which both ends must agree on. */
const WINDOW_BITS = 20;

/** Numbers of a page: small enough for idle tunnels, large enough that a busy one seldom needs a new one. */
const PAGE_BITS = 14;
const PAGES = 1 << (WINDOW_BITS - PAGE_BITS);
const PAGE_WORDS = 1 << (PAGE_BITS - 5);

/** One window's bits. */
type Pages = (Uint32Array | undefined)[];

/** The replay window of one sequence space. */
export class ReplayWindow {
  /** Number of the current window; up to 2^43, so not an object field. */
  readonly #current = new Float64Array(1);
  #used: Pages = new Array<Uint32Array | undefined>(PAGES).fill(undefined);
  #previous: Pages = new Array<Uint32Array | undefined>(PAGES).fill(undefined);

  /** Memory in use, in bytes. */
  get sizeBytes(): number {
    const pages = [...this.#used, ...this.#previous].filter((page) => page !== undefined);
    return pages.length * PAGE_WORDS * 4;
  }

  /**
   * Takes a number that authenticated. hot path
   *
   * @param high its upper 31 bits
   * @param low its lower 32 bits, signed or not
   * @returns false if it was seen before or is too old: drop the datagram
   */
  accept(high: number, low: number): boolean {
    const window = high * (1 << (32 - WINDOW_BITS)) + (low >>> WINDOW_BITS);
    const distance = window - (this.#current[0] ?? 0);
    if (distance < -1 || window < 0) return false;
    if (distance > 0) this.#slide(window, distance);
    const pages = distance === -1 ? this.#previous : this.#used;
    const index = (low >>> PAGE_BITS) & (PAGES - 1);
    let page = pages[index];
    if (page === undefined) {
      page = new Uint32Array(PAGE_WORDS);
      pages[index] = page;
    }
    const word = (low >>> 5) & (PAGE_WORDS - 1);
    const bit = 1 << (low & 31);
    const seen = page[word] ?? 0;
    if ((seen & bit) !== 0) return false;
    page[word] = seen | bit;
    return true;
  }

  #slide(window: number, distance: number): void {
    this.#current[0] = window;
    const used = this.#previous;
    this.#previous = this.#used;
    this.#used = used;
    empty(used);
    if (distance > 1) empty(this.#previous);
  }
}

function empty(pages: Pages): void {
  for (const page of pages) page?.fill(0);
}
