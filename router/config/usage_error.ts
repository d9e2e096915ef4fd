/**
 * The error for words of the user that cannot be.
 *
 * @module
 */

/** Is thrown for a flag, variable or operand that cannot be; the text says what to write instead. Exit code 1. */
export class UsageError extends Error {
  /** Name of the class. */
  override name = "UsageError";

  /**
   * Makes one.
   *
   * @param message one line with the remedy
   * @param unknown the word itself is not known: the usage is shown behind the line
   */
  constructor(message: string, readonly unknown: boolean = false) {
    super(message);
  }
}
