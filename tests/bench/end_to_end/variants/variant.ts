/**
 * What each way of carrying frames between hosts is, for the benchmark.
 *
 * @module
 */

import type { Ends, Site } from "../site.ts";

/** One way of joining the two ends. */
export interface Variant {
  /** Short name, unique; `-relay1` at its end if it relays over one host. */
  readonly name: string;
  /** Name for tables. */
  readonly title: string;
  /** Cipher, or "none". */
  readonly cipher: string;
  /** Carries Ethernet frames (2) or IP packets (3). */
  readonly layer: 2 | 3;
  /** Hosts between the two ends. */
  readonly hops: number;
  /** Commands that must be there. */
  readonly needs: readonly string[];
  /** Finds out which version it is. Called only if the commands are there. */
  readonly version: () => string | Promise<string>;
  /** Returns why it cannot run here, apart from missing commands; nothing if it can. */
  readonly refuses?: () => string | undefined;
  /** Makes what is there before it starts: files, containers, bridges. */
  readonly open: (site: Site) => Opened | Promise<Opened>;
}

/** A variant that is ready to start. */
export interface Opened {
  /** Where traffic enters and leaves. */
  readonly ends: Ends;
  /** How it was set up; no keys. */
  readonly configuration: readonly string[];
  /** Starts it; frames may need some time more to pass. @returns more about its configuration */
  readonly start: () => Promise<readonly string[]> | readonly string[];
  /**
   * Waits until it carries frames in the way that it is measured for; called after the first ping.
   *
   * @returns more about its configuration
   * @throws {Error} if it does not come to that
   */
  readonly settle?: () => Promise<readonly string[]>;
}

/** Why a variant is not measured although its commands are there. */
export class Unavailable extends Error {}
