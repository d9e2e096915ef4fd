/**
 * What the command line asks for.
 *
 * @module
 */

/** What is measured, how often and how long. */
export interface BenchOptions {
  /** Rounds, each with every measurement of every variant. */
  readonly rounds: number;
  /** How often a turn is repeated at most when something else used the machine. */
  readonly retries: number;
  /** Length of one sample. */
  readonly seconds: number;
  /** How long nothing is sent while idle CPU is counted. */
  readonly idleSeconds: number;
  /** Echo requests per sample. */
  readonly pings: number;
  /** Datagrams per second that are offered, until one rate is not delivered. */
  readonly rates: readonly number[];
  /** Names of variants or beginnings of names; empty for all. */
  readonly variants: readonly string[];
  /** Names of measurements or beginnings of names; empty for all. */
  readonly measurements: readonly string[];
  /** Where the result is written as JSON, after each round. */
  readonly json: string | undefined;
  /** A result that this run adds its rounds to. */
  readonly resume: string | undefined;
  /** Replaces the tables of the documentation. */
  readonly write: boolean;
  /** Says only which variants there are. */
  readonly list: boolean;
  /** Says only how it is called. */
  readonly help: boolean;
}

/** Few short samples: shows that all of it works, and measures nothing. */
const QUICK = {
  rounds: 1,
  retries: 0,
  seconds: 0.5,
  idleSeconds: 5,
  pings: 100,
  rates: [10_000, 50_000],
};

const FULL = {
  rounds: 5,
  retries: 2,
  seconds: 2,
  idleSeconds: 60,
  pings: 1_000,
  rates: [10_000, 25_000, 50_000, 100_000, 150_000, 200_000, 250_000],
};

const KNOWN = [
  ...["rounds", "seconds", "idle-seconds", "variants", "measurements", "json", "resume"],
  ...["write", "quick", "list", "help"],
];

/** What `--help` prints. */
export const USAGE =
  `Usage: deno task bench -- [--rounds=N] [--seconds=S] [--variants=NAME,...] [OPTION...]

Measures weft beside kernel VXLAN and its like in network namespaces. Needs root.

  --rounds=N         rounds (${FULL.rounds}); the tables hold medians over them
  --seconds=S        length of one sample (${FULL.seconds})
  --idle-seconds=S   how long idle CPU is counted (${FULL.idleSeconds}; with --quick ${QUICK.idleSeconds})
  --variants=A,B     only these, or those whose names begin so; VXLAN is always measured
  --measurements=A,B only these; a name that none has stands for all that begin so
  --json=FILE        writes every figure of every round, after each round
  --resume=FILE      adds the rounds to FILE, which holds some of the same machine, options, variants;
                     begins it if there is none
  --write            puts the tables into docs/performance.md
  --quick            one short round: shows that everything works; its figures mean nothing
  --list             lists the variants, what each needs, and the measurements
  --help             this text

WEFT_BENCH_WEAVE_ROUTER=FILE names the router of Weave Net, if there is one to compare with.
`;

/** Reads the command line. @throws {Error} in one line, if a word is unknown or a number is none */
export function parseOptions(args: readonly string[]): BenchOptions {
  const words = args.filter((word) => word !== "--");
  const given = new Map(words.map((word) => {
    const [, name = word, value] = /^--([a-z-]+)(?:=(.*))?$/.exec(word) ?? [];
    return [name, value] as const;
  }));
  const sizes = given.has("quick") ? QUICK : FULL;
  const options: BenchOptions = {
    ...sizes,
    rounds: positive(given, "rounds") ?? sizes.rounds,
    seconds: positive(given, "seconds") ?? sizes.seconds,
    idleSeconds: positive(given, "idle-seconds") ?? sizes.idleSeconds,
    variants: names(given, "variants"),
    measurements: names(given, "measurements"),
    json: text(given, "json"),
    resume: text(given, "resume"),
    write: given.has("write"),
    list: given.has("list"),
    help: given.has("help"),
  };
  const unknown = [...given.keys()].find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) throw new Error(`Cannot measure: unknown option "${unknown}"`);
  return options;
}

function names(given: ReadonlyMap<string, string | undefined>, name: string): string[] {
  return given.get(name)?.split(",").filter((each) => each !== "") ?? [];
}

function positive(
  given: ReadonlyMap<string, string | undefined>,
  name: string,
): number | undefined {
  if (!given.has(name)) return undefined;
  const number = Number(given.get(name) || NaN);
  if (number > 0 && (name !== "rounds" || Number.isInteger(number))) return number;
  throw new Error(`Cannot measure: --${name} is "${given.get(name) ?? ""}", not a number above 0`);
}

function text(given: ReadonlyMap<string, string | undefined>, name: string): string | undefined {
  if (!given.has(name)) return undefined;
  const value = given.get(name);
  if (value === undefined || value === "") {
    throw new Error(`Cannot measure: --${name} needs a value`);
  }
  return value;
}
