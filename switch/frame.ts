/**
 * Where frames live: one slab of memory, and the map of what lies where in it.
 *
 * A frame is (slab, offset, length), lent to a stage for one call. In the worker the slab is the arena of `ffi/`, which lies
 * at a low fixed address; in tests it is any array. Nobody makes a `subarray` per frame.
 *
 * @module
 */

/** Memory that frames, datagrams and tables of the hot path live in. `ffi`'s Arena has this shape. */
export interface Slab {
  /** All of it. */
  readonly bytes: Uint8Array;
  /** The same memory for fields of 16 to 64 bits at any offset. */
  readonly view: DataView;
  /** Sets aside `bytes` bytes for good. @returns their offset, a multiple of `align` */
  alloc(bytes: number, align?: number): number;
}

/** Bytes of the virtio-net header before each frame that is read from or written to the TAP (spec/dataplane.md 4). */
export const VIRTIO_HEADER_BYTES = 10;

/** Bytes of an Ethernet header without tags. */
export const ETHERNET_HEADER_BYTES = 14;

/**
 * Largest superframe: virtio header, Ethernet with one tag, 65535 bytes of IP; rounded up so that the kernel never
 * truncates (spec/dataplane.md 5).
 */
export const SUPERFRAME_BYTES = 66048;

/** Returns a slab in ordinary memory, for tests and for the portable path. */
export function arraySlab(sizeBytes: number): Slab {
  const buffer = new ArrayBuffer(sizeBytes);
  let used = 0;
  return {
    bytes: new Uint8Array(buffer),
    view: new DataView(buffer),
    alloc(bytes: number, align = 16): number {
      const offset = Math.ceil(used / align) * align;
      if (offset + bytes > sizeBytes) throw new RangeError(`Slab of ${sizeBytes} bytes is full`);
      used = offset + bytes;
      return offset;
    },
  };
}
