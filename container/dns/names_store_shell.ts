/**
 * The names that survive a restart: those that were registered by hand, which nobody would register again.
 *
 * One SQLite database in the state directory, with the rules of `router/store.ts`: on the disk when a call returns, never
 * shared by two routers, never touched if this version cannot read it.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { type Ipv4, pragma, transaction } from "../../base/mod.ts";

const FILE = "names.db";
const SCHEMA_VERSION = 1;
/** "wnam" in ASCII: tells our database from another one (`PRAGMA application_id`). */
const APPLICATION_ID = 0x776e616d;

const SCHEMA = `
  CREATE TABLE names (
    hostname TEXT NOT NULL,
    container TEXT NOT NULL,
    ip INTEGER NOT NULL,
    PRIMARY KEY (hostname, container, ip)
  ) STRICT, WITHOUT ROWID;
`;

/** A name as it is kept. */
export interface StoredName {
  /** In lower case, with the dot at its end. */
  readonly hostname: string;
  /** Who has it. */
  readonly container: string;
  /** Its address. */
  readonly ip: Ipv4;
}

/** The open store. */
export class NamesStore implements Disposable {
  readonly #db: DatabaseSync;

  private constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /**
   * Opens the store, makes it if it is missing.
   *
   * @throws {Error} if another process has it open, or this version cannot read it; the text says what to do
   */
  static open(directory: string): NamesStore {
    const file = `${directory}/${FILE}`;
    try {
      Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
      return NamesStore.use(new DatabaseSync(file));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const advice = /locked/.test(reason)
        ? "another router has it open"
        : "move the file away to start without the names that were added by hand";
      throw new Error(`Cannot read the stored names ${file}: ${reason}; ${advice}`, {
        cause: error,
      });
    }
  }

  /** Takes a database that is open, empty or ours. @throws {Error} if it is not; it is then closed */
  static use(db: DatabaseSync): NamesStore {
    try {
      db.exec("PRAGMA locking_mode = EXCLUSIVE");
      const version = pragma(db, "user_version");
      const owner = pragma(db, "application_id");
      if (version > SCHEMA_VERSION || owner !== (version === 0 ? 0 : APPLICATION_ID)) {
        throw new Error(`a newer weft or another program wrote it (schema ${version})`);
      }
      db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
      if (version === 0) {
        db.exec(
          `BEGIN IMMEDIATE; ${SCHEMA}; PRAGMA application_id = ${APPLICATION_ID}; ` +
            `PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
        );
      }
      // Takes the lock now and not with the first write.
      db.exec("BEGIN IMMEDIATE; COMMIT");
      return new NamesStore(db);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Returns all names. */
  names(): StoredName[] {
    return this.#db.prepare("SELECT hostname, container, ip FROM names").all().map((row) => ({
      hostname: String(row["hostname"]),
      container: String(row["container"]),
      ip: Number(row["ip"]),
    }));
  }

  /** Keeps a name. */
  add({ hostname, container, ip }: StoredName): void {
    this.#db.prepare("INSERT OR IGNORE INTO names (hostname, container, ip) VALUES (?, ?, ?)")
      .run(hostname, container, ip);
  }

  /** Forgets names; those that were not kept are no error. */
  remove(names: readonly StoredName[]): void {
    const statement = this.#db.prepare(
      "DELETE FROM names WHERE hostname = ? AND container = ? AND ip = ?",
    );
    transaction(this.#db, () => {
      for (const { hostname, container, ip } of names) {
        statement.run(hostname.toLowerCase(), container, ip);
      }
    });
  }

  /** Closes the store; what was written is on the disk. */
  [Symbol.dispose](): void {
    this.#db.close();
  }
}
