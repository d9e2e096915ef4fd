import assert from "node:assert/strict";
import fc from "fast-check";
import { NameTable } from "./name_table.ts";

Deno.test("NameTable agrees with a Map after any changes", () => {
  // Few addresses, so that deletions hit entries in the middle of probe runs.
  const key = fc.tuple(fc.nat(3), fc.nat(60));
  const change = fc.record({ key, value: fc.option(fc.nat(70_000), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400 }), fc.nat(), (changes, seed) => {
      const table = new NameTable(seed);
      const model = new Map<string, number>();
      for (const { key: [high, low], value } of changes) {
        if (value === undefined) {
          table.delete(high, low);
          model.delete(`${high}:${low}`);
        } else {
          table.set(high, low, value);
          model.set(`${high}:${low}`, value);
        }
      }
      assert.equal(table.size, model.size);
      for (let high = 0; high <= 3; high++) {
        for (let low = 0; low <= 60; low++) {
          assert.equal(table.get(high, low), model.get(`${high}:${low}`) ?? -1);
        }
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("NameTable.get() takes the lower half signed and unsigned", () => {
  const table = new NameTable();
  table.set(0xffff, 0xffff_fffe, 5);
  assert.equal(table.get(0xffff, -2), 5);
  assert.equal(table.get(0xffff, 0xffff_fffe), 5);
  assert.equal(table.get(0xfffe, -2), -1);
});

Deno.test("NameTable.set() grows", () => {
  const table = new NameTable(7);
  for (let i = 0; i < 5_000; i++) table.set(i & 3, i * 1_000_003, i);
  for (let i = 0; i < 5_000; i++) assert.equal(table.get(i & 3, i * 1_000_003), i);
  table.clear();
  assert.equal(table.get(0, 0), -1);
});
