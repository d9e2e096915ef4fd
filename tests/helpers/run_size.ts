/**
 * How much a simulation or a fuzzer does, as asked for on the command line; reading arguments needs no permission.
 *
 * ```
 *   deno task test:sim -- --full               the large number
 *   WEFT_SCENARIOS=50 deno task test:sim       that number
 *   deno task test:sim -- --seed=7 --path=3:1  one run again, as a failure prints it
 * ```
 *
 * @module
 */

/** Returns the value of `--name=value`, `undefined` if it is absent or empty. */
export function argument(name: string): string | undefined {
  const prefix = `--${name}=`;
  return Deno.args.findLast((each) => each.startsWith(prefix) && each !== prefix)
    ?.slice(prefix.length);
}

/** Returns how often to try: what `--name=` says, the large number with `--full`, else the small one. */
export function runSize(name: string, small: number, full: number): number {
  const given = Number(argument(name) ?? NaN);
  if (Number.isFinite(given)) return given;
  return Deno.args.includes("--full") ? full : small;
}

/** Returns what makes a property repeat a run: seed and path, if given. */
export function replay(): { seed?: number; path?: string } {
  const [seed, path] = [argument("seed"), argument("path")];
  return { ...(seed === undefined ? {} : { seed: Number(seed) }), ...(path ? { path } : {}) };
}
