import assert from "node:assert/strict";
import fc from "fast-check";
import { Liveness } from "./liveness.ts";

/** One that listens since 0 and has heard a heartbeat then. */
function listening(heartbeatMs = 250): Liveness {
  const liveness = new Liveness(heartbeatMs);
  liveness.begin(0);
  liveness.heartbeat(0);
  return liveness;
}

/** Asks every 250 ms. @returns when the silence began, `undefined` if it did not */
function silentAt(liveness: Liveness, from: number, until: number): number | undefined {
  for (let now = from; now <= until; now += 250) if (liveness.silenced(now)) return now;
  return undefined;
}

Deno.test("Liveness.silenced() is true once, 2 s and half an interval after the last heartbeat", () => {
  const liveness = listening();
  assert.equal(liveness.deadline(), 2_125);
  assert.equal(silentAt(liveness, 250, 2_000), undefined);
  assert.equal(liveness.silenced(2_124), false);
  assert.equal(liveness.silenced(2_125), true);
  assert.equal(liveness.silenced(2_126), false);
  assert.equal(liveness.silent, true);
  assert.equal(liveness.deadline(), Infinity);
});

Deno.test("Liveness.silenced() is false before anything is to be heard", () => {
  assert.equal(new Liveness(250).silenced(60_000), false);
  assert.equal(new Liveness(250).deadline(), Infinity);
});

Deno.test("Liveness waits for 8 heartbeats when the remote says that it sends seldom", () => {
  for (
    const [says, silent] of [[0, 2_125], [200, 2_125], [500, 4_250], [65_535, 59_500]] as const
  ) {
    const liveness = listening();
    liveness.remoteEvery(says);
    assert.equal(liveness.deadline(), silent);
  }
});

Deno.test("Liveness.alive() puts the silence off and ends none", () => {
  const liveness = listening();
  liveness.alive(1_000);
  assert.equal(liveness.deadline(), 3_125);
  silentAt(liveness, 250, 5_000);
  for (let now = 5_000; now < 9_000; now += 10) liveness.alive(now);
  assert.equal(liveness.silent, true);
});

Deno.test("Liveness.heartbeat() ends a silence with the fourth in a row", () => {
  const liveness = listening();
  silentAt(liveness, 250, 5_000);
  const beats = (...at: number[]): boolean[] => at.map((now) => liveness.heartbeat(now));
  // The first three stand alone, the next three came at once, and one of the last five is missing.
  assert.deepEqual(beats(6_000, 7_000, 8_000), [false, false, false]);
  assert.deepEqual(beats(9_000, 9_001, 9_002), [false, false, false]);
  assert.deepEqual(beats(9_250, 9_500, 10_000), [false, false, true]);
  assert.equal(liveness.silent, false);
  assert.equal(liveness.deadline(), 12_125);
});

Deno.test("Liveness takes no pause of the one who asks for a silence", () => {
  const liveness = listening();
  assert.equal(silentAt(liveness, 250, 1_000), undefined);
  // Away for 3 s, 2.7 s of them without excuse: what waits in the socket is read after this.
  assert.equal(liveness.silenced(4_000), false);
  liveness.heartbeat(4_001);
  assert.equal(liveness.deadline(), 6_126);
});

Deno.test("Liveness is silent at last when one who asks late hears nothing", () => {
  const liveness = listening();
  assert.equal(liveness.silenced(600_000), false);
  assert.equal(liveness.deadline(), 601_825);
  assert.equal(silentAt(liveness, 600_250, 610_000), 602_000);
});

Deno.test("Liveness is not silent for an hour when a fifth of all heartbeats is lost", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      let state = seed | 0;
      const lost = (): boolean => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
        return (state >>> 8) % 5 === 0;
      };
      const liveness = listening();
      for (let now = 250; now < 3_600_000; now += 250) {
        if (!lost()) liveness.heartbeat(now);
        assert.equal(liveness.silenced(now + 1), false);
      }
    }),
    // One in 400,000 heartbeats ends a row of eight that are lost: few runs, each the same.
    { numRuns: 5, seed: 1 },
  );
});
