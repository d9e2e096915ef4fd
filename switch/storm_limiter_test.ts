import assert from "node:assert/strict";
import { buildFrame } from "../tests/helpers/frames.ts";
import { STORM_FRAMES, STORM_WINDOW_MS, StormLimiter } from "./storm_limiter.ts";

function admitted(limiter: StormLimiter, frame: Uint8Array, origin: number, now: number): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  return limiter.admit(view, 0, frame.length, origin, now);
}

function frameOf(byte: number, length = 200): Uint8Array {
  const payload = new Uint8Array(length);
  payload[length - 1] = byte;
  return buildFrame({ payload });
}

Deno.test("StormLimiter admits 16 identical frames a second", () => {
  const limiter = new StormLimiter();
  const frame = frameOf(1);
  for (let i = 0; i < STORM_FRAMES; i++) assert.equal(admitted(limiter, frame, 1, 100), true);
  assert.equal(admitted(limiter, frame, 1, 100), false);
  assert.equal(admitted(limiter, frame, 1, 99 + STORM_WINDOW_MS), false);
  assert.equal(admitted(limiter, frame, 1, 100 + STORM_WINDOW_MS), true);
});

Deno.test("StormLimiter tells origins, contents and lengths apart", () => {
  const limiter = new StormLimiter();
  const frame = frameOf(1);
  for (let i = 0; i <= STORM_FRAMES; i++) admitted(limiter, frame, 1, 0);
  assert.equal(admitted(limiter, frame, 1, 0), false);
  assert.equal(admitted(limiter, frame, 2, 0), true);
  assert.equal(admitted(limiter, frameOf(2), 1, 0), true);
  assert.equal(admitted(limiter, frameOf(1, 201), 1, 0), true);
  assert.equal(admitted(limiter, frame, 1, 0), false);
});

Deno.test("StormLimiter never stops a flow whose frames differ in any header byte", () => {
  const limiter = new StormLimiter();
  for (let i = 0; i < 20_000; i++) {
    assert.equal(
      admitted(limiter, buildFrame({ sequence: i, payload: new Uint8Array(4) }), 1, 0),
      true,
    );
  }
});

Deno.test("StormLimiter takes frames of any length", () => {
  const limiter = new StormLimiter();
  for (let length = 14; length < 130; length++) {
    const frame = new Uint8Array(length).fill(length);
    for (let i = 0; i < STORM_FRAMES; i++) assert.equal(admitted(limiter, frame, 1, 0), true);
    assert.equal(admitted(limiter, frame, 1, 0), false);
  }
});
