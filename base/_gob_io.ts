/**
 * The bytes of a gob stream: integers, byte strings, messages, and the types that a stream defines.
 *
 * Private to `gob.ts`, which has the picture of the format.
 *
 * @module
 */

import { Bug, must } from "./bug.ts";
import { WireError } from "./bytes.ts";

/** Deepest nesting that is read; the deepest legal one is about 8. */
const MAX_DEPTH = 24;
/** Most definitions in one stream; the largest real one has 12. */
const MAX_TYPES = 128;
/** First id that a stream may define. */
const FIRST_ID = 64;

/** Built-in id of bool. */
export const BOOL = 1;
/** Built-in id of int. */
export const INT = 2;
/** Built-in id of uint. */
export const UINT = 3;
/** Built-in id of float, which the mesh does not use. */
const FLOAT = 4;
/** Built-in id of []byte. */
export const BYTES = 5;
/** Built-in id of string. */
export const STRING = 6;
/** Built-in id of a type definition, which is a gob value itself. */
export const WIRE_TYPE = 16;

/** What the stream says about a type id. */
export type GobShape =
  | { readonly kind: "list"; readonly elem: number; readonly length: number | undefined }
  | { readonly kind: "map"; readonly key: number; readonly elem: number }
  | {
    readonly kind: "struct";
    readonly fields: readonly { readonly name: string; readonly id: number }[];
  };

/** A struct as its reader knows it. */
export interface GobFields {
  /** Known fields by name. */
  readonly fields: ReadonlyMap<string, unknown>;
}

const BUILT_IN_SHAPES: readonly (readonly [number, GobShape])[] = [
  [WIRE_TYPE, struct({ ArrayT: 17, SliceT: 19, StructT: 20, MapT: 23 })],
  [17, struct({ Common: 18, Elem: INT, Len: INT })],
  [18, struct({ Name: STRING, Id: INT })],
  [19, struct({ Common: 18, Elem: INT })],
  [20, struct({ Common: 18, Field: 22 })],
  [21, struct({ Name: STRING, Id: INT })],
  [22, { kind: "list", elem: 21, length: undefined }],
  [23, struct({ Common: 18, Key: INT, Elem: INT })],
];

function struct(fields: Record<string, number>): GobShape {
  return { kind: "struct", fields: Object.entries(fields).map(([name, id]) => ({ name, id })) };
}

/** Grows as it is written to. */
export class GobWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Appends a uint: an integer from 0 to 2^64 - 1. @throws {Bug} outside that range */
  uint(value: number | bigint): void {
    if (value < 0 || value > 0xffff_ffff_ffff_ffffn) throw new Bug(`${value} is not a uint64`);
    if (value < 128) return this.#put(Number(value));
    this.#reserve(9);
    const at = this.#length;
    let end = at + 9;
    // Digits from the lowest up, to the end of the room; then the lot moves down behind their count.
    if (typeof value === "number") {
      for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) {
        this.#bytes[--end] = rest % 256;
      }
    } else {
      for (let rest = value; rest > 0n; rest >>= 8n) this.#bytes[--end] = Number(rest & 255n);
    }
    this.#bytes[at] = 256 - (at + 9 - end);
    this.#bytes.copyWithin(at + 1, end, at + 9);
    this.#length = at + 1 + (at + 9 - end);
  }

  /** Appends an int. */
  int(value: number | bigint): void {
    if (typeof value === "number" && Math.abs(value) < 2 ** 51) {
      return this.uint(value >= 0 ? 2 * value : -2 * value - 1);
    }
    const wide = BigInt(value);
    this.uint(wide >= 0n ? wide << 1n : ((-wide - 1n) << 1n) | 1n);
  }

  /** Appends bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Appends bytes with their count. */
  byteString(bytes: Uint8Array): void {
    this.uint(bytes.length);
    this.raw(bytes);
  }

  /** Returns a copy of all that was written. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Forgets all that was written. */
  clear(): void {
    this.#length = 0;
  }

  #put(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

/** Reads the parts of a gob stream; used by {@link GobDecoder} and the types. */
export class GobReader {
  /** Bytes read so far. */
  offset = 0;
  /** Where the message that is being read ends. */
  end: number;
  #shapes = new Map<number, GobShape>(BUILT_IN_SHAPES);
  #plans = new Map<GobFields, Map<number, (string | undefined)[]>>();
  #depth = 0;

  /** Starts at the front of `bytes`. */
  constructor(readonly bytes: Uint8Array, private valuesLeft: number) {
    this.end = bytes.length;
  }

