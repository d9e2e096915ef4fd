/**
 * What survives a restart: the peer name, the targets, and what namespaces hold their addresses under.
 *
 * Which container is attached with what is not here: the kernel knows it, and keeps it for as long as it is true. Addresses and
 * names have files of their own.
 *
 * One SQLite database in the state directory. Write-ahead log and full synchronisation, so that what was answered is on the
 * disk; locked for as long as it is open, so that two routers never share one. Data that this version cannot read is never
 * touched: the router does not start and says what to do.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { pragma, transaction } from "../base/mod.ts";
import type { StoredIdentity } from "./identity.ts";

const FILE = "weft.db";
const SCHEMA_VERSION = 2;
/** "weft" in ASCII: tells our database from another one (`PRAGMA application_id`). */
const APPLICATION_ID = 0x77656674;

const SCHEMA = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE targets (position INTEGER PRIMARY KEY, target TEXT NOT NULL UNIQUE) STRICT;
`;
/** Version 2: what namespaces without a container engine hold their addresses under. */
const IDENTS = `
  CREATE TABLE idents (
    boot_id TEXT NOT NULL, inode TEXT NOT NULL, ident TEXT NOT NULL UNIQUE, PRIMARY KEY (boot_id, inode)
  ) STRICT;
`;

/** Is thrown when the stored state cannot be used; the text says what to do. */
export class StoreError extends Error {
  /** Name of the class. */
  override name = "StoreError";

  /** Makes one. @param locked another process has it open */
  constructor(message: string, readonly locked: boolean = false) {
    super(message);
  }
}

/** The open store. */
export class Store implements Disposable {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** Returns the file of the store in a state directory. */
  static fileIn(directory: string): string {
    return `${directory}/${FILE}`;
  }

  /**
   * Opens the store, makes it if it is missing.
   *
   * @throws {StoreError} if another process has it open, or this version cannot read it
   */
  static open(directory: string): Store {
    const file = Store.fileIn(directory);
    try {
      Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
      return Store.use(new DatabaseSync(file), file);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError(`Cannot open the stored state ${file}: ${wordsOf(error)}`);
    }
  }

  /**
   * Takes a database that is open, empty or ours.
   *
   * @param file its name for errors
   * @throws {StoreError} as `open`; the database is then closed
   */
  static use(db: DatabaseSync, file: string): Store {
    try {
      db.exec("PRAGMA locking_mode = EXCLUSIVE");
      const version = pragma(db, "user_version");
      const owner = pragma(db, "application_id");
      if (
        version > SCHEMA_VERSION || (owner !== APPLICATION_ID && (owner !== 0 || version !== 0))
      ) {
        throw new StoreError(
          `Cannot use the stored state ${file}: a newer weft or another program wrote it ` +
            `(schema ${version}); use that version, or move the file away to start empty`,
        );
      }
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
      upgrade(db, version);
      // Takes the lock now and not with the first write.
      db.exec("BEGIN IMMEDIATE; COMMIT");
      return new Store(db);
    } catch (error) {
      db.close();
      if (error instanceof StoreError) throw error;
      throw refusal(file, wordsOf(error));
    }
  }

  /** Returns the stored name, `undefined` if there is none yet. */
  identity(): StoredIdentity | undefined {
    const name = this.#meta("peerName");
    if (name === undefined) return undefined;
    return {
      name: Number(name),
      machineId: this.#meta("machineId"),
      productUuid: this.#meta("productUuid"),
    };
  }

  /** Stores the name and the machine it belongs to. */
  setIdentity(identity: StoredIdentity): void {
    transaction(this.#db, () => {
      const { name, machineId, productUuid } = identity;
      this.#setMeta("peerName", String(name));
      this.#setMeta("machineId", machineId);
      this.#setMeta("productUuid", productUuid);
    });
  }

  /** Returns the targets in the order in which they were given. */
  targets(): string[] {
    return this.#db.prepare("SELECT target FROM targets ORDER BY position").all()
      .map((row) => String(row["target"]));
  }

  /** Replaces the targets. */
  setTargets(targets: readonly string[]): void {
    transaction(this.#db, () => {
      this.#db.exec("DELETE FROM targets");
      const insert = this.#db.prepare("INSERT OR IGNORE INTO targets (target) VALUES (?)");
      for (const target of targets) insert.run(target);
    });
  }

  /** Returns what a namespace holds its addresses under. @param key what tells the namespace from all others of that boot of the machine */
  ident(bootId: string, key: string): string | undefined {
    const row = this.#db.prepare("SELECT ident FROM idents WHERE boot_id = ? AND inode = ?")
      .get(bootId, key);
    return row === undefined ? undefined : String(row["ident"]);
  }

  /** Stores it. */
  setIdent(bootId: string, key: string, ident: string): void {
    this.#db.prepare("INSERT OR REPLACE INTO idents (boot_id, inode, ident) VALUES (?, ?, ?)")
      .run(bootId, key, ident);
  }

  /** Returns all idents. */
  idents(): string[] {
    return this.#db.prepare("SELECT ident FROM idents").all().map((row) => String(row["ident"]));
  }

  /** Forgets one. */
  dropIdent(ident: string): void {
    this.#db.prepare("DELETE FROM idents WHERE ident = ?").run(ident);
  }

  /** Closes the store; what was written is on the disk. */
  [Symbol.dispose](): void {
    this.#db.close();
  }

  #meta(key: string): string | undefined {
    const row = this.#db.prepare("SELECT value FROM meta WHERE key = ?").get(key);
    return row === undefined ? undefined : String(row["value"]);
  }

  #setMeta(key: string, value: string | undefined): void {
    if (value === undefined) this.#db.prepare("DELETE FROM meta WHERE key = ?").run(key);
    else this.#db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)").run(key, value);
  }
}

function upgrade(db: DatabaseSync, version: number): void {
  if (version === SCHEMA_VERSION) return;
  db.exec(
    `BEGIN IMMEDIATE; ${version === 0 ? SCHEMA : ""} ${IDENTS}; ` +
      `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
  );
}

function refusal(file: string, reason: string): StoreError {
  if (/locked/.test(reason)) {
    return new StoreError(
      `Cannot use the stored state ${file}: database is locked, another router has it open`,
      true,
    );
  }
  return new StoreError(
    `Cannot read the stored state ${file}: ${reason}; move the file away to start empty`,
  );
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
