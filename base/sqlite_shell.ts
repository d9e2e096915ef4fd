/**
 * What all stores share of SQLite.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";

/**
 * Makes changes in one transaction; when it returns they are committed.
 *
 * @param change makes them, synchronously
 * @throws what `change` throws, or {Error} of SQLite, as on a full disk; then nothing has changed
 */
export function transaction(db: DatabaseSync, change: () => void): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    change();
    db.exec("COMMIT");
  } catch (error) {
    // On a full disk SQLite has done it itself, and what it says of another one would hide why.
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** Returns a setting of a database that is a number, as `user_version`. */
export function pragma(db: DatabaseSync, name: string): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}
