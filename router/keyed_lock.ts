/**
 * One thing at a time for each name.
 *
 * @module
 */

/** Runs tasks of one name one after the other, in the order in which they came. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Tells whether a task of a name runs or waits. */
  has(name: string): boolean {
    return this.#tails.has(name);
  }

  /** Runs a task when all earlier ones of that name are done, however they ended. */
  async run<T>(name: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(name) ?? Promise.resolve();
    const mine = before.then(task, task);
    const tail = mine.catch(() => undefined);
    this.#tails.set(name, tail);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(name) === tail) this.#tails.delete(name);
    }
  }
}
