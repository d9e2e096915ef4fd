/**
 * Go's gob encoding, as far as the mesh uses it (spec/gob.md).
 *
 * ```
 *   stream  = message*                       one stream per payload, definitions repeated in each
 *   message = uint length | int -id | wireType           definition of type id
 *           | uint length | int  id | [00] value         a value; 00 unless the type is a struct
 *   uint    = 1 byte below 128, else 1 byte 256 - k and k bytes, big-endian
 *   int     = zig-zag in a uint      struct = (uint delta | field)* 00      list, map = uint count | elements
 * ```
 *
 * Types are values made by `gobStruct`, `gobList` and their like; they say both what goes out and what is accepted.
 * Ids of types are arbitrary per stream, so that the encoder lets the caller choose them.
 *
 * @module
 */

import {
  BOOL,
  BYTES,
  type GobFields,
  GobReader,
  type GobShape,
  GobWriter,
  INT,
  STRING,
  UINT,
  WIRE_TYPE,
} from "./_gob_io.ts";
import { must } from "./bug.ts";
import { fromUtf8, utf8 } from "./bytes.ts";

/** Elements and structs in one stream unless the caller says else: a full mesh of 700 peers. Bounds memory, not bytes. */
const DEFAULT_MAX_VALUES = 500_000;

export type { GobFields, GobReader, GobShape, GobWriter };

/** A Go type as the wire knows it, `T` being its value here. Made by the functions of this file, compared by identity. */
export interface GobType<T> {
  /** Built-in id, 0 for a type that needs a definition. */
  readonly builtIn: number;
  /** The type that the wire sees: itself, or what an optional one holds. */
  readonly target: GobType<unknown>;
  /** Types it is made of, in the order of their definitions. */
  readonly parts: readonly GobType<unknown>[];
  /** Returns what an absent field stands for. */
  zero(): T;
  /** Tells whether a struct leaves a field with this value out. */
  omits(value: T): boolean;
  /** Appends a value. */
  write(out: GobWriter, value: T): void;
  /** Reads a value that the stream says is of type `wireId`. @throws {WireError} if the kinds differ */
  read(input: GobReader, wireId: number): T;
  /** Returns its definition; `idOf` gives ids of parts. */
  define(id: number, idOf: (type: GobType<unknown>) => number): GobDefinition;
}

/** The value of a {@link GobType}. */
export type GobValue<G> = G extends GobType<infer T> ? T : never;

/** A type definition as it travels. */
export interface GobDefinition {
  /** Fixed-size array. */
  ArrayT: { Common: GobCommon; Elem: number; Len: number } | undefined;
  /** List. */
  SliceT: { Common: GobCommon; Elem: number } | undefined;
  /** Struct. */
  StructT: { Common: GobCommon; Field: { Name: string; Id: number }[] } | undefined;
  /** Map. */
  MapT: { Common: GobCommon; Key: number; Elem: number } | undefined;
}

/** Name and id in a type definition. */
export interface GobCommon {
  /** Name of the type; irrelevant. */
  Name: string;
  /** Its id. */
  Id: number;
}

/** Encodes values onto one stream; each definition is sent once, before its first use. */
export class GobEncoder {
  #out = new GobWriter();
  #message = new GobWriter();
  #ids = new Map<GobType<unknown>, number>();
  #nextId = 65;

  /**
   * Starts an empty stream.
   *
   * @param ids ids for the types in the order of their definitions; later ones count on from 65 or the largest
   */
  constructor(readonly ids: readonly number[] = []) {
    for (const id of ids) this.#nextId = Math.max(this.#nextId, id + 1);
  }

  /** Bytes on the stream so far. */
  get length(): number {
    return this.#out.length;
  }

  /** Appends one value, after the definitions that it needs. */
  write<T>(type: GobType<T>, value: T): this {
    return this.define(type).append(this.encode(type, value));
  }

