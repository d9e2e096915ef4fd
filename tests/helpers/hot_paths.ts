/**
 * The hot functions of `switch/`, each ready to be called again and again: for benchmarks and for the test that they
 * allocate nothing.
 *
 * @module
 */

import { BridgeAnswers } from "../../switch/bridge_answers.ts";
import { isBulk } from "../../switch/bulk.ts";
import { arraySlab, type Slab } from "../../switch/frame.ts";
import { Forwarding } from "../../switch/forwarding.ts";
import { Joiner } from "../../switch/joiner.ts";
import { MacTable } from "../../switch/mac_table.ts";
import { type CopyBytes, INSPECT_OK, Offload, portableCopy } from "../../switch/offload.ts";
import { Pace } from "../../switch/pace.ts";
import { Polling } from "../../switch/polling.ts";
import { StormLimiter } from "../../switch/storm_limiter.ts";
import { Urgency } from "../../switch/urgency.ts";
import { Warmth } from "../../switch/warmth.ts";
import { sum16 } from "../../switch/wire/checksum.ts";
import { buildFrame, buildSuperframe, type FrameSpec } from "./frames.ts";

/** A superframe of 47 pieces as TCP of a container on an MTU of 1410 makes it. */
export const BULK: FrameSpec = {
  options: Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2),
  payload: new Uint8Array(47 * 1_358).map((_, i) => i * 31),
};

/** Payload bytes of each piece of {@link BULK}. */
export const BULK_GSO_SIZE = 1_358;

/** Sums 1400 bytes at a time. */
export function checksumCall(): () => number {
  const { view } = arraySlab(2_048);
  for (let i = 0; i < 2_048; i++) view.setUint8(i, i * 7);
  let k = 0;
  return () => sum16(view, 2 + (k++ & 63), 1_400, 0);
}

/** Looks up one of 4096 addresses, or ones that are not there. */
export function macLookupCall(hit: boolean): () => number {
  const macs = new MacTable({ self: 0, ownMacs: [], seed: 12_345 });
  for (let i = 0; i < 4_096; i++) macs.learnRemote(0x0a00, i * 257, 1, 0);
  const high = hit ? 0x0a00 : 0x0a01;
  let k = 0;
  return () => macs.lookup(high, (k++ & 4_095) * 257);
}

/** Learns known addresses of a peer again: the refresh of each received frame. */
export function macRefreshCall(): () => number {
  const macs = new MacTable({ self: 0, ownMacs: [], seed: 12_345 });
  let k = 0;
  return () => macs.learnRemote(0x0a00, k++ & 4_095, 1, k);
}

/** Writes one piece of a superframe after the other; inspects again at each end. */
export function splitCall(
  slab: Slab = arraySlab(262_144),
  copy: CopyBytes = portableCopy(slab),
): () => number {
  const offload = new Offload(slab, copy);
  const read = buildSuperframe(BULK, BULK_GSO_SIZE);
  const from = slab.alloc(66_048);
  const to = slab.alloc(2_048) + 14;
  slab.bytes.set(read, from);
  let k = 0;
  return () => {
    if (k === 0 && offload.inspect(from, read.length) !== INSPECT_OK) return -1;
    const length = offload.writePiece(k, to);
    k = k + 1 === offload.pieces ? 0 : k + 1;
    return length;
  };
}

/** Offers one frame of a flow after the other; flushes at each end. */
export function joinCall(vouched: boolean): () => number {
  const slab = arraySlab(262_144);
  const joiner = new Joiner(slab, { tso: true, uso: true });
  const count = 47;
  const stride = 2_048;
  const begin = slab.alloc(count * stride) + 14;
  const frames = Array.from({ length: count }, (_, k) =>
    buildFrame({
      ...BULK,
      id: k,
      sequence: k * BULK_GSO_SIZE,
      payload: BULK.payload.slice(k * BULK_GSO_SIZE, (k + 1) * BULK_GSO_SIZE),
    }));
  frames.forEach((frame, k) => slab.bytes.set(frame, begin + k * stride));
  const length = frames[0]?.length ?? 0;
  // The joiner changes the first frame's headers: a copy brings them back.
  const header = slab.alloc(128);
  slab.bytes.copyWithin(header, begin, begin + 66);
  let k = 0;
  return () => {
    const joined = joiner.offer(begin + k * stride, length, vouched);
    k++;
    if (k < count) return joined ? 1 : -1;
    k = 0;
    const entries = joiner.flush();
    slab.bytes.copyWithin(begin, header, header + 66);
    return entries;
  };
}

