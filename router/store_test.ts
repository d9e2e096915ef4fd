import { deepEqual, equal, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Store, StoreError } from "./store.ts";

const FILE = "weft.db";

function memory(): Store {
  return Store.use(new DatabaseSync(":memory:"), FILE);
}

Deno.test("Store gives back the identity that was stored", () => {
  using store = memory();
  equal(store.identity(), undefined);
  store.setIdentity({ name: 0xfe01_0203_0405, machineId: "a", productUuid: undefined });
  deepEqual(store.identity(), { name: 0xfe01_0203_0405, machineId: "a", productUuid: undefined });
  store.setIdentity({ name: 6, machineId: undefined, productUuid: "u" });
  deepEqual(store.identity(), { name: 6, machineId: undefined, productUuid: "u" });
});

Deno.test("Store keeps targets in their order, each once", () => {
  using store = memory();
  store.setTargets(["b", "a", "b"]);
  deepEqual(store.targets(), ["b", "a"]);
  store.setTargets(["c"]);
  deepEqual(store.targets(), ["c"]);
});

Deno.test("Store.use() refuses a newer schema and names the file", () => {
  const db = new DatabaseSync(":memory:");
  db.exec("PRAGMA application_id = 0x77656674; PRAGMA user_version = 99");
  throws(
    () => Store.use(db, FILE),
    (e) => e instanceof StoreError && /weft\.db.*99/.test(e.message),
  );
});

Deno.test("Store.use() refuses the database of another program", () => {
  const db = new DatabaseSync(":memory:");
  db.exec("PRAGMA application_id = 5");
  throws(() => Store.use(db, FILE), /another program/);
});
