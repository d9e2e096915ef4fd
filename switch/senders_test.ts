import * as assert from "node:assert/strict";
import { Senders } from "./senders.ts";

/** Messages of socket 1 by the slot that they came from; `asked` counts comparisons. */
function world(
  from: readonly number[],
): { senders: Senders; slots: number[]; asked: () => number } {
  let asked = 0;
  const slots = [3, 5, 7];
  const links = {
    get hopSlots(): readonly number[] {
      return slots;
    },
    isHopSlot: (slot: number): boolean => slots.includes(slot),
  };
  const isFrom = (at: number, message: number, slot: number): boolean => {
    asked++;
    return at === 1 && from[message] === slot;
  };
  return { senders: new Senders(links, { isFrom }), slots, asked: () => asked };
}

Deno.test("Senders finds the link of each message, and asks once", () => {
  const { senders, asked } = world([5, 7, 9]);
  const found = [0, 1, 2].map((message) => {
    senders.begin(1, message);
    return [senders.slot(), senders.slot()];
  });
  assert.deepEqual(found, [[5, 5], [7, 7], [-1, -1]]);
  assert.equal(asked(), 2 + 1 + 3 + 1 + 3);
  senders.begin(0, 0);
  assert.equal(senders.slot(), -1, "of another socket");
});

Deno.test("Senders looks at the last sender first, while that is a link", () => {
  const { senders, slots, asked } = world([7, 7, 7]);
  senders.begin(1, 0);
  senders.slot();
  const before = asked();
  senders.begin(1, 1);
  assert.equal(senders.slot(), 7);
  assert.equal(asked() - before, 1);
  slots.pop();
  senders.begin(1, 2);
  assert.equal(senders.slot(), -1);
});
