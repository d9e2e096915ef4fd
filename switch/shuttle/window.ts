/**
 * Which segments of one key were seen: the last 16,384 counters (spec/dataplane.md 8.3).
 *
 * ```
 *   ring of 1024 words:  | ... | newest - 16383 ...... newest | cleared as the newest moves on |
 * ```
 *
 * Two calls: `fresh` before opening, which saves the cipher for what is old news; `mark` after the tag was right, so that a
 * forged counter moves nothing. Wide enough for several trains that overtake each other.
 *
 * @module
 */

/** Counters behind the newest that are still taken: 37 ms at 440,000 segments a second. */
export const WINDOW_COUNTERS = 16_384;

/** Twice the window, so that whole words can be cleared ahead of it. */
const WORDS = 1_024;
const TWO_32 = 4_294_967_296;
/** Counters from 2^53 on are not exact any more. A sender stops at 2^32. */
const HIGH_LIMIT = 1 << 21;

/** The replay window of one key. */
export class ReplayWindow16k {
  readonly #words = new Int32Array(WORDS);
  /** The newest counter; beyond 31 bits, so not an object field. */
  readonly #newest = new Float64Array(1);

  /**
   * Tells whether a counter can be taken; nothing changes. hot path
   *
   * @param high its upper 32 bits, signed or not
   * @param low its lower 32 bits, signed or not
   */
  fresh(high: number, low: number): boolean {
    if ((high | low) === 0 || high >>> 0 >= HIGH_LIMIT) return false;
    const behind = (this.#newest[0] ?? 0) - (high * TWO_32 + (low >>> 0));
    if (behind < 0) return true;
    if (behind >= WINDOW_COUNTERS) return false;
    return ((this.#words[(low >>> 5) & (WORDS - 1)] ?? 0) & (1 << (low & 31))) === 0;
  }

  /** Takes a counter that `fresh` found good, after its segment was authentic. hot path */
  mark(high: number, low: number): void {
    const counter = high * TWO_32 + (low >>> 0);
    const newest = this.#newest[0] ?? 0;
    if (counter > newest) this.#moveTo(counter, newest);
    const word = (low >>> 5) & (WORDS - 1);
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (low & 31));
  }

  /** Clears the words that the window moves into. */
  #moveTo(counter: number, newest: number): void {
    this.#newest[0] = counter;
    const from = Math.floor(newest / 32);
    const words = Math.floor(counter / 32) - from;
    if (words >= WORDS) {
      this.#words.fill(0);
      return;
    }
    const first = from % WORDS;
    for (let i = 1; i <= words; i++) this.#words[(first + i) & (WORDS - 1)] = 0;
  }
}
