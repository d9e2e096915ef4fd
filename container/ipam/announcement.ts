/**
 * What others may hear of our state: never a change of ours that a crash could undo.
 *
 * ```
 *   grant, serial 7 ──> held until `stored 7` ──> told        news of others with nothing held: told at once
 * ```
 *
 * @module
 */

import type { IpamState } from "./state_wire.ts";

/** The state that may be told. */
export class Announcement {
  #told: IpamState["content"];
  #held: { readonly serial: number; content: IpamState["content"] }[] = [];

  /** Begins with what is on the disk. */
  constructor(content: IpamState["content"]) {
    this.#told = content;
  }

  /** What may be told. */
  get content(): IpamState["content"] {
    return this.#told;
  }

  /** Takes the present state. @param serial it must not be told before this persist is on the disk */
  set(content: IpamState["content"], serial: number | undefined): void {
    const last = this.#held.at(-1);
    if (serial !== undefined) this.#held.push({ serial, content });
    // It rests on what is held.
    else if (last !== undefined) last.content = content;
    else this.#told = content;
  }

  /** All up to a persist is on the disk. */
  stored(serial: number): void {
    while ((this.#held[0]?.serial ?? Infinity) <= serial) {
      this.#told = this.#held.shift()?.content ?? this.#told;
    }
  }
}
