import * as assert from "node:assert/strict";
import { MessageSource } from "./message_source.ts";

/** Messages of socket 1 by the slot that they came from; `asked` counts comparisons. */
function world(
  from: readonly number[],
): { source: MessageSource; slots: number[]; asked: () => number } {
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
  return { source: new MessageSource(links, { isFrom }), slots, asked: () => asked };
}

Deno.test("MessageSource finds the link of each message, and asks once", () => {
  const { source, asked } = world([5, 7, 9]);
  const found = [0, 1, 2].map((message) => {
    source.begin(1, message);
    return [source.slot(), source.slot()];
  });
  assert.deepEqual(found, [[5, 5], [7, 7], [-1, -1]]);
  assert.equal(asked(), 2 + 1 + 3 + 1 + 3);
  source.begin(0, 0);
  assert.equal(source.slot(), -1, "of another socket");
});

Deno.test("MessageSource looks at the last sender first, while that is a link", () => {
  const { source, slots, asked } = world([7, 7, 7]);
  source.begin(1, 0);
  source.slot();
  const before = asked();
  source.begin(1, 1);
  assert.equal(source.slot(), 7);
  assert.equal(asked() - before, 1);
  slots.pop();
  source.begin(1, 2);
  assert.equal(source.slot(), -1);
});
