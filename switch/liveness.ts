/**
 * Whether a neighbour that sends a heartbeat many times a second is still there.
 *
 * ```
 *   heard --- nothing for max(2 s, 8 heartbeats of the remote) ---> silent
 *     ^------ 4 heartbeats in a row, none of them late ---------------/
 * ```
 *
 * It judges what we hear and nothing else; whether the remote hears us the remote judges. How often the remote sends, the
 * remote says, since it stretches its interval when it has many neighbours.
 *
 * Time in which nobody asked is no silence: after a pause of this thread what has come meanwhile still waits in the socket.
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";

/** The shortest silence that is one. */
const SILENCE_MS = 2_000;
/** So many heartbeats of the remote must be missing. */
const SILENT_HEARTBEATS = 8;
/** What a remote sends as long as it has not said otherwise. */
const REMOTE_MS = 250;
/** What a remote may say: above it the ordinary timeout of a tunnel comes first. */
const LONGEST_REMOTE_MS = 7_000;
/** So many heartbeats in a row end a silence: fewer come through by luck where most are lost. */
const HEARTBEATS_BACK = 4;
/** After so many intervals the next heartbeat begins a new row. */
const ROW_GAP = 3;
/** A question may come so late without being a pause. */
const LATE_MS = 50;
/** A pause after which the remote gets time to be heard anew, because the socket may have lost what came. */
const LONG_PAUSE_MS = 1_000;

/** Judges the silence of one neighbour. Ask {@link silenced} at least at each own heartbeat. */
export class Liveness {
  #heartbeatMs: Millis;
  #remoteMs: Millis = REMOTE_MS;
  #begun = false;
  #silent = false;
  #heardAt: Millis = 0;
  #askedAt: Millis = 0;
  #rowAt: Millis = -Infinity;
  #row = 0;

  /** @param heartbeatMs between our own heartbeats */
  constructor(heartbeatMs: Millis) {
    this.#heartbeatMs = heartbeatMs;
  }

  /** Between our own heartbeats. */
  get heartbeatMs(): Millis {
    return this.#heartbeatMs;
  }

  set heartbeatMs(heartbeatMs: Millis) {
    this.#heartbeatMs = heartbeatMs;
  }

  /** The remote is not heard. */
  get silent(): boolean {
    return this.#silent;
  }

  /** How long nothing may be heard. */
  get silenceMs(): Millis {
    return Math.max(SILENCE_MS, SILENT_HEARTBEATS * this.#remoteMs);
  }

  /** Takes the remote's word how often it sends. */
  remoteEvery(remoteMs: Millis): void {
    this.#remoteMs = Math.min(Math.max(remoteMs, REMOTE_MS), LONGEST_REMOTE_MS);
  }

  /** Begins to judge: from now on the remote should be heard. */
  begin(now: Millis): void {
    this.#begun = true;
    this.#heardAt = now;
    this.#askedAt = now;
  }

  /** Takes a sign of life other than a heartbeat. It ends no silence. */
  alive(at: Millis): void {
    this.#heardAt = Math.max(this.#heardAt, at);
  }

  /** Takes a heartbeat. @returns true if it ended a silence */
  heartbeat(now: Millis): boolean {
    this.#heardAt = now;
    if (!this.#silent) return false;
    const gap = now - this.#rowAt;
    // What waited in the socket comes all at once and says nothing of the path as it is.
    if (gap < this.#remoteMs / 2) return false;
    this.#row = gap > ROW_GAP * this.#remoteMs ? 1 : this.#row + 1;
    this.#rowAt = now;
    if (this.#row < HEARTBEATS_BACK) return false;
    this.#silent = false;
    return true;
  }

  /** Judges. @returns true if the silence began now */
  silenced(now: Millis): boolean {
    if (!this.#begun) return false;
    this.#excuse(now);
    if (this.#silent || now < this.#silentAt()) return false;
    this.#silent = true;
    this.#row = 0;
    this.#rowAt = -Infinity;
    return true;
  }

  /** Returns when the silence begins if nothing is heard. */
  deadline(): Millis {
    return this.#begun && !this.#silent ? this.#silentAt() : Infinity;
  }

  /** Half an interval more: the last of the heartbeats must not race with the verdict. */
  #silentAt(): Millis {
    return this.#heardAt + this.silenceMs + this.#remoteMs / 2;
  }

  #excuse(now: Millis): void {
    const pause = now - this.#askedAt - this.#heartbeatMs - LATE_MS;
    this.#askedAt = now;
    if (pause <= 0) return;
    const heardAt = Math.min(now, this.#heardAt + pause);
    this.#heardAt = pause < LONG_PAUSE_MS ? heardAt : Math.max(heardAt, now - this.silenceMs / 2);
  }
}