  /** Appends the definitions of a type that were not sent yet. */
  define<T>(type: GobType<T>): this {
    const fresh: GobType<unknown>[] = [];
    this.#collect(type.target, fresh);
    for (const each of fresh) {
      const id = this.#idOf(each);
      this.#message.int(-id);
      DEFINITION.write(this.#message, each.define(id, (part) => this.#idOf(part)));
      this.append(this.#takeMessage());
    }
    return this;
  }

  /** Returns one value of a defined type as a message, fit for any stream that gives the types the same ids. */
  encode<T>(type: GobType<T>, value: T): Uint8Array {
    this.#message.int(this.#idOf(type));
    if (!(type.target instanceof StructType)) this.#message.uint(0);
    type.write(this.#message, value);
    return this.#takeMessage();
  }

  /** Appends a message. */
  append(message: Uint8Array): this {
    this.#out.byteString(message);
    return this;
  }

  /** Returns a copy of the stream. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#out.take();
  }

  #collect(type: GobType<unknown>, fresh: GobType<unknown>[]): void {
    if (type.builtIn !== 0 || this.#ids.has(type)) return;
    this.#ids.set(type, this.ids[this.#ids.size] ?? this.#nextId++);
    fresh.push(type);
    for (const part of type.parts) this.#collect(part.target, fresh);
  }

  #idOf(type: GobType<unknown>): number {
    const { target } = type;
    return target.builtIn !== 0 ? target.builtIn : must(this.#ids.get(target), "id of a gob type");
  }

  #takeMessage(): Uint8Array {
    const message = this.#message.take();
    this.#message.clear();
    return message;
  }
}

/** Reads one stream; every fault is a {@link WireError}, memory is bounded by the limits. */
export class GobDecoder {
  #input: GobReader;

  /**
   * Starts at the front of a stream.
   *
   * @param bytes the whole stream; byte strings that are returned are views into it
   * @param limits `maxValues`: most elements and structs in all
   */
  constructor(bytes: Uint8Array, limits: { readonly maxValues?: number } = {}) {
    this.#input = new GobReader(bytes, limits.maxValues ?? DEFAULT_MAX_VALUES);
  }

  /** Tells whether the stream is read to its end. */
  get done(): boolean {
    return this.#input.offset === this.#input.end;
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#input.offset;
  }

  /** Reads definitions and the next value. @throws {WireError} if there is none or its type differs */
  next<T>(type: GobType<T>): T {
    const input = this.#input;
    const end = input.end;
    for (;;) {
      const length = input.count("a message within the stream");
      input.end = input.offset + length;
      const id = input.int();
      if (id < 0) input.define(-id, readShape(input));
      else {
        if (!input.isStruct(id) && input.uint() !== 0) input.fail("0 before a value");
        const value = type.read(input, id);
        input.closeMessage(end);
        return value;
      }
      input.closeMessage(end);
    }
  }
}

/** What basic types and optional ones have in common. */
abstract class Type<T> implements GobType<T> {
  readonly builtIn: number = 0;
  get parts(): readonly GobType<unknown>[] {
    return [];
  }
  get target(): GobType<unknown> {
    return this;
  }
  abstract zero(): T;
  abstract omits(value: T): boolean;
  abstract write(out: GobWriter, value: T): void;
  abstract read(input: GobReader, wireId: number): T;
  define(_id: number, _idOf: (type: GobType<unknown>) => number): GobDefinition {
    return { ArrayT: undefined, SliceT: undefined, StructT: undefined, MapT: undefined };
  }
}

class BasicType<T> extends Type<T> {
  constructor(
    override readonly builtIn: number,
    readonly fallback: T,
    readonly put: (out: GobWriter, value: T) => void,
    readonly get: (input: GobReader) => T,
  ) {
    super();
  }
  zero(): T {
    return this.fallback;
  }
  omits(value: T): boolean {
    return value instanceof Uint8Array ? value.length === 0 : value === this.fallback;
  }
  write(out: GobWriter, value: T): void {
    this.put(out, value);
  }
  read(input: GobReader, wireId: number): T {
    if (wireId !== this.builtIn) input.fail(`type ${this.builtIn} instead of ${wireId}`);
    return this.get(input);
  }
}

class ListType<T> extends Type<T[]> {
  constructor(readonly name: string, readonly elem: GobType<T>, readonly length?: number) {
    super();
  }
  override get parts(): readonly GobType<unknown>[] {
    return [this.elem];
  }
  zero(): T[] {
    return Array.from({ length: this.length ?? 0 }, () => this.elem.zero());
  }
  omits(value: T[]): boolean {
    return this.length === undefined && value.length === 0;
  }
  write(out: GobWriter, value: T[]): void {
    out.uint(value.length);
    for (const each of value) this.elem.write(out, each);
  }
  read(input: GobReader, wireId: number): T[] {
    const shape = input.shape(wireId);
    if (shape?.kind !== "list" || shape.length !== this.length) return input.fail("a list");
    return input.nested(() => {
      const count = input.count("a count within the message");
      if (this.length !== undefined && count !== this.length) input.fail(`${this.length} elements`);
      input.spend(count);
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(this.elem.read(input, shape.elem));
      return values;
    });
  }
  override define(id: number, idOf: (type: GobType<unknown>) => number): GobDefinition {
    const Common = { Name: this.name, Id: id };
    const Elem = idOf(this.elem);
    return this.length === undefined
      ? { ...super.define(id, idOf), SliceT: { Common, Elem } }
      : { ...super.define(id, idOf), ArrayT: { Common, Elem, Len: this.length } };
  }
}

class MapType<K, V> extends Type<[K, V][]> {
  constructor(readonly name: string, readonly key: GobType<K>, readonly elem: GobType<V>) {
    super();
  }
  override get parts(): readonly GobType<unknown>[] {
    return [this.key, this.elem];
  }
  zero(): [K, V][] {
    return [];
  }
  omits(): boolean {
    return false;
  }
  write(out: GobWriter, value: [K, V][]): void {
    out.uint(value.length);
    for (const [key, elem] of value) {
      this.key.write(out, key);
      this.elem.write(out, elem);
    }
  }
  read(input: GobReader, wireId: number): [K, V][] {
    const shape = input.shape(wireId);
    if (shape?.kind !== "map") return input.fail("a map");
    return input.nested(() => {
      const count = input.count("a count within the message");
      input.spend(count);
      const pairs: [K, V][] = [];
      for (let i = 0; i < count; i++) {
        const key = this.key.read(input, shape.key);
        pairs.push([key, this.elem.read(input, shape.elem)]);
      }
      return pairs;
    });
  }
  override define(id: number, idOf: (type: GobType<unknown>) => number): GobDefinition {
    const Common = { Name: this.name, Id: id };
    const MapT = { Common, Key: idOf(this.key), Elem: idOf(this.elem) };
    return { ...super.define(id, idOf), MapT };
  }
}

type Values = Record<string, unknown>;

class StructType extends Type<Values> implements GobFields {
  constructor(readonly name: string, readonly fields: ReadonlyMap<string, GobType<unknown>>) {
    super();
  }
  override get parts(): readonly GobType<unknown>[] {
    return [...this.fields.values()];
  }
  zero(): Values {
    const value: Values = {};
    for (const [name, type] of this.fields) value[name] = type.zero();
    return value;
  }
  omits(): boolean {
    return false;
  }
  write(out: GobWriter, value: Values): void {
    let delta = 0;
    for (const [name, type] of this.fields) {
      delta++;
      if (type.omits(value[name])) continue;
      out.uint(delta);
      type.write(out, value[name]);
      delta = 0;
    }
    out.uint(0);
  }
  read(input: GobReader, wireId: number): Values {
    const plan = input.plan(this, wireId);
    const shape = input.shape(wireId);
    if (shape?.kind !== "struct") return input.fail("a struct");
    input.spend(1);
    const value = this.zero();
    input.nested(() =>
      input.eachField(shape.fields.length, (index) => {
        const name = plan[index];
        const id = must(shape.fields[index], "field").id;
        if (name === undefined) input.skip(id);
        else value[name] = must(this.fields.get(name), "field").read(input, id);
      })
    );
    return value;
  }
  override define(id: number, idOf: (type: GobType<unknown>) => number): GobDefinition {
    const Field = [...this.fields].map(([Name, type]) => ({ Name, Id: idOf(type) }));
    return { ...super.define(id, idOf), StructT: { Common: { Name: this.name, Id: id }, Field } };
  }
}

class OptionalType<T> extends Type<T | undefined> {
  constructor(readonly inner: GobType<T>) {
    super();
  }
  override get target(): GobType<unknown> {
    return this.inner.target;
  }
  zero(): undefined {
    return undefined;
  }
  omits(value: T | undefined): boolean {
    return value === undefined;
  }
  write(out: GobWriter, value: T | undefined): void {
    this.inner.write(out, must(value, "value of an optional field"));
  }
  read(input: GobReader, wireId: number): T {
    return this.inner.read(input, wireId);
  }
}

/** Go's bool. */
export const gobBool: GobType<boolean> = new BasicType<boolean>(
  BOOL,
  false,
  (out, value) => out.uint(value ? 1 : 0),
  (input) => input.uint() !== 0,
);

/** Go's string; bytes that are not UTF-8 become U+FFFD. */
export const gobString: GobType<string> = new BasicType<string>(
  STRING,
  "",
  (out, value) => out.byteString(utf8(value)),
  (input) => fromUtf8(input.byteString()),
);

/** Go's []byte; what is read is a view into the stream. */
export const gobBytes: GobType<Uint8Array> = new BasicType<Uint8Array>(
  BYTES,
  new Uint8Array(0),
  (out, value) => out.byteString(value),
  (input) => input.byteString(),
);

/** Go's uint64. */
export const gobUint64: GobType<bigint> = new BasicType<bigint>(
  UINT,
  0n,
  (out, value) => out.uint(value),
  (input) => input.uint64(),
);

/** Go's int64. */
export const gobInt64: GobType<bigint> = new BasicType<bigint>(
  INT,
  0n,
  (out, value) => out.int(value),
  (input) => input.int64(),
);

/** Returns an unsigned integer of at most `bits` bits (1 to 53); larger ones do not parse. */
export function gobUint(bits: number): GobType<number> {
  return new BasicType<number>(UINT, 0, (out, value) => out.uint(value), (input) => {
    const value = input.uint();
    return value < 2 ** bits ? value : input.fail(`an integer of ${bits} bits`);
  });
}

/** Go's int as far as a Number holds it exactly: its size is below 2^53; others do not parse. */
export const gobInt: GobType<number> = new BasicType<number>(
  INT,
  0,
  (out, value) => out.int(value),
  (input) => input.int(),
);

/** Returns a list; a struct leaves an empty one out. `name` goes into the definition only. */
export function gobList<T>(elem: GobType<T>, name = ""): GobType<T[]> {
  return new ListType(name, elem);
}

/** Returns an array of fixed length. */
export function gobArray<T>(elem: GobType<T>, length: number, name = ""): GobType<T[]> {
  return new ListType(name, elem, length);
}

/** Returns a map as a list of pairs in the order of the wire; an empty one is sent, an absent one reads as empty. */
export function gobMap<K, V>(key: GobType<K>, elem: GobType<V>, name = ""): GobType<[K, V][]> {
  return new MapType(name, key, elem);
}

/** Returns a struct; its fields are matched by name. */
export function gobStruct<F extends Record<string, GobType<unknown>>>(
  fields: F,
  name = "",
): GobType<{ [K in keyof F]: GobValue<F[K]> }> {
  return new StructType(name, new Map(Object.entries(fields))) as GobType<
    { [K in keyof F]: GobValue<F[K]> }
  >;
}

/** Returns a field that may be absent (a nil pointer or map), which is not the same as empty. */
export function gobOptional<T>(inner: GobType<T>): GobType<T | undefined> {
  return new OptionalType(inner);
}

// Definitions are gob values themselves, of types that every stream knows.
const COMMON = gobStruct({ Name: gobString, Id: gobInt });
const DEFINITION: GobType<GobDefinition> = gobStruct({
  ArrayT: gobOptional(gobStruct({ Common: COMMON, Elem: gobInt, Len: gobInt })),
  SliceT: gobOptional(gobStruct({ Common: COMMON, Elem: gobInt })),
  StructT: gobOptional(
    gobStruct({ Common: COMMON, Field: gobList(gobStruct({ Name: gobString, Id: gobInt })) }),
  ),
  MapT: gobOptional(gobStruct({ Common: COMMON, Key: gobInt, Elem: gobInt })),
});

function readShape(input: GobReader): GobShape {
  const { ArrayT, SliceT, StructT, MapT } = DEFINITION.read(input, WIRE_TYPE);
  const kinds = [ArrayT, SliceT, StructT, MapT].filter((each) => each !== undefined);
  if (kinds.length !== 1) input.fail("one kind of type");
  if (ArrayT) return { kind: "list", elem: ArrayT.Elem, length: ArrayT.Len };
  if (SliceT) return { kind: "list", elem: SliceT.Elem, length: undefined };
  if (MapT) return { kind: "map", key: MapT.Key, elem: MapT.Elem };
  const fields = must(StructT, "struct").Field;
  return { kind: "struct", fields: fields.map((field) => ({ name: field.Name, id: field.Id })) };
}
