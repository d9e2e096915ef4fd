/**
 * The memory that the data plane works in: one mapping below 2 GiB.
 *
 * ```
 *   0x10000000  base ──┐ 256 bytes of our own │ alloc() │ alloc() │ …            size
 *                      └ offsets outside ffi/ count from here; ffi/ alone adds the base
 * ```
 *
 * An address that fits in 31 bits can be given to the kernel as `u32`, which V8 passes in a machine register without
 * help. The memory lies outside the JavaScript heap: it is never moved nor scanned.
 *
 * @module
 */

import { Bug } from "../base/mod.ts";
import { ERRNO, SysError } from "./errno.ts";
import { errno, libc } from "./libc.ts";

/** `sys/mman.h`, `asm-generic/mman-common.h` */
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MAP_POPULATE = 0x8000;
const MAP_FIXED_NOREPLACE = 0x10_0000;

const FIRST_HINT = 0x1000_0000;
const LAST_HINT = 0x6c00_0000;
const HINT_STEP = 0x0400_0000;
const LIMIT = 0x8000_0000;
const PAGE_BYTES = 65536;
const RESERVED_BYTES = 256;
const SELF_TEST_ROUNDS = 50_000;

/** How an arena is mapped. */
export interface ArenaOptions {
  /** Has the kernel make all pages present at once. Default false: pages come when they are touched. */
  readonly populate?: boolean;
}

let selfTested = false;

/** Owns a piece of low memory. Belongs to the thread that made it. */
export class Arena implements Disposable {
  /** Address of offset 0. For `ffi/` alone. */
  readonly base: number;
  /** Size in bytes. */
  readonly size: number;
  /** All of it as bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** All of it for fields at odd offsets. */
  readonly view: DataView<ArrayBuffer>;
  /** All of it for aligned fields: index = offset / 4. */
  readonly u32: Uint32Array<ArrayBuffer>;
  #next = RESERVED_BYTES;
  #disposed = false;

  private constructor(base: number, size: number) {
    const pointer = Deno.UnsafePointer.create(BigInt(base));
    if (pointer === null) throw new Bug("Arena has no base");
    const buffer = Deno.UnsafePointerView.getArrayBuffer(pointer, size);
    this.base = base;
    this.size = size;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.u32 = new Uint32Array(buffer);
  }

  /**
   * Maps an arena at the first free place below 2 GiB; the first one of a thread is tested.
   *
   * @param sizeBytes 8 to 32 MiB is usual; rounded up to 64 KiB
   * @throws {SysError} ENOMEM, or EEXIST if every place is taken
   * @throws {Error} if addresses cannot be passed as 32-bit numbers on this machine
   */
  static open(sizeBytes: number, options: ArenaOptions = {}): Arena {
    const size = Math.ceil(sizeBytes / PAGE_BYTES) * PAGE_BYTES;
    const arena = new Arena(mapLow(size, options.populate === true), size);
    if (!selfTested) {
      try {
        arena.#selfTest();
      } catch (error) {
        arena[Symbol.dispose]();
        throw error;
      }
      selfTested = true;
    }
    return arena;
  }

  /** Bytes that `alloc` can still give. */
  get free(): number {
    return this.size - this.#next;
  }

  /**
   * Sets memory aside; it is zero and is never given back. For set-up only.
   *
   * @param bytes how much
   * @param align a power of two
   * @returns its offset, never 0
   * @throws {Bug} if the arena was made too small
   */
  alloc(bytes: number, align = 16): number {
    const at = Math.ceil(this.#next / align) * align;
    if (at + bytes > this.size) {
      throw new Bug(`Cannot take ${bytes} bytes: the arena of ${this.size} has ${this.free} left`);
    }
    this.#next = at + bytes;
    return at;
  }

  /** Unmaps the memory. All views become empty; nothing of the kernel may refer to it any more. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    // A detached buffer makes a late access an exception instead of a crash.
    this.bytes.buffer.transfer(0);
    libc().munmap(BigInt(this.base), BigInt(this.size));
  }

  /**
   * Copies 16 bytes with changing addresses until both the slow and the compiled path of the call were used: neither
   * ABI promises that a 32-bit argument clears the upper half of its register.
   */
  #selfTest(): void {
    const { memcpy } = libc();
    const { base, u32 } = this;
    for (let round = 0; round < SELF_TEST_ROUNDS; round++) {
      const from = 16 + (round & 3) * 16;
      const to = 128 + (round & 7) * 16;
      u32[from >> 2] = round;
      u32[(from >> 2) + 3] = ~round;
      memcpy(base + to, base + from, 16);
      if (u32[to >> 2] !== round || u32[(to >> 2) + 3] !== (~round >>> 0)) {
        throw new Error(
          "Cannot pass addresses as 32-bit numbers: the self-test of the arena failed; " +
            `${Deno.build.arch} is not supported by this runtime`,
        );
      }
    }
    this.bytes.fill(0, 0, RESERVED_BYTES);
  }
}

/**
 * Returns a function that copies bytes inside an arena with `memcpy`: 28 ns for 1400 bytes, half of `copyWithin`.
 *
 * Its arguments are offsets: destination, source, length. The two runs must not overlap.
 */
export function arenaCopy(
  arena: Arena,
): (destination: number, source: number, length: number) => void {
  const { memcpy } = libc();
  const { base } = arena;
  return (destination, source, length): void => {
    memcpy(base + destination, base + source, length);
  };
}

function mapLow(size: number, populate: boolean): number {
  const { mmap, munmap } = libc();
  const flags = MAP_PRIVATE_ANONYMOUS | MAP_FIXED_NOREPLACE | (populate ? MAP_POPULATE : 0);
  let reason: number = ERRNO.ENOMEM;
  for (let hint = FIRST_HINT; hint <= LAST_HINT && hint + size <= LIMIT; hint += HINT_STEP) {
    const result = mmap(BigInt(hint), BigInt(size), PROT_READ_WRITE, flags, -1, 0n);
    if (result === BigInt(hint)) return hint;
    if (BigInt.asIntN(64, result) === -1n) reason = errno();
    // Before Linux 4.17 the flag is unknown and the address only a hint.
    else munmap(result, BigInt(size));
  }
  throw new SysError(`mmap ${size} bytes below 2 GiB`, reason);
}
