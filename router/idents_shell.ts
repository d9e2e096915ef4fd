/**
 * What a container's addresses and names are held under: an engine's container has its id; a namespace without one gets 64
 * random hex digits when it is attached, and keeps them while it lives.
 *
 * @module
 */

import { toHex } from "../base/mod.ts";
import { containerKey, type ContainerRef } from "../container/mod.ts";
import { readProc } from "../ffi/mod.ts";
import type { Store } from "./store.ts";

const BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id";
const IDENT_BYTES = 32;

/** Gives idents and remembers them. */
export class Idents {
  readonly #store: Pick<Store, "ident" | "setIdent" | "idents" | "dropIdent">;
  readonly #bootId: string;

  /** Remembers in a store. */
  constructor(store: Pick<Store, "ident" | "setIdent" | "idents" | "dropIdent">) {
    this.#store = store;
    this.#bootId = readProc(BOOT_ID_FILE)?.trim() ?? "";
  }

  /**
   * Returns the ident of a container, a new one if it has none.
   *
   * @throws {RefusedError} if it does not run, or is on the host's network
   */
  of(ref: ContainerRef): string {
    if (ref.kind === "docker") return ref.id;
    const key = containerKey(ref);
    const known = this.#store.ident(this.#bootId, key);
    const ident = known ?? toHex(crypto.getRandomValues(new Uint8Array(IDENT_BYTES)));
    if (known === undefined) this.#store.setIdent(this.#bootId, key, ident);
    return ident;
  }

  /** Tells whether an ident was given here, so that no engine tells of its container. */
  isOurs(ident: string): boolean {
    return this.#store.idents().includes(ident);
  }

  /** Returns all that were given. */
  all(): string[] {
    return this.#store.idents();
  }

  /** Forgets one that holds nothing: a namespace with the same number is another one from now on. */
  drop(ident: string): void {
    this.#store.dropIdent(ident);
  }
}
