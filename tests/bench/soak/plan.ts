/**
 * How long the parts of a soak take.
 *
 * @module
 */

/** What the command line asks for. */
export interface SoakOptions {
  /** Length of the stream through weft. */
  readonly minutes: number;
  /** One connection in one direction, instead of two in both. */
  readonly oneWay: boolean;
  /** Where the result is written as JSON. */
  readonly json: string | undefined;
  /** Says only how it is called. */
  readonly help: boolean;
}

/** Lengths, in seconds. */
export interface SoakPlan {
  /** The stream through weft. */
  readonly stream: number;
  /** Its begin, in which memory may grow. */
  readonly warmUp: number;
  /** The stream through VXLAN, before and again after it. */
  readonly vxlan: number;
  /** Between two looks at memory. */
  readonly sample: number;
  /** In which the longest silence is looked for. */
  readonly window: number;
  /** Age of a key at which the next is agreed on. */
  readonly rekey: number;
}

/** What `--help` prints. */
export const USAGE = `Usage: deno task bench:soak -- [--minutes=M] [--one-way] [--json=FILE]

Runs two sealed routers under full load and looks at what a short measurement cannot see:
wrong bytes, memory, stalls, new keys, garbage, and frames that nobody counted. Needs root.

  --minutes=M   how long the stream through weft takes (10); VXLAN before and after it takes as long again
  --one-way     one connection in one direction; otherwise two in both
  --json=FILE   writes all that was measured
  --help        this text
`;

const MINUTES = 10;
/** Somewhat more than have to be seen. */
const KEYS = 15;
/** A run of key agreement must be over before the next. */
const LEAST_REKEY_SECONDS = 2;

/** Reads the command line. @throws {Error} in one line, if a word is unknown or a number is none */
export function parseSoak(args: readonly string[]): SoakOptions {
  const options = {
    minutes: MINUTES,
    oneWay: false,
    json: undefined as string | undefined,
    help: false,
  };
  for (const word of args) {
    const [, name = "", value = ""] = /^--([a-z-]+)(?:=(.*))?$/.exec(word) ?? [];
    if (word === "--") continue;
    if (name === "help") options.help = true;
    else if (word === "--one-way") options.oneWay = true;
    else if (name === "json" && value !== "") options.json = value;
    else if (name === "minutes" && Number(value) > 0) options.minutes = Number(value);
    else throw new Error(`Cannot measure: what does "${word}" mean? --help says what there is`);
  }
  return options;
}

/** Divides the time. */
export function soakPlan(minutes: number): SoakPlan {
  const stream = minutes * 60;
  return {
    stream,
    warmUp: Math.min(60, stream / 5),
    // As long as weft in all: the longest of anything grows with the time in which it is looked for.
    vxlan: Math.max(5, stream / 2),
    // As often as in ten minutes, so that a short run has something to compare.
    sample: Math.min(10, Math.max(1, stream / 60)),
    window: Math.min(10, Math.max(1, stream / 10)),
    rekey: Math.max(LEAST_REKEY_SECONDS, Math.floor(stream / KEYS)),
  };
}
