/**
 * What a kernel makes of a superframe, the slow and obvious way; and what it must never be given.
 *
 * @module
 */

import assert from "node:assert/strict";
import { concat } from "../../base/mod.ts";
import { slowSum } from "./frames.ts";

const VIRTIO = 10;

/** The virtio header of a frame in words. */
interface Virtio {
  readonly flags: number;
  readonly type: number;
  readonly headerLength: number;
  readonly gsoSize: number;
  readonly start: number;
  readonly offset: number;
}

function virtioOf(write: Uint8Array): Virtio {
  const view = new DataView(write.buffer, write.byteOffset);
  return {
    flags: view.getUint8(0),
    type: view.getUint8(1),
    headerLength: view.getUint16(2, true),
    gsoSize: view.getUint16(4, true),
    start: view.getUint16(6, true),
    offset: view.getUint16(8, true),
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function networkOf(frame: Uint8Array): number {
  let at = 14;
  const view = viewOf(frame);
  while (at < 22 && [0x8100, 0x88a8].includes(view.getUint16(at - 2))) at += 4;
  return at;
}

/** Cuts what is read from or written to a TAP into the frames that it stands for, with complete checksums. */
export function segmentFrames(write: Uint8Array): Uint8Array[] {
  const virtio = virtioOf(write);
  const frame = write.slice(VIRTIO);
  if ((virtio.flags & 1) === 0) return [frame];
  if (virtio.type === 0) return [complete(frame, virtio)];
  const isTcp = virtio.type !== 5;
  const transportBytes = isTcp ? ((frame[virtio.start + 12] ?? 0) >>> 4) * 4 : 8;
  const header = virtio.start + transportBytes;
  const whole = frame.length - header;
  const count = Math.ceil(whole / virtio.gsoSize);
  return Array.from({ length: count }, (_, k) => {
    const payload = frame.subarray(header + k * virtio.gsoSize).subarray(0, virtio.gsoSize);
    const piece = concat(frame.subarray(0, header), payload);
    setLengths(piece, virtio, k);
    if (isTcp) setTcp(piece, virtio, k, count);
    else viewOf(piece).setUint16(virtio.start + 4, payload.length + 8);
    return complete(piece, virtio);
  });
}

function setLengths(piece: Uint8Array, virtio: Virtio, k: number): void {
  const view = viewOf(piece);
  const network = networkOf(piece);
  const length = piece.length - virtio.start;
  let field: number;
  if (view.getUint16(network - 2) === 0x0800) {
    view.setUint16(network + 2, piece.length - network);
    view.setUint16(network + 4, view.getUint16(network + 4) + k);
    view.setUint16(network + 10, 0);
    view.setUint16(network + 10, slowSum(piece.subarray(network, virtio.start)) ^ 0xffff);
    field = slowSum(pseudo(piece.subarray(network + 12, network + 20), virtio, length));
  } else {
    view.setUint16(network + 4, piece.length - network - 40);
    field = slowSum(pseudo(piece.subarray(network + 8, network + 40), virtio, length));
  }
  view.setUint16(virtio.start + virtio.offset, field);
}

function pseudo(addresses: Uint8Array, virtio: Virtio, length: number): Uint8Array {
  return concat(addresses, Uint8Array.of(0, virtio.offset === 6 ? 17 : 6, length >> 8, length));
}

function setTcp(piece: Uint8Array, virtio: Virtio, k: number, count: number): void {
  const view = viewOf(piece);
  const tcp = virtio.start;
  view.setUint32(tcp + 4, view.getUint32(tcp + 4) + k * virtio.gsoSize);
  let mask = 0xff;
  if (k > 0) mask &= ~0x80;
  if (k < count - 1) mask &= ~0x09;
  view.setUint8(tcp + 13, view.getUint8(tcp + 13) & mask);
}

/** Replaces the partial checksum by the whole one. */
function complete(frame: Uint8Array, virtio: Virtio): Uint8Array {
  const sum = slowSum(frame.subarray(virtio.start)) ^ 0xffff;
  viewOf(frame).setUint16(virtio.start + virtio.offset, sum === 0 ? 0xffff : sum);
  return frame;
}

/** Fails unless the virtio header of what is written to a TAP is one that a kernel makes itself. */
export function assertKernelSafe(write: Uint8Array): void {
  const virtio = virtioOf(write);
  const frame = write.subarray(VIRTIO);
  assert.ok(frame.length >= 14, "no Ethernet header");
  assert.ok(virtio.headerLength <= frame.length, "hdr_len");
  if (virtio.type === 0) {
    assert.equal(virtio.flags & ~3, 0, "flags of a frame");
    assert.equal(virtio.gsoSize, 0, "gso_size of a frame");
    assert.ok(virtio.start + virtio.offset + 2 <= frame.length, "checksum outside the frame");
    return;
  }
  assert.equal(virtio.flags, 1, "flags of a superframe");
  assert.ok([1, 4, 5, 0x81, 0x84].includes(virtio.type), `gso_type ${virtio.type}`);
  // Small datagrams of one flow may be joined: at most 64 of them, as many as came.
  assert.ok(virtio.gsoSize >= (virtio.type === 5 ? 1 : 48), "gso_size");
  const view = viewOf(frame);
  const network = networkOf(frame);
  const isTcp = virtio.type !== 5;
  const isIpv4 = view.getUint16(network - 2) === 0x0800;
  assert.equal(view.getUint8(network) >>> 4, isIpv4 ? 4 : 6, "IP version");
  if (isIpv4) {
    assert.notEqual(virtio.type & 0x7f, 4, "IPv4 as TCPv6");
    assert.equal(view.getUint16(network + 2), frame.length - network, "IPv4 total length");
    assert.equal(view.getUint16(network + 6) & 0x3fff, 0, "a fragment");
    assert.equal(view.getUint8(network + 9), isTcp ? 6 : 17, "protocol");
    assert.equal(virtio.start, network + (view.getUint8(network) & 15) * 4, "csum_start");
  } else {
    assert.equal(view.getUint16(network - 2), 0x86dd, "EtherType");
    assert.notEqual(virtio.type & 0x7f, 1, "IPv6 as TCPv4");
    assert.equal(view.getUint16(network + 4), frame.length - network - 40, "payload length");
    assert.equal(view.getUint8(network + 6), isTcp ? 6 : 17, "next header");
    assert.equal(virtio.start, network + 40, "csum_start");
  }
  assert.equal(virtio.offset, isTcp ? 16 : 6, "csum_offset");
  const transport = isTcp ? (view.getUint8(virtio.start + 12) >>> 4) * 4 : 8;
  assert.ok(!isTcp || transport >= 20, "data offset");
  const payload = frame.length - virtio.start - transport;
  assert.equal(virtio.headerLength, virtio.start + transport, "hdr_len of a superframe");
  assert.ok(payload > virtio.gsoSize, "one piece is no superframe");
  assert.ok(isTcp || payload <= 64 * virtio.gsoSize, "too many datagrams");
}
