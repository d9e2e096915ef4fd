/**
 * One TCP connection: bytes in, introduction, then messages.
 *
 * ```
 *   introducing --introduced--> open --------------------> closed
 *        \--refused-- refusing: half closed, drained, <= 1 s --/
 * ```
 *
 * It knows nothing of other connections. Who owns it decides after `introduced` whether the connection may stay, and
 * performs the outputs; after `closed` none follow. A *lively* connection, between two weft peers, sends a heartbeat a
 * second and soon gives up a remote that is silent. What comes shortly before a heartbeat is due takes it along, so that one
 * waking serves both directions.
 *
 * @module
 */

import { type Machine, type Millis, WireError } from "../base/mod.ts";
import {
  Handshake,
  type HandshakeOptions,
  type Introduction,
  MAX_FIRST_MESSAGE_BYTES,
} from "./handshake.ts";
import { ByteQueue, heartbeatMessage, MAX_MESSAGE_BYTES, withLength } from "./wire.ts";

/** Longest introduction. */
export const INTRODUCTION_MS = 30_000;
/** Between two heartbeats that we send. */
export const HEARTBEAT_MS = 30_000;
/** Longest time without a whole message from the remote. */
export const READ_TIMEOUT_MS = 60_000;
/** Between two heartbeats on a lively connection. */
export const LIVELY_HEARTBEAT_MS = 1_000;
/** A lively heartbeat goes with what comes if it would be due within this time ... */
const EARLY_MS = 400;
/** ... and the next one is so much later, for the remote to begin again. */
const YIELD_MS = 125;
/** Longest time without a byte on a lively connection whose overlays are silent too. */
export const SILENT_MS = 5_000;
/** The same while an overlay works: the remote is there and the stall may pass, but the mesh needs TCP. */
export const STALLED_MS = 10_000;
/** On a slow path the remote is introduced seconds after us: its first word may take so much longer. */
const FIRST_WORD_MS = 20_000;
/** A tick that comes so late comes before what waits in the socket has been read ... */
const LATE_MS = 250;
/** ... which takes less than this. */
const GRACE_MS = 1_000;
/** How long a refusal waits for the remote to read it. */
export const DRAIN_MS = 1_000;

/** What happens to a connection. */
export type ConnectionInput =
  /** Begin the introduction. */
  | { readonly kind: "start" }
  /** The remote sent bytes. */
  | { readonly kind: "received"; readonly bytes: Uint8Array }
  /** The remote sends no more, or the socket failed. */
  | { readonly kind: "ended"; readonly reason: string | undefined }
  /** Send a message. */
  | { readonly kind: "send"; readonly message: Uint8Array }
  /** The connection is lively; silence is borne for longer while an overlay works. */
  | { readonly kind: "lively"; readonly overlayWorks: boolean }
  /** Tell the remote nothing more, let it read what was sent, close. */
  | { readonly kind: "refuse"; readonly reason: string }
  /** Time has passed. */
  | { readonly kind: "tick" };

/** What a connection wants. */
export type ConnectionOutput =
  /** Write bytes. */
  | { readonly kind: "send"; readonly bytes: Uint8Array }
  /** Close our half. */
  | { readonly kind: "finish" }
  /** The remote is known. */
  | { readonly kind: "introduced"; readonly introduction: Introduction }
  /** A plaintext message came. */
  | { readonly kind: "message"; readonly message: Uint8Array }
  /** It is over. */
  | {
    readonly kind: "closed";
    readonly reason: string;
    /** Position of the password to dial with next time. */
    readonly nextPassword: number | undefined;
  };

interface Open {
  readonly kind: "open";
  readonly with: Introduction;
  heartbeatMs: Millis;
  heartbeatAt: Millis;
  /** A whole message must come before. */
  readUntil: Millis;
  /** When a byte came last; later than now until the first one does. */
  heardAt: Millis;
  /** Longest time without a byte. */
  patienceMs: Millis;
}

type State =
  | { readonly kind: "waiting" }
  | { readonly kind: "introducing"; readonly until: Millis }
  | Open
  | {
    readonly kind: "refusing";
    readonly until: Millis;
    readonly reason: string;
    readonly nextPassword: number | undefined;
  }
  | { readonly kind: "closed" };

/** The core of one TCP connection. */
export class Connection implements Machine<ConnectionInput, ConnectionOutput> {
  #state: State = { kind: "waiting" };
  #handshake: Handshake;
  #received = new ByteQueue();
  #out: ConnectionOutput[] = [];

  /** Prepares it; nothing happens before `start`, bytes that come earlier wait. */
  constructor(options: HandshakeOptions) {
    this.#handshake = new Handshake(options);
  }

  /** Takes one input. */
  handle(input: ConnectionInput, now: Millis): void {
    switch (input.kind) {
      case "start":
        return this.#start(now);
      case "received":
        return this.#receive(input.bytes, now);
      case "ended":
        return this.#ended(input.reason);
      case "send":
        return this.#send(input.message);
      case "lively":
        return this.#enliven(input.overlayWorks, now);
      case "refuse":
        return this.#refuse(input.reason, undefined, now);
      case "tick":
        return this.#tick(now);
    }
  }

  /** Returns the next output. */
  poll(): ConnectionOutput | undefined {
    return this.#out.shift();
  }

  /** When its remote last said something, once it introduced itself. */
  get heardAt(): Millis | undefined {
    const state = this.#state;
    return state.kind === "open" ? state.readUntil - READ_TIMEOUT_MS : undefined;
  }

