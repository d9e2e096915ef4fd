/**
 * What tunnels have to tell, coalesced so that nobody outside can make it grow.
 *
 * ```
 *   tunnel A: changed, control 1, control 3 (1414)      each tunnel waits at most once in line,
 *   tunnel B: changed                                    each fact at most once in its tunnel's list
 * ```
 *
 * @module
 */

import type { OverlayEvent, Tunnel } from "./overlay.ts";

/** Most control messages that wait for one tunnel; a peer that causes more between two polls is not asking in earnest. */
const CONTROLS_PER_TUNNEL = 8;

interface Pending {
  changed: boolean;
  readonly controls: { readonly tag: number; readonly body: Uint8Array }[];
}

/** Events of one overlay. */
export class EventQueue {
  readonly #pending = new Map<Tunnel, Pending>();
  #due = false;

  /** Events that wait. */
  get size(): number {
    let size = 0;
    for (const { changed, controls } of this.#pending.values()) {
      size += controls.length + (changed ? 1 : 0);
    }
    return size;
  }

  /** Notes that state, MTU, reason or remote of a tunnel changed. */
  changed(tunnel: Tunnel): void {
    this.#of(tunnel).changed = true;
  }

  /**
   * Notes a control message to be sent; an equal one that still waits stands for it.
   *
   * @returns false if too many wait
   */
  control(tunnel: Tunnel, tag: number, body: Uint8Array): boolean {
    const { controls } = this.#of(tunnel);
    const known = controls.some((control) =>
      control.tag === tag && control.body.every((byte, i) => byte === body[i])
    );
    if (known) return true;
    if (controls.length >= CONTROLS_PER_TUNNEL) return false;
    controls.push({ tag, body });
    return true;
  }

  /** Notes that a tunnel has something to send at once. */
  due(): void {
    this.#due = true;
  }

  /** Returns and clears whether a tunnel has something to send at once. hot path */
  takeDue(): boolean {
    const due = this.#due;
    this.#due = false;
    return due;
  }

  /** Forgets what a tunnel had to tell. */
  drop(tunnel: Tunnel): void {
    this.#pending.delete(tunnel);
  }

  /** Returns the next event. hot path */
  poll(): OverlayEvent | undefined {
    // Asked once a turn; normally there is none, and an iterator would be made to see that.
    if (this.#pending.size === 0) return undefined;
    for (const [tunnel, pending] of this.#pending) {
      if (pending.changed) {
        pending.changed = false;
        return { kind: "changed", tunnel };
      }
      const control = pending.controls.shift();
      if (control !== undefined) return { kind: "control", tunnel, ...control };
      this.#pending.delete(tunnel);
    }
    return undefined;
  }

  #of(tunnel: Tunnel): Pending {
    let pending = this.#pending.get(tunnel);
    if (pending === undefined) {
      pending = { changed: false, controls: [] };
      this.#pending.set(tunnel, pending);
    }
    return pending;
  }
}
