/**
 * Authenticated encryption as `shuttle` needs it; `Aead` of `ffi/` has this shape, tests pass a toy.
 *
 * All places are offsets in the slab. Input and output may be the same place, else they do not overlap.
 *
 * @module
 */

/** Seals under one key. */
export interface SealingKey {
  /**
   * Seals `length` bytes.
   *
   * @param nonce 12 bytes, never twice under a key
   * @param tag where the 16 bytes of the tag go
   * @returns false if the library failed: do not send
   */
  seal(nonce: number, input: number, output: number, length: number, tag: number): boolean;
}

/** Opens under one key. */
export interface OpeningKey {
  /**
   * Opens `length` bytes; places as in {@link SealingKey.seal}.
   *
   * @returns false if they are not authentic: the output is then worthless
   */
  open(nonce: number, input: number, output: number, length: number, tag: number): boolean;
}
