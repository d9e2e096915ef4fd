/**
 * Bytes: the one error for bytes that do not parse, a bounds-checked reader, hex and joining.
 *
 * @module
 */

/**
 * Is thrown when bytes from outside do not parse.
 *
 * A datagram is then dropped and counted; a stream is closed. It never ends the process.
 */
export class WireError extends Error {
  /** Name of the class. */
  override name = "WireError";

  /**
   * Makes the error for one place in the input.
   *
   * @param format name of the format, as "sleeve packet"
   * @param offset where in the input the fault was seen, in bytes
   * @param expected what should have been there
   */
  constructor(readonly format: string, readonly offset: number, readonly expected: string) {
    super(`Cannot parse ${format} at byte ${offset}: expected ${expected}`);
  }
}

/** Reads big-endian fields from the front of a byte string; every overrun is a {@link WireError}. */
export class ByteReader {
  #view: DataView;
  #offset = 0;

  /**
   * Starts at the front of the input.
   *
   * @param bytes the input; not copied
   * @param format name of the format, for errors
   */
  constructor(readonly bytes: Uint8Array, readonly format: string) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes left. */
  get remaining(): number {
    return this.bytes.length - this.#offset;
  }

  /** Reads one byte. @throws {WireError} at the end of the input */
  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  /** Reads 16 bits, big-endian. @throws {WireError} at the end of the input */
  u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  /** Reads 32 bits, big-endian. @throws {WireError} at the end of the input */
  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  /** Reads 48 bits, big-endian: a MAC or a peer name. @throws {WireError} at the end of the input */
  u48(): number {
    const at = this.#advance(6);
    return this.#view.getUint16(at) * 0x1_0000_0000 + this.#view.getUint32(at + 2);
  }

  /** Reads 64 bits, big-endian. @throws {WireError} at the end of the input */
  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8));
  }

  /** Returns the next `length` bytes as a view into the input. @throws {WireError} at the end of the input */
  take(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.bytes.subarray(at, at + length);
  }

  /** Returns all bytes that are left, as a view into the input. */
  rest(): Uint8Array {
    return this.take(this.remaining);
  }

  #advance(length: number): number {
    if (length > this.remaining) {
      throw new WireError(this.format, this.#offset, `${length} bytes, ${this.remaining} are left`);
    }
    const at = this.#offset;
    this.#offset += length;
    return at;
  }
}

/** Joins byte strings into a new one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Tells whether two byte strings are equal. Not in constant time: never for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Returns lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Parses hex of either case. @throws {SyntaxError} if it is not hex */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(hex);
}

const ENCODER = new TextEncoder();
// A byte order mark is a character like any other.
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });

/** Encodes a string as UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return ENCODER.encode(text);
}

/** Decodes UTF-8; bytes that are not UTF-8 become U+FFFD. */
export function fromUtf8(bytes: Uint8Array): string {
  return DECODER.decode(bytes);
}
