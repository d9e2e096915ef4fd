/**
 * The hot path of `shuttle`, ready to be called again and again: for benchmarks and for the test that it allocates nothing.
 *
 * One call is one superframe of {@link SUPERFRAME_SEGMENTS} segments, unless it says otherwise.
 *
 * @module
 */

import { concat } from "../../base/mod.ts";
import { arraySlab, type Slab } from "../../switch/frame.ts";
import { type CopyBytes, INSPECT_OK, Offload, portableCopy } from "../../switch/offload.ts";
import { Outbox } from "../../switch/outbox.ts";
import {
  type IncomingKey,
  type OpeningKey,
  PieceJoiner,
  RECEIVED,
  ReplayWindow16k,
  type SealingKey,
  ShuttleReceiver,
  ShuttleRelay,
  ShuttleSender,
} from "../../switch/shuttle/mod.ts";
import { MAX_HOPS, setSegmentHops } from "../../switch/wire/shuttle_segment.ts";
import { buildFrame, buildSuperframe } from "./frames.ts";
import { BULK, BULK_GSO_SIZE } from "./hot_paths.ts";
import { incomingKey, outgoingKey } from "./shuttle_world.ts";
import { noAead } from "./toy_aead.ts";

/** Segments of one superframe. */
export const SUPERFRAME_SEGMENTS = 47;

/** Bytes of each body: record header, headers, payload. */
export const BODY_BYTES: number = 12 + 66 + BULK_GSO_SIZE;

/** Bytes of each segment. */
export const SEGMENT_BYTES: number = 16 + BODY_BYTES + 16;

/** Slab that a call needs. */
export const PATHS_SLAB_BYTES: number = 12 << 20;

/** Different superframes that a receiving call goes through; more would need more memory, fewer more windows. */
const TRAINS = 32;

/** Room for one superframe and a half: as in the loop what is written has left the cache seldom. */
const OUTBOX_BYTES = 1 << 17;

/** What a call works with; by default nothing is sealed and bytes are copied without foreign functions. */
export interface PathOptions {
  /** Memory. */
  readonly slab?: Slab;
  /** Copies bytes in it. */
  readonly copy?: CopyBytes;
  /** Seals; `undefined`: in clear. */
  readonly sealing?: SealingKey | undefined;
  /** Opens; `undefined`: in clear. */
  readonly opening?: OpeningKey | undefined;
}

interface Sending {
  readonly slab: Slab;
  readonly outbox: Outbox;
  /** Sends a TAP read. */
  readonly send: () => number;
  readonly flush: () => boolean;
}

function sending(options: PathOptions, read: Uint8Array, outboxBytes: number): Sending {
  const slab = options.slab ?? arraySlab(PATHS_SLAB_BYTES);
  const copy = options.copy ?? portableCopy(slab);
  const sealing = "sealing" in options ? options.sealing : noAead(copy);
  const outbox = new Outbox(slab, outboxBytes, 1_024);
  const offload = new Offload(slab, copy);
  const makeRoom = (): void => outbox.sent(outbox.count - outbox.first);
  const sender = new ShuttleSender({ slab, outbox, offload, copy, count: () => {}, makeRoom });
  const pair = outgoingKey(slab, { key: sealing, segmentBytes: 1_472 });
  const at = slab.alloc(66_048, 64) + 64;
  slab.bytes.set(read, at);
  const send = (): number => {
    if (offload.inspect(at, read.length) !== INSPECT_OK) return -1;
    // A counter that is used up would end the benchmark.
    pair.counter[0] = 0;
    return sender.send(pair, false);
  };
  return { slab, outbox, send, flush: () => sender.flush() };
}

/** Cuts and seals one superframe a call. */
export function shuttleSendCall(options: PathOptions = {}): () => number {
  return sending(options, buildSuperframe(BULK, BULK_GSO_SIZE), OUTBOX_BYTES).send;
}

/** Gathers one small frame a call; every tenth ends the turn. */
export function shuttleGatherCall(options: PathOptions = {}): () => number {
  const frame = buildFrame({ payload: new Uint8Array(46) });
  const { send, flush } = sending(options, concat(new Uint8Array(10), frame), OUTBOX_BYTES);
  let k = 0;
  return () => {
    const result = send();
    return ++k % 10 === 0 && !flush() ? -1 : result;
  };
}

