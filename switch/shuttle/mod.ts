/**
 * Shuttle: superframes between two weft peers, sealed end to end (spec/shuttle.md).
 *
 * ```
 *   TAP -> Offload.inspect -> ShuttleSender -> outbox -> UDP ... relays: the train as it is ... UDP
 *                                                                                               |
 *   TAP <- one writev <- PieceJoiner <- records, checked <- ShuttleReceiver <-------------------+
 *
 *   keys.ts       what both must know of a pair       window.ts      counters that were seen
 *   sender.ts     frames and superframes -> segments  segment_writer.ts   header, counter, cipher
 *   receiver.ts   segments -> records                 fragments.ts   records larger than a segment
 *   piece_joiner.ts   pieces -> superframes           aead.ts        the cipher, passed in
 *   pairs.ts, pair.ts who can be reached so           pair_path.ts   probes of a path
 *   relay.ts      segments for others
 * ```
 *
 * It carries what the kernel left undone (cuts, checksums) instead of doing it. Pairs are above links: it is no tunnel of
 * `overlay/`. It does not agree on keys, nor decide who gets a frame.
 *
 * The loop of the worker is its only caller.
 *
 * @module
 */

export type { Slab } from "../frame.ts";
export type { CopyBytes, Offload } from "../offload.ts";
export type { Outbox } from "../outbox.ts";
export type { RecordHeaders } from "../wire/shuttle_record.ts";
export type { OpeningKey, SealingKey } from "./aead.ts";
export { Fragments } from "./fragments.ts";
export {
  type IncomingKey,
  type IncomingKeys,
  isRekeyDue,
  isUsedUp,
  newCounter,
  type OutgoingKey,
} from "./keys.ts";
export {
  PIECE_IOVECS,
  PieceJoiner,
  type PieceJoinerOptions,
  type ReceivedRecord,
} from "./piece_joiner.ts";
export type { PairCiphers, ShuttleHop } from "./pair.ts";
export { PAIR, Pairs, type PairsParts, type ShuttleLinks } from "./pairs.ts";
export { RECEIVED, type ReceiverParts, ShuttleReceiver } from "./receiver.ts";
export { type RelayParts, ShuttleRelay } from "./relay.ts";
export { SHUTTLE_OVERLAY } from "./shuttle_overlay.ts";
export type { WriterParts } from "./segment_writer.ts";
export { pairMtuBytes, type ProbeSpec, type SenderParts, ShuttleSender } from "./sender.ts";
export { ReplayWindow16k, WINDOW_COUNTERS } from "./window.ts";
