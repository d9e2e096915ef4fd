/**
 * Ethernet addresses as 48-bit numbers.
 *
 * A number holds 48 bits exactly, compares like the bytes and is a cheap map key. On the hot path an address is
 * two integers instead (upper 16, lower 32 bits), so that nothing is boxed.
 *
 * @module
 */

import { WireError } from "./bytes.ts";

/** A MAC address: an integer from 0 to 2^48 - 1, first byte on the wire uppermost. */
export type Mac = number;

/** ff:ff:ff:ff:ff:ff */
export const BROADCAST_MAC: Mac = 0xffff_ffff_ffff;

/** Upper 16 bits of a MAC. */
export function macHigh(mac: Mac): number {
  return Math.floor(mac / 0x1_0000_0000);
}

/** Lower 32 bits of a MAC, unsigned. */
export function macLow(mac: Mac): number {
  return mac % 0x1_0000_0000;
}

/** Joins the halves that {@link macHigh} and {@link macLow} return. */
export function macOf(high: number, low: number): Mac {
  return high * 0x1_0000_0000 + (low >>> 0);
}

/** Tells whether a MAC addresses a group (multicast or broadcast): lowest bit of its first byte (IEEE 802). */
export function isGroupMac(mac: Mac): boolean {
  return (macHigh(mac) & 0x0100) !== 0;
}

/** Formats a MAC as `02:00:00:00:00:01`. */
export function formatMac(mac: Mac): string {
  return mac.toString(16).padStart(12, "0").replace(/..(?!$)/g, "$&:");
}

/** Parses six colon-separated groups of one or two hex digits. @throws {WireError} for anything else */
export function parseMac(text: string): Mac {
  if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(text)) {
    throw new WireError(`MAC "${text}"`, 0, "six colon-separated groups of two hex digits");
  }
  return text.split(":").reduce((mac, group) => mac * 256 + parseInt(group, 16), 0);
}

/** Returns the 6 bytes of a MAC in wire order. */
export function macToBytes(mac: Mac): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, macHigh(mac));
  view.setUint32(2, macLow(mac));
  return bytes;
}

/** Reads 6 bytes in wire order. @throws {WireError} if there are fewer than `offset + 6` */
export function macFromBytes(bytes: Uint8Array, offset = 0): Mac {
  if (bytes.length < offset + 6) throw new WireError("MAC", offset, "6 bytes");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return macOf(view.getUint16(offset), view.getUint32(offset + 2));
}
