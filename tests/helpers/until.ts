/**
 * Waiting for something that will happen, instead of sleeping for as long as it might take.
 *
 * @module
 */

const STEP_MS = 50;

/** Waits some milliseconds; only for "nothing more comes". */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Asks again and again until the answer is neither false nor undefined.
 *
 * @param condition asked every 50 ms; one that throws is asked again
 * @param deadlineMs how long at most; three times what is promised
 * @param what named in the error
 * @returns the answer
 * @throws {Error} after the deadline, with the last error of the condition as its cause
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  deadlineMs: number,
  what: string,
): Promise<Exclude<T, false | undefined>> {
  const end = performance.now() + deadlineMs;
  let cause: unknown;
  do {
    try {
      const answer = await condition();
      if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await pause(STEP_MS);
  } while (performance.now() < end);
  throw new Error(`Cannot go on: ${what} did not happen within ${deadlineMs} ms`, { cause });
}
