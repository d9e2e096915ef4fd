/**
 * Probes of the overlay `shuttle`: is the peer there, and does so large a segment pass (spec/shuttle.md 5 and 6).
 *
 * ```
 *   0 kind 1 (1 probe, 2 answer) | 1 zero 1 | 2 size 2 | 4 token 8 | 12 zeros, up to the size under test
 * ```
 *
 * Big-endian. The size is that of the whole segment, the UDP payload. An answer repeats size and token and has no padding.
 *
 * @module
 */

/** Bytes of a probe without padding, and of an answer. */
export const PROBE_BYTES = 12;

/** Kinds. */
export const PROBE = {
  /** Please answer. */
  ASK: 1,
  /** It arrived. */
  ANSWER: 2,
} as const;

/** Tells whether the body of a probe is one; the accessors then stay inside. */
export function probeIsWhole(view: DataView, body: number, length: number): boolean {
  if (length < PROBE_BYTES) return false;
  const kind = view.getUint8(body);
  return kind === PROBE.ASK || kind === PROBE.ANSWER;
}

/** Returns the kind. */
export function probeKind(view: DataView, body: number): number {
  return view.getUint8(body);
}

/** Returns the size under test, in bytes of UDP payload. */
export function probeSize(view: DataView, body: number): number {
  return view.getUint16(body + 2);
}

/** Returns the upper half of the token, signed. */
export function probeTokenHigh(view: DataView, body: number): number {
  return view.getInt32(body + 4);
}

/** Returns the lower half of the token, signed. */
export function probeTokenLow(view: DataView, body: number): number {
  return view.getInt32(body + 8);
}

/** Writes a probe without its padding. */
export function writeProbe(
  view: DataView,
  body: number,
  kind: number,
  sizeBytes: number,
  tokenHigh: number,
  tokenLow: number,
): void {
  view.setUint16(body, kind << 8);
  view.setUint16(body + 2, sizeBytes);
  view.setInt32(body + 4, tokenHigh);
  view.setInt32(body + 8, tokenLow);
}

/** Formats a probe on one line, for tests and debugging. */
export function formatProbe(view: DataView, body: number, length: number): string {
  if (!probeIsWhole(view, body, length)) return `probe: ${length} bytes, malformed`;
  const kind = view.getUint8(body) === PROBE.ASK ? "probe" : "answer";
  return `${kind} of ${view.getUint16(body + 2)} bytes, token ${view.getBigUint64(body + 4)}`;
}
