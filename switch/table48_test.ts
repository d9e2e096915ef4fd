import assert from "node:assert/strict";
import fc from "fast-check";
import { BLOCK_SLOTS, STRIDE, Table48, VALUE } from "./table48.ts";

const BLOCKS = 4;

Deno.test("Table48 agrees with a Map after any sequence, and knows which blocks hold entries", () => {
  const step = fc.record({ insert: fc.boolean(), low: fc.nat(200), value: fc.nat(1_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), fc.nat(), (steps, seed) => {
      const table = new Table48(BLOCKS * BLOCK_SLOTS, seed);
      const model = new Map<number, number>();
      for (const { insert, low, value } of steps) {
        const at = table.find(0x0a00, low);
        assert.equal(at >= 0, model.has(low));
        if (at >= 0 && !insert) {
          table.remove(at);
          model.delete(low);
        } else if (at < 0 && insert && table.count < BLOCKS * BLOCK_SLOTS / 2) {
          table.insert(~at, 0x0a00, low, value);
          model.set(low, value);
        }
      }
      assert.equal(table.count, model.size);
      for (let low = 0; low <= 200; low++) {
        assert.equal(table.get(0x0a00, low), model.get(low) ?? -1);
      }
      assert.deepEqual([...table.blocks], occupied(table));
      table.clear();
      assert.deepEqual([...table.blocks], occupied(table));
    }),
    { numRuns: 100 },
  );
});

function occupied(table: Table48): number[] {
  return Array.from({ length: BLOCKS }, (_, block) => {
    let entries = 0;
    for (let slot = block * BLOCK_SLOTS; slot < (block + 1) * BLOCK_SLOTS; slot++) {
      if (table.cells[slot * STRIDE + VALUE] !== 0) entries++;
    }
    return entries;
  });
}
