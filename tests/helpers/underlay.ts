/**
 * A bad network: loses, delays, reorders and repeats datagrams, the same way for the same seed.
 *
 * ```
 *   A --datagrams--> [ port a | Underlay | port b ] --datagrams--> B        and back
 * ```
 *
 * {@link BadLink} decides and is pure; `tests/helpers/underlay_shell.ts` puts it between two sockets.
 *
 * @module
 */

/** What happens to datagrams. All shares are from 0 to 1. */
export interface Faults {
  /** Share that is lost. */
  readonly loss?: number;
  /** Share that comes twice. */
  readonly duplication?: number;
  /** Share that is held back by `reorderMs` more, so that later ones overtake it. */
  readonly reorder?: number;
  /** How long those are held back. */
  readonly reorderMs?: number;
  /** Every datagram takes so long. */
  readonly delayMs?: number;
  /** Up to so much more, evenly spread. */
  readonly jitterMs?: number;
}

const REORDER_MS = 20;

/** Returns dice that fall the same way for the same seed: numbers from 0 to below 1. */
export function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    // mulberry32: one 32-bit state, passes the usual statistical tests.
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** One direction of a bad network. */
export class BadLink {
  /** What happens now; may be changed at any time. */
  faults: Faults;
  readonly #roll: () => number;

  /** Takes what happens, and the seed by which it is repeated. */
  constructor(faults: Faults, seed: number) {
    this.faults = faults;
    this.#roll = dice(seed);
  }

  /** Decides about one datagram: returns after how many milliseconds each copy arrives; empty if it is lost. */
  send(): number[] {
    const { loss = 0, duplication = 0, reorder = 0, delayMs = 0, jitterMs = 0 } = this.faults;
    // Always the same number of throws, so that one fault does not shift the others.
    const [lost, twice, late] = [this.#roll(), this.#roll(), this.#roll()];
    const [jitter, second] = [this.#roll(), this.#roll()];
    if (lost < loss) return [];
    const held = late < reorder ? this.faults.reorderMs ?? REORDER_MS : 0;
    const first = delayMs + held + jitter * jitterMs;
    return twice < duplication ? [first, delayMs + second * jitterMs] : [first];
  }
}
