/**
 * Segments of the overlay `shuttle`, as they travel in UDP (spec/shuttle.md 2).
 *
 * ```
 *    0  type 1           0x11 data, 0x13 path probe, 0x15 fragment, 0x17 link probe; in clear 0x21, 0x23, 0x25
 *    1  hops 1           16 at first, a relay lowers it; the only byte that is not bound to the tag
 *    2  destination 2    short id of the peer that opens it
 *    4  origin 2         short id of the peer that sealed it
 *    6  key id 2         chosen by the receiver
 *    8  counter 8        per key, from 1
 *   16  records, a part of one, or a probe; ciphertext unless in clear
 *   ..  tag 16           absent in clear
 *
 *   nonce   salt 4, the type XORed into its first byte | counter 8, as in the segment
 * ```
 *
 * Big-endian. The counter is two integers, upper and lower 32 bits, signed. Everything works on memory by offset.
 *
 * @module
 */

/** Bytes before the body. */
export const SEGMENT_HEADER_BYTES = 16;

/** Bytes of the tag behind a sealed body. */
export const SEGMENT_TAG_BYTES = 16;

/** Bytes of a nonce. */
export const SEGMENT_NONCE_BYTES = 12;

/** Hops of a new segment, and the most that a valid one has. */
export const MAX_HOPS = 16;

/** Types; all are odd, since the first byte of a sleeve datagram is even. */
export const SEGMENT = {
  /** Records. */
  DATA: 0x11,
  /** A probe of the whole way to a peer. */
  PATH_PROBE: 0x13,
  /** A part of one record. */
  FRAGMENT: 0x15,
  /** A probe of a neighbour's address; never relayed. */
  LINK_PROBE: 0x17,
  /** Records in clear. */
  PLAIN_DATA: 0x21,
  /** A path probe in clear. */
  PLAIN_PATH_PROBE: 0x23,
  /** A part of one record in clear. */
  PLAIN_FRAGMENT: 0x25,
} as const;

/** Added to a sealed type it gives the one in clear. */
export const PLAIN_STEP: number = SEGMENT.PLAIN_DATA - SEGMENT.DATA;

const PLAIN_BIT = 0x20;

/** Tells whether a datagram is a segment and none of sleeve, unless a neighbour's name is odd. hot path */
export function isShuttle(view: DataView, datagram: number): boolean {
  return (view.getUint8(datagram) & 1) !== 0;
}

/** Returns the type. hot path */
export function segmentType(view: DataView, segment: number): number {
  return view.getUint8(segment);
}

/** Tells whether a type is one in clear. hot path */
export function isPlainType(type: number): boolean {
  return (type & PLAIN_BIT) !== 0;
}

/** Returns the hops that are left. hot path */
export function segmentHops(view: DataView, segment: number): number {
  return view.getUint8(segment + 1);
}

/** Sets the hops that are left: a relay's only change. hot path */
export function setSegmentHops(view: DataView, segment: number, hops: number): void {
  view.setUint8(segment + 1, hops);
}

/** Returns the short id of the peer that opens it. hot path */
export function segmentDestination(view: DataView, segment: number): number {
  return view.getUint16(segment + 2);
}

/** Returns the short id of the peer that sealed it. hot path */
export function segmentOrigin(view: DataView, segment: number): number {
  return view.getUint16(segment + 4);
}

/** Returns the key id. hot path */
export function segmentKeyId(view: DataView, segment: number): number {
  return view.getUint16(segment + 6);
}

/** Returns the upper half of the counter, signed. hot path */
export function segmentCounterHigh(view: DataView, segment: number): number {
  return view.getInt32(segment + 8);
}

/** Returns the lower half of the counter, signed. hot path */
export function segmentCounterLow(view: DataView, segment: number): number {
  return view.getInt32(segment + 12);
}

/** Returns the bytes around the body of such a segment: header and tag. hot path */
export function segmentOverheadBytes(type: number): number {
  return isPlainType(type) ? SEGMENT_HEADER_BYTES : SEGMENT_HEADER_BYTES + SEGMENT_TAG_BYTES;
}

/** Tells whether a segment has a known type and is long enough for it: the accessors then stay inside. hot path */
export function segmentIsWhole(view: DataView, segment: number, length: number): boolean {
  if (length < SEGMENT_HEADER_BYTES) return false;
  const type = view.getUint8(segment);
  const known = (type & 1) !== 0 && (
    type >= SEGMENT.DATA && type <= SEGMENT.LINK_PROBE ||
    type >= SEGMENT.PLAIN_DATA && type <= SEGMENT.PLAIN_FRAGMENT
  );
  return known && length >= segmentOverheadBytes(type);
}

/** Writes a header; the hops are those of a new segment. hot path */
export function writeSegmentHeader(
  view: DataView,
  at: number,
  type: number,
  destination: number,
  origin: number,
  keyId: number,
  counterHigh: number,
  counterLow: number,
): void {
  view.setUint8(at, type);
  view.setUint8(at + 1, MAX_HOPS);
  view.setUint16(at + 2, destination);
  view.setUint16(at + 4, origin);
  view.setUint16(at + 6, keyId);
  view.setInt32(at + 8, counterHigh);
  view.setInt32(at + 12, counterLow);
}

/**
 * Writes the nonce of a segment that has its header. hot path
 *
 * @param nonce where the {@link SEGMENT_NONCE_BYTES} bytes go
 * @param salt of the key, its four bytes as a big-endian integer
 */
export function writeSegmentNonce(
  view: DataView,
  nonce: number,
  salt: number,
  segment: number,
): void {
  view.setInt32(nonce, salt ^ (view.getUint8(segment) << 24));
  view.setInt32(nonce + 4, view.getInt32(segment + 8));
  view.setInt32(nonce + 8, view.getInt32(segment + 12));
}

const NAMES: Readonly<Record<number, string>> = {
  [SEGMENT.DATA]: "data",
  [SEGMENT.PATH_PROBE]: "path probe",
  [SEGMENT.FRAGMENT]: "fragment",
  [SEGMENT.LINK_PROBE]: "link probe",
  [SEGMENT.PLAIN_DATA]: "plain data",
  [SEGMENT.PLAIN_PATH_PROBE]: "plain path probe",
  [SEGMENT.PLAIN_FRAGMENT]: "plain fragment",
};

/** Formats the header of a segment on one line, for tests and debugging. */
export function formatSegment(view: DataView, segment: number, length: number): string {
  if (!segmentIsWhole(view, segment, length)) return `shuttle: ${length} bytes, no segment`;
  const type = view.getUint8(segment);
  const body = length - segmentOverheadBytes(type);
  return `shuttle ${NAMES[type]} ${hex16(view, segment + 4)} > ${hex16(view, segment + 2)}, ` +
    `key ${hex16(view, segment + 6)}, counter ${view.getBigUint64(segment + 8)}, ` +
    `hops ${view.getUint8(segment + 1)}, ${body} bytes`;
}

function hex16(view: DataView, at: number): string {
  return view.getUint16(at).toString(16).padStart(4, "0");
}
