/**
 * What `--trace-gc` of V8 says, as numbers.
 *
 * ```
 *   [4711:0x55d0c8a2e000]    12345 ms: Scavenge 5.1 (7.3) -> 4.2 (8.3) MB, pooled: 0.0 MB, 0.61 / 0.00 ms  (...) task;
 *     process:isolate        since its start                                   pause
 * ```
 *
 * Each thread has an isolate of its own: the router's main thread is the first to speak, its data plane the second.
 *
 * @module
 */

/** Collections of one isolate in a span of time. */
export interface Collections {
  /** Address of the isolate. */
  readonly isolate: string;
  /** Young collections. */
  readonly scavenges: number;
  /** Whole ones. */
  readonly markCompacts: number;
  /** Longest pause, in milliseconds. */
  readonly longestMs: number;
}

const LINE =
  /^\[\d+:(0x[0-9a-f]+)[^\]]*\]\s+(\d+) ms: (?:Incremental )?(Scavenge|Mark-Compact)(.*)$/gm;
const PAUSE = /([\d.]+) \/ [\d.]+ ms/;

/**
 * Counts collections by isolate, those that have spoken first in front.
 *
 * @param fromMs begin of the span, since the start of the isolate
 * @param toMs its end
 */
export function collections(log: string, fromMs: number, toMs: number): Collections[] {
  const found = new Map<string, { scavenges: number; markCompacts: number; longestMs: number }>();
  for (const [, isolate = "", at, kind, rest = ""] of log.matchAll(LINE)) {
    const each = found.get(isolate) ?? { scavenges: 0, markCompacts: 0, longestMs: 0 };
    found.set(isolate, each);
    if (Number(at) < fromMs || Number(at) > toMs) continue;
    if (kind === "Scavenge") each.scavenges++;
    else each.markCompacts++;
    each.longestMs = Math.max(each.longestMs, Number(PAUSE.exec(rest)?.[1] ?? 0));
  }
  return [...found].map(([isolate, each]) => ({ isolate, ...each }));
}
