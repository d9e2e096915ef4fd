/**
 * The Internet checksum (RFC 1071): sums, folding, and updates of a sum that is already there (RFC 1624).
 *
 * A one's complement sum does not care about byte order but for one swap at the end, so the loop adds little-endian words,
 * which is what the machine loads, and swaps once.
 *
 * @module
 */

/**
 * Adds the big-endian 16-bit words of a run of bytes to a sum. hot path
 *
 * A last odd byte counts as the upper half of a word, so only the last of several runs may have an odd length. The
 * offset may be odd.
 *
 * @param view memory
 * @param offset where the run begins
 * @param length its bytes, at most 65,535
 * @param start sum of what came before, at most 0x7fff0000
 * @returns the sum, not folded, at most 0xffff above `start`
 */
export function sum16(view: DataView, offset: number, length: number, start: number): number {
  // Words of 32 bits add up exactly in a float64 (to 2^53), four lanes at a time; faster than masks and shifts (bench).
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let at = offset;
  const end = offset + length;
  for (const last = end - 32; at <= last; at += 32) {
    a += view.getUint32(at, true) + view.getUint32(at + 4, true);
    b += view.getUint32(at + 8, true) + view.getUint32(at + 12, true);
    c += view.getUint32(at + 16, true) + view.getUint32(at + 20, true);
    d += view.getUint32(at + 24, true) + view.getUint32(at + 28, true);
  }
  for (; at + 4 <= end; at += 4) a += view.getUint32(at, true);
  let rest = 0;
  if (at + 2 <= end) {
    rest = view.getUint16(at, true);
    at += 2;
  }
  if (at < end) rest += view.getUint8(at);
  const total = a + b + c + d;
  const low = total >>> 0;
  const high = (total - low) / 0x1_0000_0000;
  const sum = foldPartial((low & 0xffff) + (low >>> 16) + high + rest);
  return start + (((sum & 0xff) << 8) | (sum >>> 8));
}

/** Folds a sum to 16 bits without complementing it: what a partial checksum field holds. hot path */
export function foldPartial(sum: number): number {
  let folded = (sum & 0xffff) + (sum >>> 16);
  folded = (folded & 0xffff) + (folded >>> 16);
  return folded;
}

/** Folds a sum below 2^32 to 16 bits and complements it: what a checksum field holds. hot path */
export function fold(sum: number): number {
  return foldPartial(sum) ^ 0xffff;
}

/**
 * Returns a checksum after one 16-bit word that it covers has changed (RFC 1624, equation 3). hot path
 *
 * @param checksum the field as it is
 * @param before the word that was summed
 * @param after the word that is there now
 */
export function updateChecksum(checksum: number, before: number, after: number): number {
  return fold((checksum ^ 0xffff) + (before ^ 0xffff) + after);
}

/** Returns a checksum after a 32-bit field that it covers, at an even distance, has changed. hot path */
export function updateChecksum32(checksum: number, before: number, after: number): number {
  return fold(
    (checksum ^ 0xffff) + ((before >>> 16) ^ 0xffff) + ((before & 0xffff) ^ 0xffff) +
      (after >>> 16) + (after & 0xffff),
  );
}
