/**
 * What goes into the core of the mesh and what comes out: the words between `mesh.ts` and `shell.ts`.
 *
 * @module
 */

import type { Endpoint, LogFields, LogLevel, PeerName } from "../base/mod.ts";
import type { Target } from "./target.ts";
import type { MeshEvent } from "./types.ts";

/** What happens to the mesh. */
export type MeshInput =
  /** A TCP connection came in; `id` is from `MeshCore.newId`. */
  | { readonly kind: "accepted"; readonly id: number; readonly remote: Endpoint }
  /** A dial succeeded. */
  | { readonly kind: "dialled"; readonly id: number }
  /** Bytes came. */
  | { readonly kind: "received"; readonly id: number; readonly bytes: Uint8Array }
  /** The socket took bytes of earlier sends. */
  | { readonly kind: "sent"; readonly id: number; readonly bytes: number }
  /** A dial failed, or a connection is closed by the remote; `reason` if it was not in good order. */
  | { readonly kind: "ended"; readonly id: number; readonly reason: string | undefined }
  /** A name was looked up: addresses of 16 bytes, or why there are none. */
  | {
    readonly kind: "resolved";
    readonly host: string;
    readonly answer: readonly Uint8Array[] | string;
  }
  /** Adds targets. */
  | { readonly kind: "connect"; readonly targets: readonly Target[]; readonly replace: boolean }
  /** Removes targets. */
  | { readonly kind: "forget"; readonly targets: readonly string[] }
  /** An overlay of ours speaks to the remote's. */
  | {
    readonly kind: "overlayControl";
    readonly id: number;
    readonly index: number;
    readonly tag: number;
    readonly body: Uint8Array;
  }
  /** An overlay of a connection works, or none does any more. */
  | { readonly kind: "overlayEstablished"; readonly id: number; readonly established: boolean }
  /** No overlay of a connection can work. */
  | { readonly kind: "overlayFailed"; readonly id: number; readonly reason: string }
  /** Gossips an item of a channel to a random part of our neighbours. */
  | { readonly kind: "gossip"; readonly channel: string; readonly item: unknown }
  /** Sends an item of a channel to everybody. */
  | { readonly kind: "broadcast"; readonly channel: string; readonly item: unknown }
  /** Sends a payload to one peer. */
  | {
    readonly kind: "unicast";
    readonly channel: string;
    readonly to: PeerName;
    readonly payload: Uint8Array;
  }
  /** Close everything. */
  | { readonly kind: "stop" }
  /** Time has passed. */
  | { readonly kind: "tick" };

/** What the mesh wants. */
export type MeshOutput =
  /** Dial; answer with `dialled` or `ended`. */
  | { readonly kind: "dial"; readonly id: number; readonly remote: Endpoint }
  /** Write bytes; answer with `sent`. */
  | { readonly kind: "send"; readonly id: number; readonly bytes: Uint8Array }
  /** Close our half after what was written. */
  | { readonly kind: "finish"; readonly id: number }
  /** Close; nothing more is heard or said of it. */
  | { readonly kind: "close"; readonly id: number }
  /** Look a name up. */
  | { readonly kind: "resolve"; readonly host: string }
  /** Tell the router. */
  | { readonly kind: "event"; readonly event: MeshEvent }
  /** Write a line. */
  | {
    readonly kind: "log";
    readonly level: LogLevel;
    readonly message: string;
    readonly fields: LogFields;
  };
