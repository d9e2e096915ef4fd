/**
 * Takes values out of the raw options and says where a bad one came from.
 *
 * @module
 */

import type { RawOptions } from "./parse.ts";
import { UsageError } from "./usage_error.ts";

/** Takes values out of the raw options. */
export class Taker {
  /** Takes from these. */
  constructor(readonly raw: RawOptions) {}

  /** Returns whether a flag is on. */
  flag(name: string): boolean {
    return this.raw.values.get(name) === "true";
  }

  /** Returns how a value was given, as "--port" or "WEFT_PORT". */
  origin(name: string): string {
    return this.raw.origins.get(name) ?? `--${name}`;
  }

  /** Returns a whole number, `undefined` if none was given. @throws {UsageError} if it is none or outside the bounds */
  number(name: string, least: number, most: number): number | undefined {
    return this.parsed(name, (text) => {
      if (/^[0-9]{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most) {
        return Number(text);
      }
      throw new UsageError(`a number from ${least} to ${most}`);
    });
  }

  /**
   * Returns a value, `undefined` if none was given; an empty variable counts as not set.
   *
   * @param parse throws a {@link UsageError} with what it expected
   * @throws {UsageError} naming the option or variable, the value and what was expected
   */
  parsed<T>(name: string, parse: (text: string) => T): T | undefined {
    const text = this.raw.values.get(name);
    const origin = this.origin(name);
    if (text === undefined || (text === "" && !origin.startsWith("-"))) return undefined;
    try {
      return parse(text);
    } catch (error) {
      const expected = error instanceof UsageError
        ? error.message
        : (error as { expected?: string }).expected ?? "another value";
      throw new UsageError(`Cannot use ${origin} ${JSON.stringify(text)}: expected ${expected}`);
    }
  }
}
