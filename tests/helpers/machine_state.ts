/**
 * What a program could leave behind on a machine or in a namespace, to be compared before and after.
 *
 * @module
 */

import { runSync } from "./namespace.ts";

/** Lists, each sorted, without counters and times. */
export interface MachineState {
  /** Names of network namespaces. */
  readonly namespaces: readonly string[];
  /** Network devices: name and bridge. */
  readonly links: readonly string[];
  /** Addresses of devices. */
  readonly addresses: readonly string[];
  /** Packet filter rules. */
  readonly rules: readonly string[];
  /** Files below the directories that were named. */
  readonly files: readonly string[];
}

/**
 * Looks at a namespace, or at the machine itself.
 *
 * @param namespace name, `undefined` for the one we are in
 * @param directories whose files are listed; a missing one has none
 */
export function machineState(
  namespace: string | undefined,
  directories: readonly string[],
): MachineState {
  const prefix = namespace === undefined ? [] : ["ip", "netns", "exec", namespace];
  const lines = (...args: string[]): string[] =>
    runSync([...prefix, ...args], { mayFail: true }).stdout.split("\n").map((line) => line.trim())
      .filter((line) => line !== "").sort();
  return {
    namespaces: runSync(["ip", "netns", "list"]).stdout.split("\n").map((line) =>
      line.split(" ")[0] ?? ""
    ).filter((name) => name !== "").sort(),
    links: lines("ip", "-o", "link").map((line) => {
      const name = /^\d+: ([^:@]+)/.exec(line)?.[1] ?? line;
      const master = / master (\S+)/.exec(line)?.[1];
      return master === undefined ? name : `${name} on ${master}`;
    }).sort(),
    addresses: lines("ip", "-o", "addr").map((line) =>
      line.replace(/^\d+: /, "").replace(/\s+valid_lft.*$/, "").replace(/\s+/g, " ")
    ).filter((line) => !line.includes(" fe80:")).sort(),
    rules: lines("nft", "list", "ruleset").map((line) =>
      line.replace(/counter packets \d+ bytes \d+/, "counter")
    ),
    files: directories.flatMap((directory) => filesBelow(directory)).sort(),
  };
}

function filesBelow(directory: string): string[] {
  try {
    return [...Deno.readDirSync(directory)].flatMap((entry) => {
      const path = `${directory}/${entry.name}`;
      return entry.isDirectory ? filesBelow(path) : [path];
    });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
