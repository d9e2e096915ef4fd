import { deepEqual, equal, ok } from "node:assert/strict";
import { BadLink, dice, type Faults } from "./underlay.ts";

const MANY = 20_000;

function fates(faults: Faults, seed = 1): number[][] {
  const link = new BadLink(faults, seed);
  return Array.from({ length: MANY }, () => link.send());
}

function share(list: readonly unknown[]): number {
  return list.length / MANY;
}

Deno.test("dice() fall evenly, and the same way for the same seed", () => {
  const roll = dice(7);
  const throws = Array.from({ length: MANY }, roll);
  const again = dice(7);
  deepEqual(throws.slice(0, 5), [again(), again(), again(), again(), again()]);
  const mean = throws.reduce((sum, x) => sum + x, 0) / MANY;
  ok(Math.abs(mean - 0.5) < 0.02, `mean ${mean}`);
});

Deno.test("BadLink passes everything at once without faults", () => {
  ok(fates({}).every((copies) => copies.length === 1 && copies[0] === 0));
});

Deno.test("BadLink loses the share that it is told to", () => {
  const lost = fates({ loss: 0.1 }).filter((copies) => copies.length === 0);
  ok(Math.abs(share(lost) - 0.1) < 0.02, `${share(lost)}`);
});

Deno.test("BadLink repeats the share that it is told to", () => {
  const twice = fates({ duplication: 0.2 }).filter((copies) => copies.length === 2);
  ok(Math.abs(share(twice) - 0.2) < 0.02, `${share(twice)}`);
});

Deno.test("BadLink holds back the share that it is told to", () => {
  const late = fates({ reorder: 0.3, reorderMs: 50 }).filter((copies) => copies[0] === 50);
  ok(Math.abs(share(late) - 0.3) < 0.02, `${share(late)}`);
});

Deno.test("BadLink delays within its bounds", () => {
  const times = fates({ delayMs: 10, jitterMs: 5 }).map((copies) => copies[0] ?? -1);
  ok(times.every((ms) => ms >= 10 && ms < 15));
});

Deno.test("BadLink does the same for the same seed, whatever other faults are on", () => {
  const lostAlone = fates({ loss: 0.1 }, 3).map((copies) => copies.length === 0);
  const lostWithMore = fates({ loss: 0.1, reorder: 0.5, jitterMs: 3 }, 3).map((copies) =>
    copies.length === 0
  );
  deepEqual(lostAlone, lostWithMore);
});

Deno.test("BadLink follows a change of its faults", () => {
  const link = new BadLink({}, 1);
  equal(link.send().length, 1);
  link.faults = { loss: 1 };
  equal(link.send().length, 0);
});