/** Decides on captured frames, half of them for a peer, half flooded. */
export function decideCapturedCall(): () => number {
  const { forwarding, view } = forwardingWithFrame();
  let k = 0;
  return () => {
    k++;
    view.setUint8(5, k & 1);
    return forwarding.decideCaptured(view, 0, 1_400, k);
  };
}

/** Decides on frames that are relayed, each a different one: the limiter hashes them. */
export function decideRelayCall(): () => number {
  const { forwarding, view } = forwardingWithFrame();
  let k = 0;
  return () => {
    view.setInt32(40, k++);
    return forwarding.decideReceived(view, 0, 1_400, 2, 1, 2, k);
  };
}

/** Asks the limiter about frames, each a different one. */
export function stormCall(): () => number {
  const { view } = forwardingWithFrame();
  const limiter = new StormLimiter();
  let k = 0;
  return () => {
    view.setInt32(40, k++);
    return limiter.admit(view, 0, 1_400, 1, k) ? 1 : 0;
  };
}

/** Asks how to wait, with times that have a fraction. */
export function paceCall(): () => number {
  const pace = new Pace(true);
  let k = 0;
  return () => {
    const now = k++ / 16;
    pace.waited(now, now + (k & 1) / 8, pace.watches(now));
    return pace.tires(now) ? 1 : 0;
  };
}

/** Works and waits, for longer and shorter, and asks whether to look again. */
export function pollingCall(): () => number {
  const polling = new Polling({ spinUs: 200, cpus: 2, realtime: true });
  let k = 0;
  return () => {
    const now = k++ / 16;
    polling.moved(1 + k % 3, now);
    if (polling.fresh) polling.begins(now + (k & 7) / 128);
    return polling.polls(now) ? 1 : 0;
  };
}

/** Moves frames now and then, and asks whether the next one will come soon. */
export function warmthCall(): () => number {
  const warmth = new Warmth();
  let k = 0;
  return () => {
    k++;
    warmth.turned(k >> 1, k >> 3);
    return warmth.lasts(k >> 1) ? 1 : 0;
  };
}

/** Moves frames, close together and far apart. */
export function urgencyCall(): () => number {
  const urgency = new Urgency();
  let k = 0;
  return () => {
    k++;
    urgency.turned(k >> 1, (k & 0x1000) === 0 ? k : k & ~0xfff, (k & 0x2000) === 0);
    return urgency.urgent ? 1 : 0;
  };
}

/** Looks whether a frame belongs to bulk. */
export function bulkCall(): () => number {
  const { view } = forwardingWithFrame();
  let k = 0;
  return () => isBulk(view, 0, 60 + (k++ & 1_023), k & 1) ? 1 : 0;
}

/** Writes, waits and looks for answers, which come or not. */
export function answersCall(): () => number {
  const answers = new BridgeAnswers();
  let k = 0;
  return () => {
    const now = k++ >> 1;
    if (answers.wrote(now)) answers.looked((k & 7) > 0);
    else answers.readable(now);
    return now;
  };
}

/** Decides on a frame that shuttle opened. */
export function decideOpenedCall(): () => number {
  const { forwarding, view } = forwardingWithFrame();
  let k = 0;
  return () => forwarding.decideOpened(view, 0, 1, k++);
}

function forwardingWithFrame(): { forwarding: Forwarding; view: DataView } {
  const forwarding = new Forwarding({ ownMacs: [], seed: 1 });
  const peers = [1, 2, 3].map((name, i) => ({
    name,
    nextHop: i,
    edges: [0, 1, 2].filter((other) => other !== i),
    shortId: i,
  }));
  forwarding.configure({ self: 0, peers });
  const bytes = new Uint8Array(2_048);
  bytes.set(buildFrame({ payload: new Uint8Array(1_346) }));
  forwarding.macs.learnRemote(0x0a00, 0, 1, 0);
  return { forwarding, view: new DataView(bytes.buffer) };
}
