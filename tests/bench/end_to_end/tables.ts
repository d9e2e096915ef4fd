/**
 * A result as tables in Markdown.
 *
 * @module
 */

import { answers } from "./questions.ts";
import { BASELINE, type BenchResult, failures, summary, type VariantResult } from "./result.ts";

/** Where the tables begin in the documentation. */
export const BEGIN = "<!-- deno task bench: begin -->";
/** Where they end. */
export const END = "<!-- deno task bench: end -->";

/** What stands for a figure that there is not. */
const NONE = "-";

/** A column: its heading, and what it says of a variant. */
interface Column {
  readonly heading: string;
  readonly cell: (variant: VariantResult) => string;
}

/** Returns a table with columns as wide as their longest cell. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const [heading = []] = rows;
  const widths = heading.map((_, i) => Math.max(3, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(heading), rule, ...rows.slice(1).map(line)].join("\n");
}

/** Puts a text between the two marker lines. @throws {Error} if a document does not hold both, in order */
export function replaceBetween(document: string, text: string): string {
  const from = document.indexOf(BEGIN);
  const to = document.indexOf(END);
  if (from < 0 || to < from) {
    throw new Error(`Cannot write the tables: "${BEGIN}" and "${END}" are not there, in order`);
  }
  return `${document.slice(0, from + BEGIN.length)}\n\n${text.trim()}\n\n${document.slice(to)}`;
}

/** Returns all tables, with what they were measured on. */
export function tables(result: BenchResult): string {
  const measured = result.variants.filter((variant) => variant.unavailable === undefined);
  const direct = measured.filter((variant) => variant.hops === 0);
  const names = new Set(result.turns.map(({ measurement }) => measurement));
  const taken = (prefix: string, title: string, columns: readonly Column[]): string[] =>
    [...names].some((name) => name.startsWith(prefix))
      ? [section(title, table(direct, columns))]
      : [];
  const parts = [
    conditions(result),
    ...answered(result),
    ...taken("tcp", "TCP, one and four flows", bulkColumns(result)),
    ...taken("udp", "Small and full datagrams", datagramColumns(result)),
    ...taken("rtt", "Round trip", latencyColumns(result)),
    section("What it costs", table(direct, costColumns(result))),
    ...relayed(result, measured),
    section("How each was set up", list(measured.map(setup))),
  ];
  const missing = result.variants.filter((variant) => variant.unavailable !== undefined)
    .map((variant) => `${variant.title}: ${variant.unavailable}`);
  if (missing.length > 0) parts.push(section("Not measured", list(missing)));
  const failed = failures(result);
  if (failed.length > 0) parts.push(section("Failed", list(failed)));
  return parts.join("\n\n");
}

function answered(result: BenchResult): string[] {
  const rows = answers(result);
  if (rows.length === 0) return [];
  const heading = ["question", "median", "lowest to highest round"];
  const cells = rows.map(({ question, median, range }) => [question, median, range]);
  return [section("In short", markdownTable([heading, ...cells]))];
}

function conditions(result: BenchResult): string {
  const { machine, options, turns } = result;
  const repeated = turns.filter((turn) => turn.attempt > 1).length;
  const kept = turns.filter((turn) => turn.kept);
  const worst = Math.max(0, ...kept.map((turn) => turn.foreignCpus));
  const steal = Math.max(0, ...kept.map((turn) => turn.stealCpus));
  const facts = Object.entries(machine).map(([name, value]) => `${name} ${value}`).join(", ");
  const programs = Object.entries(result.programs).map(([name, value]) => `${name} ${value}`);
  const noisy = options.rounds < 5
    ? `**Only ${options.rounds} round(s) of ${options.seconds} s: it shows that everything runs; the figures mean nothing.**\n\n`
    : "";
  return `${noisy}Measured on ${result.date.slice(0, 10)}: ${facts}; ${programs.join(", ")}. ` +
    `${options.rounds} round(s), samples of ${options.seconds} s; ${repeated} turn(s) were repeated; in the turns that ` +
    `count, other processes used at most ${worst.toFixed(2)} CPU and the hypervisor held back ${
      steal.toFixed(2)
    }.`;
}

function section(title: string, body: string): string {
  return `### ${title}\n\n${body}`;
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join("\n");
}

function table(variants: readonly VariantResult[], columns: readonly Column[]): string {
  return markdownTable([
    columns.map((column) => column.heading),
    ...variants.map((variant) => columns.map((column) => column.cell(variant))),
  ]);
}

function relayed(result: BenchResult, measured: readonly VariantResult[]): string[] {
  const lines = measured.filter(hasRelay(measured));
  return lines.length === 0 ? [] : [section("Relayed", table(lines, relayColumns(result)))];
}

function setup(variant: VariantResult): string {
  return `${variant.title} (${variant.version}): ${variant.configuration.join("; ")}`;
}

