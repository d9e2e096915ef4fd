/**
 * Starts the tools of `traffic.ts` inside a namespace.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { Background, Namespace, Output } from "./namespace.ts";

const TRAFFIC = fileURLToPath(new URL("./traffic.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

function words(args: readonly string[]): string[] {
  return [
    Deno.execPath(),
    "run",
    "-A",
    "--no-prompt",
    "--quiet",
    "--config",
    CONFIG,
    TRAFFIC,
    ...args,
  ];
}

/** Starts a receiver and waits until it hears. */
export async function receiver(at: Namespace, ...args: string[]): Promise<Background> {
  const process = at.start(words(args));
  await process.says(/^ready$/m);
  return process;
}

/** Starts a tool that goes on by itself. */
export function started(at: Namespace, ...args: string[]): Background {
  return at.start(words(args));
}

/** Runs a sender to its end. */
export function sender(at: Namespace, ...args: string[]): Promise<Output> {
  return at.run(words(args));
}

/** Counts how often each text was received. */
export function copies(output: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [, text = ""] of output.matchAll(/^got (?:(?:[0-9a-f]{2}:){5}[0-9a-f]{2} )?(.*)$/gm)) {
    counts[text] = (counts[text] ?? 0) + 1;
  }
  return counts;
}
