/**
 * What a command throws when it cannot do what it was told.
 *
 * @module
 */

/** Is thrown by a command that cannot do what was asked; the text is all that the user sees. */
export class CommandError extends Error {
  /** Name of the class. */
  override name = "CommandError";

  /**
   * Makes one.
   *
   * @param message what failed, why, what to do
   * @param exitCode 1, or one of `exit_codes.ts`
   */
  constructor(message: string, readonly exitCode: number = 1) {
    super(message);
  }
}