  /** Reads a uint up to 2^53 - 1. @throws {WireError} above */
  uint(): number {
    const first = this.#byte();
    if (first < 128) return first;
    let value = 0;
    for (let k = this.#digits(first); k > 0; k--) value = value * 256 + this.#byte();
    return value <= Number.MAX_SAFE_INTEGER ? value : this.fail("an integer below 2^53");
  }

  /** Reads a uint of 64 bits. */
  uint64(): bigint {
    const first = this.#byte();
    if (first < 128) return BigInt(first);
    let k = this.#digits(first);
    // What a Number holds needs one big integer, and not one for each digit.
    let small = 0;
    for (; k > 0 && small < 2 ** 40; k--) small = small * 256 + this.#byte();
    let value = BigInt(small);
    for (; k > 0; k--) value = (value << 8n) | BigInt(this.#byte());
    return value;
  }

  /** Reads an int of 64 bits. */
  int64(): bigint {
    const value = this.uint64();
    return (value & 1n) === 0n ? value >> 1n : -(value >> 1n) - 1n;
  }

  /** Reads an int whose size is at most 2^53 - 1. @throws {WireError} above */
  int(): number {
    const value = Number(this.int64());
    return Number.isSafeInteger(value) ? value : this.fail("an integer below 2^53");
  }

  /** Reads a length or count that the rest of the message can hold. */
  count(what: string): number {
    const count = this.uint();
    return count <= this.end - this.offset ? count : this.fail(what);
  }

  /** Reads a byte string as a view. */
  byteString(): Uint8Array {
    const length = this.count("a byte string within the message");
    this.offset += length;
    return this.bytes.subarray(this.offset - length, this.offset);
  }

  /** Reports a fault at the current place. */
  fail(expected: string): never {
    throw new WireError("gob", this.offset, expected);
  }

  /** Counts values against the limit. */
  spend(values: number): void {
    this.valuesLeft -= values;
    if (this.valuesLeft < 0) this.fail("fewer values");
  }

  /** Runs a reader one level deeper. */
  nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) this.fail(`at most ${MAX_DEPTH} nested values`);
    const value = read();
    this.#depth--;
    return value;
  }

  /** Returns what the stream defined as `id`, `undefined` for built-in types. @throws {WireError} for unknown ids */
  shape(id: number): GobShape | undefined {
    if (id >= BOOL && id <= STRING && id !== FLOAT) return undefined;
    return this.#shapes.get(id) ?? this.fail("a type id that is defined");
  }

  /** Tells whether `id` is a struct. */
  isStruct(id: number): boolean {
    return this.shape(id)?.kind === "struct";
  }

  /** Takes the definition of `id`. @throws {WireError} if the stream may not define that id, or not one more */
  define(id: number, shape: GobShape): void {
    if (id < FIRST_ID || this.#shapes.has(id)) this.fail("a new type id from 64 upwards");
    if (this.#shapes.size >= MAX_TYPES) this.fail(`at most ${MAX_TYPES} types`);
    this.#shapes.set(id, shape);
  }

  /** Returns for each wire field the name under which `type` knows it. @throws {WireError} if none is shared */
  plan(type: GobFields, id: number): readonly (string | undefined)[] {
    const plans = this.#plans.get(type) ?? new Map<number, (string | undefined)[]>();
    this.#plans.set(type, plans);
    const known = plans.get(id);
    if (known !== undefined) return known;
    const shape = this.shape(id);
    if (shape?.kind !== "struct") return this.fail("a struct");
    const plan = shape.fields.map(({ name }) => type.fields.has(name) ? name : undefined);
    if (plan.length > 0 && plan.every((name) => name === undefined)) this.fail("a known field");
    plans.set(id, plan);
    return plan;
  }

  /** Reads a value of any type and drops it. */
  skip(id: number): void {
    const shape = this.shape(id);
    if (shape === undefined) {
      if (id === BYTES || id === STRING) this.byteString();
      else this.uint64();
      return;
    }
    this.nested(() => {
      if (shape.kind === "struct") {
        return this.eachField(
          shape.fields.length,
          (i) => this.skip(must(shape.fields[i], "field").id),
        );
      }
      const count = this.count("a count within the message");
      for (let i = 0; i < count; i++) {
        if (shape.kind === "map") this.skip(shape.key);
        this.skip(shape.elem);
      }
    });
  }

  /** Walks the fields of a struct that are present. */
  eachField(count: number, read: (index: number) => void): void {
    for (let at = -1;;) {
      const delta = this.uint();
      if (delta === 0) return;
      at += delta;
      if (at >= count) this.fail("a field of the struct");
      read(at);
    }
  }

  /** Ends the message: nothing may be left in it. */
  closeMessage(end: number): void {
    if (this.offset !== this.end) this.fail("the end of the message");
    this.end = end;
  }

  #byte(): number {
    if (this.offset >= this.end) this.fail("more bytes");
    return this.bytes[this.offset++] ?? 0;
  }

  #digits(first: number): number {
    return first >= 248 ? 256 - first : this.fail("an integer of at most 8 bytes");
  }
}
