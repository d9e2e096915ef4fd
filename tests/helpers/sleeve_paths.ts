/**
 * The hot path of the overlay `sleeve`, ready to be called again and again: for benchmarks and for the test that it
 * allocates nothing.
 *
 * @module
 */

import { parseEndpoint } from "../../base/mod.ts";
import { arraySlab, type Slab } from "../../switch/frame.ts";
import { Outbox } from "../../switch/outbox.ts";
import type { FrameRef, Overlay, Secretbox, Tunnel } from "../../switch/overlay/mod.ts";
import { sleeveOverlay } from "../../switch/overlay/mod.ts";
import { buildFrame } from "./frames.ts";

const US = 0x0200_0000_0001;
const THEM = 0xfe00_8000_0002;
const REMOTE = parseEndpoint("192.0.2.2:6783");

/** A full frame on an underlay of 1500 bytes, sealed. */
export const FULL_FRAME_BYTES = 1_428;

/** Passes for a cipher that costs nothing: what is left is the overlay. */
export const noCipher: Secretbox = {
  name: "none",
  addKey: () => 0,
  removeKey: () => {},
  seal: () => {},
  open: () => true,
};

interface Bench {
  readonly slab: Slab;
  readonly outbox: Outbox;
  readonly overlay: Overlay;
  readonly tunnel: Tunnel;
}

function join(self: number, peer: number, slab: Slab, secretbox: Secretbox): Bench {
  const outbox = new Outbox(slab, 1 << 19, 512);
  const overlay = sleeveOverlay({ slab, outbox, secretbox, self, count: () => {} });
  const key = new Uint8Array(32).fill(7);
  const outbound = self === US;
  const common = { link: 1, index: 0, connUid: 1n };
  const tunnel = overlay.open({ ...common, peer, outbound, key, remote: REMOTE }, 0, 0);
  tunnel.pathMtu(1_500, 0);
  return { slab, outbox, overlay, tunnel };
}

/** Packs and seals one frame a call; the outbox is emptied when it is full. */
export function sleeveSendCall(
  frameBytes: number,
  slab: Slab = arraySlab(2 << 20),
  secretbox: Secretbox = noCipher,
): () => number {
  const { outbox, tunnel } = join(US, THEM, slab, secretbox);
  const at = slab.alloc(2_048) + 3;
  slab.bytes.set(buildFrame({ df: true, payload: new Uint8Array(frameBytes - 54) }), at);
  const frame: FrameRef = {
    offset: at,
    length: frameBytes,
    originHigh: 0x0200,
    originLow: 1,
    destinationHigh: 0xfe00,
    destinationLow: 0x8000_0002 | 0,
    flooded: false,
  };
  return () => {
    if (tunnel.send(frame) === 0) return 0;
    tunnel.flush();
    outbox.sent(outbox.count - outbox.first);
    return tunnel.send(frame);
  };
}

/** Opens one datagram a call and takes its records; each has a number of its own. */
export function sleeveReceiveCall(frameBytes: number, frames: number): () => number {
  const slab = arraySlab(2 << 20);
  const sender = join(US, THEM, slab, noCipher);
  const { overlay } = join(THEM, US, slab, noCipher);
  const at = slab.alloc(2_048) + 3;
  slab.bytes.set(buildFrame({ df: true, payload: new Uint8Array(frameBytes - 54) }), at);
  for (let i = 0; i < frames; i++) {
    sender.tunnel.send({
      offset: at,
      length: frameBytes,
      originHigh: 0x0200,
      originLow: 1,
      destinationHigh: 0xfe00,
      destinationLow: 0x8000_0002 | 0,
      flooded: false,
    });
  }
  sender.tunnel.flush();
  const datagram = sender.outbox.offsets[0] ?? 0;
  const length = sender.outbox.lengths[0] ?? 0;
  const source = (): typeof REMOTE => REMOTE;
  let sequence = 0;
  return () => {
    slab.view.setInt32(datagram + 10, sequence++);
    if (!overlay.receive(datagram, length, source, 1)) return -1;
    let taken = 0;
    for (let frame = overlay.next(); frame !== undefined; frame = overlay.next()) {
      taken += frame.length;
    }
    return taken;
  };
}