const TITLE: Column = { heading: "variant", cell: (variant) => variant.title };
const CIPHER: Column = { heading: "cipher", cell: (variant) => variant.cipher };

/** Median, and the ratio to VXLAN in brackets. */
function compared(
  result: BenchResult,
  heading: string,
  measurement: string,
  figure: string,
): Column {
  return {
    heading,
    cell: ({ name }) => {
      const found = summary(result, name, measurement, figure);
      if (found === undefined) return NONE;
      const ratio = found.ratio === undefined ? "" : ` (${found.ratio.toFixed(2)}x)`;
      return `${rounded(found.median)}${ratio}`;
    },
  };
}

function plain(
  result: BenchResult,
  heading: string,
  measurement: string,
  figure: string,
  format: (value: number) => string = rounded,
): Column {
  return {
    heading,
    cell: ({ name }) => {
      const found = summary(result, name, measurement, figure);
      return found === undefined ? NONE : format(found.median);
    },
  };
}

function bulkColumns(result: BenchResult): Column[] {
  return [
    TITLE,
    CIPHER,
    compared(result, "1 flow, Mbit/s", "tcp-1", "mbitPerSecond"),
    compared(result, "1 flow back", "tcp-1-back", "mbitPerSecond"),
    compared(result, "4 flows", "tcp-4", "mbitPerSecond"),
    compared(result, "4 flows back", "tcp-4-back", "mbitPerSecond"),
    compared(result, "1 flow, trains cut", "tcp-1-cut", "mbitPerSecond"),
    compared(result, "back, trains cut", "tcp-1-back-cut", "mbitPerSecond"),
  ];
}

function datagramColumns(result: BenchResult): Column[] {
  const bySize = ["64", "full"].flatMap((size) => {
    const name = size === "64" ? "64 B" : "full size";
    return [
      compared(result, `${name}: delivered/s`, `udp-${size}`, "deliveredPerSecond"),
      plain(result, `${name}: share`, `udp-${size}`, "share", share),
      plain(result, `${name}: most/s below 0.1 % loss`, `udp-${size}-rates`, "losslessPerSecond"),
    ];
  });
  return [TITLE, ...bySize];
}

function latencyColumns(result: BenchResult): Column[] {
  return [
    TITLE,
    compared(result, "idle p50, us", "rtt", "p50Us"),
    plain(result, "idle p99, us", "rtt", "p99Us"),
    compared(result, "beside TCP p50, us", "rtt-loaded", "p50Us"),
    plain(result, "beside TCP p99, us", "rtt-loaded", "p99Us"),
  ];
}

function costColumns(result: BenchResult): Column[] {
  const own = (
    heading: string,
    value: (variant: VariantResult) => number | undefined,
    format: (value: number) => string,
  ): Column => ({
    heading,
    cell: (variant) => {
      const found = value(variant);
      return found === undefined ? NONE : format(found);
    },
  });
  return [
    TITLE,
    plain(result, "CPU s/GB of its processes", "tcp-1", "processSecondsPerGb", hundredths),
    plain(result, "CPU s/GB of the machine", "tcp-1", "machineSecondsPerGb", hundredths),
    plain(result, "memory per host, MB", "rest", "rssBytes", (bytes) => rounded(bytes / 1e6)),
    plain(result, "idle CPU per host, %", "rest", "idlePercent", hundredths),
    own("start to first ping, s", (each) => each.startMs, (ms) => (ms / 1000).toFixed(1)),
  ];
}

/** Variants that are a line of three or four hosts, and the direct one of the same kind. */
function hasRelay(all: readonly VariantResult[]): (variant: VariantResult) => boolean {
  const kinds = new Set(all.filter((each) => each.hops > 0).map((each) => directName(each.name)));
  return ({ name }) => kinds.has(directName(name));
}

/** Name of the direct variant that a relayed one belongs to: `vxlan-relay2` is of `vxlan`. */
export function directName(name: string): string {
  return name.replace(/-relay\d+$/, "");
}

function relayColumns(result: BenchResult): Column[] {
  const own: Column = {
    heading: "to its own direct",
    cell: ({ name }) => {
      const found = summary(result, name, "tcp-1", "mbitPerSecond", directName(name));
      return found?.ratio === undefined ? NONE : `${found.ratio.toFixed(2)}x`;
    },
  };
  return [
    TITLE,
    compared(result, `1 flow, Mbit/s (to ${BASELINE} direct)`, "tcp-1", "mbitPerSecond"),
    own,
    plain(result, "idle p50, us", "rtt", "p50Us"),
    plain(result, "CPU s/GB of the machine", "tcp-1", "machineSecondsPerGb", hundredths),
  ];
}

function rounded(value: number): string {
  return Math.round(value).toString();
}

function hundredths(value: number): string {
  return value.toFixed(2);
}

function share(value: number): string {
  return value.toFixed(3);
}