  /** Returns when it wants a tick. */
  deadline(): Millis | undefined {
    const state = this.#state;
    if (state.kind === "introducing" || state.kind === "refusing") return state.until;
    if (state.kind !== "open") return undefined;
    return Math.min(state.heartbeatAt, state.readUntil, state.heardAt + state.patienceMs);
  }

  #start(now: Millis): void {
    if (this.#state.kind !== "waiting") return;
    this.#state = { kind: "introducing", until: now + INTRODUCTION_MS };
    this.#out.push({ kind: "send", bytes: this.#handshake.start() });
    this.#introduce(now);
  }

  #receive(bytes: Uint8Array, now: Millis): void {
    // What comes while a refusal drains is read only so that closing does not reset the connection.
    if (this.#state.kind === "refusing" || this.#state.kind === "closed") return;
    this.#received.push(bytes);
    if (this.#state.kind === "waiting" && this.#received.length > 2 * MAX_FIRST_MESSAGE_BYTES) {
      return this.#close("it sent too much before it was introduced");
    }
    if (this.#state.kind === "introducing") this.#introduce(now);
    else if (this.#state.kind === "open") {
      // Single bytes count: heartbeats wait behind a large message, which a slow path carries for long.
      this.#state.heardAt = now;
      this.#read(now);
      this.#answer(now);
    }
  }

  #introduce(now: Millis): void {
    for (const output of this.#handshake.receive(this.#received)) {
      if (output.kind === "send") this.#out.push(output);
      else if (output.kind === "refused") this.#refuse(output.reason, output.nextPassword, now);
      else {
        this.#state = {
          kind: "open",
          with: output.introduction,
          heartbeatMs: HEARTBEAT_MS,
          heartbeatAt: now + HEARTBEAT_MS,
          readUntil: now + READ_TIMEOUT_MS,
          heardAt: now + FIRST_WORD_MS,
          patienceMs: Infinity,
        };
        this.#out.push({ kind: "introduced", introduction: output.introduction });
        this.#read(now);
      }
    }
  }

  #read(now: Millis): void {
    try {
      while (this.#state.kind === "open") {
        const record = this.#received.takePayload(MAX_MESSAGE_BYTES);
        if (record === undefined) return;
        const message = this.#state.with.opener.open(record);
        if (message === undefined) return this.#close("cannot open a message: it is not authentic");
        this.#state.readUntil = now + READ_TIMEOUT_MS;
        if (message.length > 0) this.#out.push({ kind: "message", message });
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#close(error.message);
    }
  }

  #answer(now: Millis): void {
    const state = this.#state;
    if (state.kind !== "open" || state.heartbeatMs !== LIVELY_HEARTBEAT_MS) return;
    if (state.heartbeatAt - now > EARLY_MS) return;
    state.heartbeatAt = now + state.heartbeatMs + YIELD_MS;
    this.#send(heartbeatMessage());
  }

  #ended(reason: string | undefined): void {
    const state = this.#state;
    if (state.kind === "refusing") return this.#close(state.reason, state.nextPassword);
    if (state.kind === "open") return this.#close(reason ?? "it closed the connection");
    this.#close(`${reason ?? "it closed the connection"}: ${this.#handshake.describePhase()}`);
  }

  #send(message: Uint8Array): void {
    if (this.#state.kind !== "open") return;
    this.#out.push({ kind: "send", bytes: withLength(this.#state.with.sealer.seal(message)) });
  }

  #enliven(overlayWorks: boolean, now: Millis): void {
    if (this.#state.kind !== "open") return;
    this.#state.heartbeatMs = LIVELY_HEARTBEAT_MS;
    this.#state.heartbeatAt = Math.min(this.#state.heartbeatAt, now + LIVELY_HEARTBEAT_MS);
    this.#state.patienceMs = overlayWorks ? STALLED_MS : SILENT_MS;
  }

  #tick(now: Millis): void {
    const state = this.#state;
    if (state.kind === "introducing" && now >= state.until) {
      this.#close(
        `no answer within ${INTRODUCTION_MS / 1000} s: ${this.#handshake.describePhase()}`,
      );
    } else if (state.kind === "refusing" && now >= state.until) {
      this.#close(state.reason, state.nextPassword);
    } else if (state.kind === "open") this.#tickOpen(state, now);
  }

  #tickOpen(state: Open, now: Millis): void {
    const { patienceMs } = state;
    if (now - (this.deadline() ?? now) > LATE_MS) {
      state.heardAt = Math.max(state.heardAt, now - patienceMs + GRACE_MS);
    }
    if (now >= state.readUntil) return this.#close(`silent for ${READ_TIMEOUT_MS / 1000} s`);
    if (now >= state.heardAt + patienceMs) {
      return this.#close(`silent for ${patienceMs / 1000} s`);
    }
    if (now < state.heartbeatAt) return;
    state.heartbeatAt = now + state.heartbeatMs;
    this.#send(heartbeatMessage());
  }

  #refuse(reason: string, nextPassword: number | undefined, now: Millis): void {
    if (this.#state.kind === "refusing" || this.#state.kind === "closed") return;
    this.#state = { kind: "refusing", until: now + DRAIN_MS, reason, nextPassword };
    this.#received = new ByteQueue();
    this.#out.push({ kind: "finish" });
  }

  #close(reason: string, nextPassword?: number): void {
    if (this.#state.kind === "closed") return;
    this.#state = { kind: "closed" };
    this.#received = new ByteQueue();
    this.#out.push({ kind: "closed", reason, nextPassword });
  }
}
