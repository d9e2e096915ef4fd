/**
 * Any bytes against a parser: recorded inputs changed at random, random ones, and all that ever broke something.
 *
 * ```
 *   corpus ----------------------> target          each once, first
 *   seeds --mutate, join, cut----> target          as often as asked for, same seed: same inputs
 *   a failure --made shorter-----> printed as hex, to be added to corpus/mod.ts
 * ```
 *
 * @module
 */

import { fromHex, toHex, WireError } from "../../base/mod.ts";
import { ProtocolError } from "../../mesh/wire.ts";
import { argument, runSize } from "../helpers/run_size.ts";
import { dice } from "../helpers/underlay.ts";
import { CORPUS } from "./corpus/mod.ts";

/** Inputs that the parts of targets are taken of. */
const INPUTS = runSize("inputs", 200_000, 10_000_000);
/** An input that takes longer hangs, each time; generous, since garbage is collected on somebody's time. */
const HANG_MS = 2_000;
const HANG_TRIES = 3;
/** Memory may grow by so much during a target. */
const GROWTH_BYTES = 400 * 1024 * 1024;
/** Longest input that is not a recorded one. */
const MAX_BYTES = 2_048;
/** Tries to make a failing input shorter. */
const SHRINK_TRIES = 2_000;

/** What is fuzzed. */
export interface Target {
  /** Name of the tests and of the corpus. */
  readonly name: string;
  /** How many inputs it gets, as a part of the number asked for. */
  readonly share: number;
  /** Well formed inputs. */
  readonly seeds: readonly Uint8Array[];
  /** Takes one input. Throws for a fault, and nothing else; it owns the bytes. */
  readonly run: (input: Uint8Array<ArrayBuffer>, roll: () => number) => void;
}

/** Makes a test of a target. */
export function fuzz(target: Target): void {
  const count = Math.ceil(INPUTS * target.share);
  Deno.test(`${target.name} survives its corpus and ${count} inputs`, () => {
    const seed = Number(argument("seed") ?? 1);
    const roll = dice(seed);
    const before = memory();
    for (const hex of CORPUS[target.name] ?? []) attempt(target, fromHex(hex), 0);
    for (const each of target.seeds) attempt(target, each.slice(), 0);
    for (let i = 0; i < count; i++) attempt(target, makeInput(target.seeds, roll), i);
    const growth = memory() - before;
    if (growth > GROWTH_BYTES) throw new Error(`${target.name} keeps ${growth} bytes`);
  });
}

function memory(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

function attempt(target: Target, input: Uint8Array<ArrayBuffer>, number: number): void {
  const copy = input.slice();
  const fault = judge(target, input, number);
  if (fault === undefined) return;
  const short = shrink(target, copy, number);
  throw new Error(`${target.name} fails for ${toHex(short)}`, { cause: fault });
}

/** Slow once may mean that this process had to wait for a processor; slow each time is the input. */
function judge(target: Target, input: Uint8Array<ArrayBuffer>, number: number): unknown {
  for (let tries = 0; tries < HANG_TRIES; tries++) {
    const begin = performance.now();
    const fault = faultOf(target, input.slice(), number);
    if (fault !== undefined || performance.now() - begin <= HANG_MS) return fault;
  }
  return new Error("it hangs");
}

function faultOf(target: Target, input: Uint8Array<ArrayBuffer>, number: number): unknown {
  try {
    target.run(input, dice(number));
    return undefined;
  } catch (error) {
    return error ?? new Error("nothing was thrown");
  }
}

/** Leaves out what is not needed to fail. */
function shrink(target: Target, input: Uint8Array<ArrayBuffer>, number: number): Uint8Array {
  let best = input;
  let size = best.length >> 1;
  for (let tries = 0; size > 0 && tries < SHRINK_TRIES; size >>= 1) {
    for (let at = 0; at + size <= best.length && tries < SHRINK_TRIES; tries++) {
      const shorter = join(best.subarray(0, at), best.subarray(at + size));
      if (faultOf(target, shorter.slice(), number) === undefined) at += size;
      else best = shorter;
    }
  }
  return best;
}

/** Returns a value, or `undefined` if the bytes are refused as a parser may; other errors go on. */
export function refused<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof WireError || error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function makeInput(seeds: readonly Uint8Array[], roll: () => number): Uint8Array<ArrayBuffer> {
  const below = (n: number): number => Math.floor(roll() * n);
  const pick = (): Uint8Array => seeds[below(seeds.length)] ?? new Uint8Array();
  const kind = below(16);
  if (kind === 0) return noise(below(64), below);
  if (kind === 1) {
    const [a, b] = [pick(), pick()];
    return join(a.subarray(0, below(a.length + 1)), b.subarray(below(b.length + 1)));
  }
  let bytes = pick().slice();
  for (let changes = 1 + below(4); changes > 0; changes--) bytes = mutate(bytes, below);
  return bytes;
}

/** Bytes that are limits of something: signs, lengths, counts. */
const INTERESTING = [0, 1, 2, 0x7f, 0x80, 0xf8, 0xf9, 0xfe, 0xff];

function mutate(bytes: Uint8Array<ArrayBuffer>, below: (n: number) => number): typeof bytes {
  const at = below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + below(16));
  switch (below(8)) {
    case 0:
    case 1:
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
      return bytes;
    case 2:
      if (at < bytes.length) bytes[at] = INTERESTING[below(INTERESTING.length)] ?? 0;
      return bytes;
    case 3:
      if (at < bytes.length) bytes[at] = below(256);
      return bytes;
    case 4:
      return bytes.slice(0, at);
    case 5:
      return join(bytes.subarray(0, at), bytes.subarray(end));
    case 6:
      if (bytes.length > MAX_BYTES) return bytes;
      return join(bytes.subarray(0, end), bytes.subarray(at));
    default:
      if (bytes.length > MAX_BYTES) return bytes;
      return join(bytes.subarray(0, at), noise(1 + below(8), below), bytes.subarray(at));
  }
}

function noise(length: number, below: (n: number) => number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => below(256));
}

function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
