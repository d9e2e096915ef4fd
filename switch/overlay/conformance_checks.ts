/**
 * Frames for the conformance suite, and its checks: a core has no assertion library.
 *
 * @module
 */

import type { Delivered, Net } from "./conformance_net.ts";

/** Returns a frame of no known protocol with bytes of its own. */
export function frame(net: Net, length: number, seed: number): Delivered {
  const bytes = new Uint8Array(length).map((_, i) => (i * 31 + seed * 17 + (i >>> 8)) & 255);
  bytes.set([0x0a, 0, 0, 0, 0, 2, 0x0a, 0, 0, 0, 0, 1, 0x88, 0xb5]);
  return { origin: net.a.name, destination: net.b.name, bytes };
}

/** Returns an IPv4 frame; its header checksum is left zero. */
export function ipv4(net: Net, length: number, df: boolean): Delivered {
  const each = frame(net, length, 1);
  const view = new DataView(each.bytes.buffer);
  view.setUint16(12, 0x0800);
  view.setUint32(14, 0x4500_0000 + length - 14);
  view.setUint32(18, df ? 0x4000 : 0);
  view.setUint32(22, 0x4011_0000);
  return each;
}

/** Returns the total length of an IPv4 frame. */
export function totalLength(bytes: Uint8Array): number {
  return (bytes[16] ?? 0) * 256 + (bytes[17] ?? 0);
}

/** Returns bytes that resemble a datagram, or not at all. */
export function mangle(sample: Uint8Array, random: () => number): Uint8Array {
  const kind = random();
  if (kind < 0.1) return new Uint8Array(Math.floor(random() * 100)).map(() => random() * 256);
  const bytes = sample.slice(0, kind < 0.4 ? Math.floor(random() * (sample.length + 1)) : 200);
  const changes = 1 + Math.floor(random() * 4);
  for (let i = 0; i < changes && bytes.length > 0; i++) {
    bytes[Math.floor(random() * bytes.length)] = random() * 256;
  }
  return bytes;
}

/**
 * Compares frames that came with those that were sent.
 *
 * @param ordered they must have come in order
 * @throws {Error} if one is missing, differs or came twice
 */
export function sameFrames(
  delivered: readonly Delivered[],
  wanted: readonly Delivered[],
  ordered: boolean,
): void {
  const text = ({ origin, destination, bytes }: Delivered): string =>
    `${origin} ${destination} ${bytes.toHex()}`;
  const left = delivered.map(text);
  const right = wanted.map(text);
  if (!ordered) {
    left.sort();
    right.sort();
  }
  holds(left.length === right.length, `${left.length} frames came instead of ${right.length}`);
  left.forEach((each, i) => holds(each === right[i], `frame ${i} differs`));
}

/** Checks a fact. @throws {Error} if it does not hold */
export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(`Does not conform: ${what}`);
}

/** Compares two values by their JSON. @throws {Error} if they differ */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`Does not conform: ${what}: ${left} instead of ${right}`);
}
