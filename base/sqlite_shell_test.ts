import { deepEqual, equal, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { pragma, transaction } from "./sqlite_shell.ts";

function numbers(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE numbers (n INTEGER)");
  return db;
}

function count(db: DatabaseSync): unknown {
  return db.prepare("SELECT count(*) AS n FROM numbers").get()?.["n"];
}

Deno.test("transaction() makes all changes", () => {
  using db = numbers();
  transaction(db, () => db.exec("INSERT INTO numbers VALUES (1), (2)"));
  deepEqual([count(db), db.isTransaction], [2, false]);
});

Deno.test("transaction() makes none when one fails, and says why", () => {
  using db = numbers();
  const half = (): void => {
    db.exec("INSERT INTO numbers VALUES (1)");
    throw new Error("why");
  };
  throws(() => transaction(db, half), /^Error: why$/);
  deepEqual([count(db), db.isTransaction], [0, false]);
});

Deno.test("transaction() says why it failed when SQLite has gone back by itself", () => {
  using db = numbers();
  const ended = (): void => {
    db.exec("ROLLBACK");
    throw new Error("database or disk is full");
  };
  throws(() => transaction(db, ended), /disk is full/);
});

Deno.test("pragma() returns a number", () => {
  using db = numbers();
  db.exec("PRAGMA user_version = 7");
  equal(pragma(db, "user_version"), 7);
});
