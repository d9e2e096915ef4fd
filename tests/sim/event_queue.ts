/**
 * What is going to happen, by time; of the same time in the order in which it was entered.
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";

interface Planned {
  readonly at: Millis;
  readonly order: number;
  readonly run: () => void;
}

/** A binary heap of things to do. */
export class EventQueue {
  #heap: Planned[] = [];
  #order = 0;

  /** Time of the first, `Infinity` if there is none. */
  get next(): Millis {
    return this.#heap[0]?.at ?? Infinity;
  }

  /** Plans something. */
  add(at: Millis, run: () => void): void {
    const heap = this.#heap;
    const item = { at, order: this.#order++, run };
    let i = heap.length;
    heap.push(item);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent] as Planned;
      if (!before(item, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = item;
  }

  /** Takes the first out. */
  take(): (() => void) | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) this.#sink(last);
    return first?.run;
  }

  #sink(item: Planned): void {
    const heap = this.#heap;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Planned, heap[child] as Planned)) {
        child++;
      }
      const below = heap[child] as Planned;
      if (!before(below, item)) break;
      heap[i] = below;
      i = child;
    }
    heap[i] = item;
  }
}

function before(a: Planned, b: Planned): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
