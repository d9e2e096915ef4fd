/** What the injector writes of frames that come in batches. */

import { deepEqual, equal } from "node:assert/strict";
import { Arena, TUN_F } from "../../ffi/mod.ts";

import { Offload, portableCopy } from "../../switch/offload.ts";
import { Injector, INJECTOR_ARENA_BYTES } from "../../switch/injector_shell.ts";
import { buildFrame } from "../helpers/frames.ts";
import "../../ffi/_testing.ts";

const SEGMENT_BYTES = 1_000;
const FRAME_BYTES = 14 + 20 + 20 + SEGMENT_BYTES;
const SLOT_BYTES = 2_048;
const SLOTS = 12;

/** An injector over a TAP that only notes how many segments each write had, and slots with frames of one flow. */
class World implements Disposable {
  /** Segments of each write so far. */
  readonly writes: number[] = [];
  readonly injector: Injector;
  readonly #arena: Arena;
  readonly #slots: number;
  #sequence = 1;

  constructor() {
    const arena = this.#arena = Arena.open(INJECTOR_ARENA_BYTES + (SLOTS + 1) * SLOT_BYTES);
    this.#slots = arena.alloc(SLOTS * SLOT_BYTES, 64);
    const write = (_: number, length: number): number => this.#note(length);
    const writev = (iovecs: number, count: number): number => {
      let length = 0;
      for (let i = 0; i < count; i++) length += arena.u32[(iovecs + i * 16 + 8) >> 2] ?? 0;
      return this.#note(length);
    };
    const tap = { offloads: TUN_F.CSUM | TUN_F.TSO4, write, writev };
    const offload = new Offload(arena, portableCopy(arena));
    this.injector = new Injector(arena, tap, 1_500, offload, () => {});
  }

  /** Offers the next segments of the flow in a batch, from a slot on. @returns whether something waits after it */
  batch(first: number, count: number, goesOn: boolean): boolean {
    this.injector.beginBatch();
    for (let i = 0; i < count; i++) {
      const payload = new Uint8Array(SEGMENT_BYTES).fill(i);
      const frame = buildFrame({ sequence: this.#sequence, payload, df: true });
      this.#sequence += SEGMENT_BYTES;
      const at = this.#slots + (first + i) * SLOT_BYTES + 64;
      this.#arena.bytes.set(frame, at);
      this.injector.offer(at, FRAME_BYTES, true);
    }
    return this.injector.endBatch(goesOn);
  }

  /** Goes on behind a segment that never comes. */
  loseSegment(): void {
    this.#sequence += SEGMENT_BYTES;
  }

  [Symbol.dispose](): void {
    this.#arena[Symbol.dispose]();
  }

  #note(length: number): number {
    this.writes.push(Math.floor((length - 64) / SEGMENT_BYTES));
    return length;
  }
}

Deno.test("an injector writes at the end of a batch what nothing follows", () => {
  using world = new World();
  equal(world.batch(0, 4, false), false);
  deepEqual(world.writes, [4]);
});

Deno.test("an injector joins what the next batch goes on with", () => {
  using world = new World();
  equal(world.batch(0, 4, true), true);
  deepEqual(world.writes, []);
  equal(world.batch(6, 3, false), false);
  deepEqual(world.writes, [7]);
});

Deno.test("an injector keeps nothing over two batches, whose slots the third one overwrites", () => {
  using world = new World();
  equal(world.batch(0, 4, true), true);
  equal(world.batch(6, 4, true), false);
  deepEqual(world.writes, [8]);
});

Deno.test("an injector keeps what began in the batch when that before it is written", () => {
  using world = new World();
  world.batch(0, 4, true);
  world.loseSegment();
  equal(world.batch(6, 4, true), true);
  deepEqual(world.writes, [4]);
  world.injector.flush();
  deepEqual(world.writes, [4, 4]);
  equal(world.injector.waits, false);
});