/** Ready-made segments of many superframes, and what opens them. */
interface Receiving {
  readonly slab: Slab;
  readonly copy: CopyBytes;
  readonly receiver: ShuttleReceiver;
  readonly joiner: PieceJoiner;
  /** Where the segments of superframe 0 lie; the others follow. */
  readonly sealed: number;
  /** Where a train is received. */
  readonly slot: number;
  /** Forgets what was seen. */
  readonly renew: () => void;
}

function receiving(options: PathOptions): Receiving {
  const { slab, outbox, send } = sending(
    options,
    buildSuperframe(BULK, BULK_GSO_SIZE),
    (TRAINS + 1) * SUPERFRAME_SEGMENTS * SEGMENT_BYTES,
  );
  for (let i = 0; i < TRAINS; i++) send();
  const opening = "opening" in options ? options.opening : noAead(() => {});
  const known = incomingKey(slab, { key: opening });
  let key: IncomingKey = known;
  const keys = { byId: (): IncomingKey => key, inClear: (): IncomingKey => key };
  return {
    slab,
    copy: options.copy ?? portableCopy(slab),
    receiver: new ShuttleReceiver({ slab, keys, count: () => {} }),
    joiner: new PieceJoiner(slab.view, { tso: true, uso: true, mtuBytes: 1_410 }),
    sealed: outbox.offsets[0] ?? 0,
    slot: slab.alloc(SUPERFRAME_SEGMENTS * SEGMENT_BYTES, 64),
    renew: () => key = { ...known, window: new ReplayWindow16k() },
  };
}

/** Bytes of a segment as it lies in the outbox. */
function segmentBytes(options: PathOptions): number {
  return "sealing" in options && options.sealing === undefined ? SEGMENT_BYTES - 16 : SEGMENT_BYTES;
}

/**
 * Receives, opens and joins one superframe a call. The train is copied to its slot first, since opening changes it:
 * {@link shuttleRestoreCall} is that alone.
 *
 * @param lost segments that are left out at the beginning: the rest is repaired
 */
export function shuttleReceiveCall(options: PathOptions = {}, lost = 0): () => number {
  const { slot, sealed, copy, receiver, joiner, renew } = receiving(options);
  const size = segmentBytes(options);
  const train = SUPERFRAME_SEGMENTS * size;
  let i = 0;
  return () => {
    if (i % TRAINS === 0) renew();
    copy(slot, sealed + (i++ % TRAINS) * train, train);
    for (let k = lost; k < SUPERFRAME_SEGMENTS; k++) {
      if (receiver.receive(slot + k * size, size, 0, 0) !== RECEIVED.RECORDS) return -1;
      while (receiver.next()) if (!joiner.offer(receiver)) return -2;
    }
    return joiner.flush();
  };
}

/** Passes on a train of as many segments as one superframe has, a call. */
export function shuttleRelayCall(): () => number {
  const slab = arraySlab(PATHS_SLAB_BYTES);
  const copy = portableCopy(slab);
  const { outbox: sealed, send } = sending(
    { slab, copy },
    buildSuperframe(BULK, BULK_GSO_SIZE),
    OUTBOX_BYTES,
  );
  send();
  const outbox = new Outbox(slab, OUTBOX_BYTES, 1_024);
  const relay = new ShuttleRelay({
    slab,
    outbox,
    count: () => {},
    beforeWrite: () => {},
    makeRoom: () => outbox.sent(outbox.count - outbox.first),
    clear: false,
    route: () => 5,
  });
  const train = sealed.offsets[0] ?? 0;
  return () => {
    for (let k = 0; k < SUPERFRAME_SEGMENTS - 3; k++) {
      setSegmentHops(slab.view, train + k * SEGMENT_BYTES, MAX_HOPS);
      relay.take(train + k * SEGMENT_BYTES, SEGMENT_BYTES, 1);
    }
    relay.end();
    return outbox.count;
  };
}

/** Copies a train as {@link shuttleReceiveCall} does. */
export function shuttleRestoreCall(options: PathOptions = {}): () => number {
  const { slot, sealed, copy } = receiving(options);
  const train = SUPERFRAME_SEGMENTS * segmentBytes(options);
  let i = 0;
  return () => {
    copy(slot, sealed + (i++ % TRAINS) * train, train);
    return train;
  };
}
