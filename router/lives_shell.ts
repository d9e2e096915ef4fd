/**
 * Notices that containers end, so that their addresses and names go.
 *
 * ```
 *   container engine ── events, list ──> died, started, destroyed          of its containers
 *   kernel ── an interface of the bridge is gone ──> died                  of namespaces without an engine
 * ```
 *
 * Nothing is told twice in a way that matters: whoever hears it has no addresses left then.
 *
 * @module
 */

import type { Logger } from "../base/mod.ts";
import {
  type EngineEvent,
  type EngineWatch,
  EXPOSE_ID,
  listAttached,
  watchEngine,
} from "../container/mod.ts";
import { SysError } from "../ffi/mod.ts";
import { LinkWatch } from "../ffi/netlink/mod.ts";
import type { Idents } from "./idents_shell.ts";
import type { Mourner } from "./parts.ts";

/** What was missed is found after this time. */
const COMPARE_MS = 60_000;
const ENGINE_ID = /^[0-9a-f]{64}$/;

/** What {@link Lives} works with. */
export interface LivesParts {
  /** Where lines go. */
  readonly log: Logger;
  /** Name of the bridge. */
  readonly bridge: string;
  /** `DOCKER_HOST` of the router. */
  readonly dockerHost: string | undefined;
  /** Who is no engine's. */
  readonly idents: Idents;
  /** Returns all containers that hold an address or a name. */
  holders(): readonly string[];
  /** Tells whether a request for a container is on its way: it may hold something and not hang on the bridge yet. */
  isBusy(ident: string): boolean;
  /** Is told. */
  readonly mourner: Mourner;
}

/** Watches the containers of this host. */
export class Lives implements Disposable {
  readonly #parts: LivesParts;
  readonly #links: LinkWatch;
  readonly #engine: EngineWatch;
  readonly #ports = new Map<number, string>();
  readonly #timer: ReturnType<typeof setInterval>;
  /** Containers that the engine has. */
  #listed = new Set<string>();
  /** Of whom something was heard while a list is awaited, which may be older than that. */
  #heard: Set<string> | undefined;
  /** What the kernel refused last; empty: nothing. */
  #problem = "";

  /** Begins to watch, and compares at once. */
  constructor(parts: LivesParts) {
    this.#parts = parts;
    this.#links = LinkWatch.open();
    this.compare();
    this.#engine = watchEngine({
      dockerHost: parts.dockerHost,
      onEvent: (event) => this.#onEvent(event),
      beforeList: () => this.#beforeList(),
      onList: (running, before, at) => this.#onList(running, before, at),
      onState: (connected) => this.#onState(connected),
      onError: (error) =>
        parts.log.error("cannot act on what the engine says", { error: String(error) }),
    });
    this.#timer = setInterval(() => this.#try(() => this.compare()), COMPARE_MS);
  }

  /** Notes which interface leads to a container, which lives then. */
  attached(ident: string, portIndex: number): void {
    this.#ports.set(portIndex, ident);
    this.#heard?.add(ident);
    this.#parts.mourner.started(ident);
  }

  /**
   * Notices which interfaces are gone; to be called about once a second, since an address stays for 30 s anyway.
   *
   * @returns true if an interface or an address of this host has changed
   */
  look(): boolean {
    let changed = true;
    this.#try(() => changed = this.#look());
    return changed;
  }

  /** Compares who holds something with who hangs on the bridge. */
  compare(): void {
    const { idents, holders, isBusy } = this.#parts;
    this.#ports.clear();
    for (const { ident, portIndex } of listAttached(this.#parts.bridge)) {
      if (ident !== undefined && ident !== EXPOSE_ID) this.#ports.set(portIndex, ident);
    }
    const here = new Set(this.#ports.values());
    const held = new Set(holders());
    for (const ident of idents.all()) {
      if (here.has(ident) || isBusy(ident)) continue;
      if (held.has(ident)) this.#parts.mourner.died(ident);
      else idents.drop(ident);
    }
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#engine.stop();
    this.#links[Symbol.dispose]();
  }

  /** A router that frames go through does not end because the kernel refuses a look; the next one may succeed. */
  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof SysError)) throw error;
      if (error.message === this.#problem) return;
      this.#problem = error.message;
      this.#parts.log.warn("cannot see which containers have ended", { error: error.message });
    }
  }

  #look(): boolean {
    const { deleted, changed, lost } = this.#links.take();
    const gone = deleted.map((index) => {
      const ident = this.#ports.get(index);
      this.#ports.delete(index);
      return ident;
    });
    // The kernel gives the number of a namespace to the next: that one may hang on the bridge already.
    const here = new Set(this.#ports.values());
    for (const ident of gone) {
      if (ident === undefined || here.has(ident)) continue;
      // Of the others the engine tells, if it is the one that is watched.
      if (!this.#listed.has(ident) || this.#parts.idents.isOurs(ident)) {
        this.#parts.mourner.died(ident);
      }
    }
    if (lost) this.compare();
    return changed;
  }

  #onEvent({ kind, id, at }: EngineEvent): void {
    const { mourner } = this.#parts;
    this.#heard?.add(id);
    if (kind === "destroy") this.#listed.delete(id);
    else this.#listed.add(id);
    if (kind === "start") mourner.started(id);
    else if (kind === "die") mourner.died(id, at);
    else mourner.destroyed(id);
  }

  #beforeList(): ReadonlySet<string> {
    this.#heard = new Set();
    return new Set(this.#parts.holders().filter((ident) => this.#isEngines(ident)));
  }

  /**
   * Only who held something before the list was made must be in it; and who hangs on the bridge without being in it is of
   * another engine than the one that is watched.
   */
  #onList(
    running: ReadonlyMap<string, boolean>,
    before: ReadonlySet<string>,
    at: number,
  ): void {
    const { mourner } = this.#parts;
    const here = new Set(this.#ports.values());
    const heard = this.#heard;
    this.#heard = undefined;
    this.#listed = new Set(running.keys());
    for (const ident of before) {
      if (heard?.has(ident)) continue;
      const runs = running.get(ident);
      if (runs === undefined && here.has(ident)) continue;
      if (runs === undefined) mourner.destroyed(ident);
      else if (!runs) mourner.died(ident, at);
      // That it was started again may have been missed.
      else mourner.started(ident);
    }
  }

  #onState(connected: boolean): void {
    const { log } = this.#parts;
    if (!connected) this.#heard = undefined;
    if (connected) log.info("hears of containers from the engine");
    else log.warn("the container engine is away; who ends meanwhile is noticed when it is back");
  }

  #isEngines(ident: string): boolean {
    return ENGINE_ID.test(ident) && !this.#parts.idents.isOurs(ident);
  }
}
