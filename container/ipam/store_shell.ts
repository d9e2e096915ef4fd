/**
 * What survives a restart: the ring, the leases, and what we promised while there was no ring.
 *
 * ```
 *   meta      whose data, of which range, seeds, promises        entries   token, owner, version, free
 *   leases    address, ident, prefix                             aside     rings that were left, for people
 * ```
 *
 * One SQLite database in the state directory, `ipam.db`: write-ahead log and full synchronisation, so that what was
 * answered is on the disk; locked for as long as it is open. Only what changed is written. Data of another range or another
 * name is set aside and never overwritten; data that cannot be read is left alone, and the router does not start.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Cidr, formatPeerName, type PeerName, pragma, transaction } from "../../base/mod.ts";
import type { IpamChange, Lease, PaxosState, StoredIpam } from "./allocator_io.ts";
import { formatRange, rangeOf } from "./range.ts";
import type { Ring, RingEntry } from "./ring.ts";

const FILE = "ipam.db";
const SCHEMA_VERSION = 1;
/** "wipa" in ASCII: tells our database from another one (`PRAGMA application_id`). */
const APPLICATION_ID = 0x77697061;
/** Result codes of SQLite for what is no database of ours: SQLITE_ERROR (no such table), SQLITE_CORRUPT, SQLITE_NOTADB. */
const UNREADABLE: ReadonlySet<number> = new Set([1, 11, 26]);

const SCHEMA = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE entries (token INTEGER PRIMARY KEY, peer INTEGER NOT NULL, version INTEGER NOT NULL,
    free INTEGER NOT NULL) STRICT;
  CREATE TABLE leases (position INTEGER PRIMARY KEY AUTOINCREMENT, address INTEGER NOT NULL UNIQUE, ident TEXT NOT NULL,
    length INTEGER NOT NULL, container INTEGER NOT NULL) STRICT;
  CREATE TABLE aside (position INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, reason TEXT NOT NULL,
    ring TEXT NOT NULL) STRICT;
`;

/** Is thrown when the stored addresses cannot be used; the text says what to do. */
export class IpamStoreError extends Error {
  /** Name of the class. */
  override name = "IpamStoreError";
}

/** Whose data is wanted, and when it is. */
export interface IpamStoreOptions {
  /** Our name. */
  readonly self: PeerName;
  /** The universe. */
  readonly range: Cidr;
  /** Returns the time, for names of files that are set aside. */
  readonly date: () => Date;
}

/** An open store, and what was in it. */
export interface OpenedIpamStore {
  /** The store. */
  readonly store: IpamStore;
  /** What a former run left. */
  readonly stored: StoredIpam;
  /** What happened to data that was of no use, in words. */
  readonly setAside: string | undefined;
}

/** The open store. */
export class IpamStore implements Disposable {
  readonly #db: DatabaseSync;
  readonly #date: () => Date;
  readonly #setEntry: StatementSync;
  readonly #give: StatementSync;
  readonly #free: StatementSync;

  private constructor(db: DatabaseSync, date: () => Date) {
    this.#db = db;
    this.#date = date;
    this.#setEntry = db.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)");
    this.#give = db.prepare(
      "INSERT OR REPLACE INTO leases (address, ident, length, container) VALUES (?, ?, ?, ?)",
    );
    this.#free = db.prepare("DELETE FROM leases WHERE address = ? AND ident = ?");
  }

  /** Returns the file of the store in a state directory. */
  static fileIn(directory: string): string {
    return `${directory}/${FILE}`;
  }

  /**
   * Opens the store, makes it if it is missing, sets it aside if it is of another range or name.
   *
   * @throws {IpamStoreError} if another process has it open, or it cannot be read
   */
  static open(directory: string, options: IpamStoreOptions): OpenedIpamStore {
    const file = IpamStore.fileIn(directory);
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    const db = openDatabase(file);
    const reason = asFile(file, db, () => foreign(db, options));
    if (reason === undefined) return IpamStore.#read(db, file, options, undefined);
    db.close();
    const aside = asideName(directory, options.date());
    Deno.renameSync(file, aside);
    const words = `${reason}; the stored addresses were set aside as ${aside}`;
    return IpamStore.#read(openDatabase(file), file, options, words);
  }

  /**
   * Writes changes in order, all or none; when it returns they are on the disk.
   *
   * @throws {IpamStoreError} if that cannot be done, as on a full disk
   */
  commit(changes: readonly IpamChange[]): void {
    try {
      transaction(this.#db, () => {
        for (const change of changes) this.#apply(change);
      });
    } catch (error) {
      throw new IpamStoreError(
        `Cannot store addresses: ${wordsOf(error)}; what is not kept must not be given out, ` +
          "so mend that and start again",
      );
    }
  }

  /** Returns the rings that were left: when and why. */
  aside(): { at: string; reason: string }[] {
    return this.#db.prepare("SELECT at, reason FROM aside ORDER BY position").all()
      .map((row) => ({ at: String(row["at"]), reason: String(row["reason"]) }));
  }

  /** Closes the store; what was committed is on the disk. */
  [Symbol.dispose](): void {
    this.#db.close();
  }

  static #read(
    db: DatabaseSync,
    file: string,
    options: IpamStoreOptions,
    setAside: string | undefined,
  ): OpenedIpamStore {
    return asFile(file, db, () => {
      keepMeta(db, "peer", String(options.self));
      keepMeta(db, "range", formatRange(rangeOf(options.range)));
      const stored = {
        ring: readRing(db, options),
        leases: readLeases(db),
        paxos: readPaxos(db),
        donated: meta(db, "donated") === "true",
      };
      return { store: new IpamStore(db, options.date), stored, setAside };
    });
  }

  #apply(change: IpamChange): void {
    const { setAside, ring, entries = [], freed = [], given = [], paxos, donated } = change;
    if (setAside !== undefined) {
      this.#db.prepare("INSERT INTO aside (at, reason, ring) VALUES (?, ?, ?)")
        .run(this.#date().toISOString(), setAside.reason, JSON.stringify(setAside.ring));
    }
    if (ring !== undefined) {
      this.#db.exec("DELETE FROM entries");
      setMeta(this.#db, "seeds", JSON.stringify(ring.seeds));
    }
    for (const { token, peer, version, free } of ring?.entries ?? entries) {
      this.#setEntry.run(token, peer, version, free);
    }
    for (const { ident, address } of freed) this.#free.run(address, ident);
    for (const { ident, cidr, isContainer } of given) {
      this.#give.run(cidr.address, ident, cidr.length, Number(isContainer));
    }
    if (paxos !== undefined) setMeta(this.#db, "paxos", paxos === null ? undefined : toJson(paxos));
    if (donated !== undefined) setMeta(this.#db, "donated", String(donated));
  }
}

function openDatabase(file: string): DatabaseSync {
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(file);
  } catch (error) {
    throw refusal(file, error);
  }
  return asFile(file, db, () => {
    db.exec("PRAGMA locking_mode = EXCLUSIVE");
    const version = pragma(db, "user_version");
    const owner = pragma(db, "application_id");
    if (version > SCHEMA_VERSION || (owner !== APPLICATION_ID && (owner !== 0 || version !== 0))) {
      throw new IpamStoreError(
        `Cannot use the stored addresses ${file}: a newer weft or another program wrote them ` +
          `(schema ${version}); use that version, or move the file away to start empty`,
      );
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
    return db;
  });
}

/** Does something with a database; if it fails the database is closed and the error names the file. */
function asFile<T>(file: string, db: DatabaseSync, action: () => T): T {
  try {
    return action();
  } catch (error) {
    db.close();
    throw error instanceof IpamStoreError ? error : refusal(file, error);
  }
}

/** Returns why data is not ours, `undefined` if it is. */
function foreign(db: DatabaseSync, { self, range }: IpamStoreOptions): string | undefined {
  const [peer, stored] = [meta(db, "peer"), meta(db, "range")];
  const wanted = formatRange(rangeOf(range));
  if (peer !== undefined && Number(peer) !== self) {
    return `the name of this peer was ${formatPeerName(Number(peer))}`;
  }
  if (stored !== undefined && stored !== wanted) return `the range was ${stored}`;
  return undefined;
}

function asideName(directory: string, date: Date): string {
  const stamp = date.toISOString().slice(0, 19).replaceAll(":", "-");
  for (let n = 1;; n++) {
    const name = `${directory}/ipam-${stamp}${n === 1 ? "" : `-${n}`}.db`;
    if (!exists(name)) return name;
  }
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function readRing(db: DatabaseSync, { self, range }: IpamStoreOptions): Ring {
  const entries = db.prepare("SELECT * FROM entries ORDER BY token").all().map((
    row,
  ): RingEntry => ({
    token: Number(row["token"]),
    peer: Number(row["peer"]),
    version: Number(row["version"]),
    free: Number(row["free"]),
  }));
  const seeds = JSON.parse(meta(db, "seeds") ?? "[]") as PeerName[];
  return { ...rangeOf(range), peer: self, seeds, entries };
}

function readLeases(db: DatabaseSync): Lease[] {
  return db.prepare("SELECT * FROM leases ORDER BY position").all().map((row) => ({
    ident: String(row["ident"]),
    cidr: { address: Number(row["address"]), length: Number(row["length"]) },
    isContainer: row["container"] === 1,
  }));
}

function readPaxos(db: DatabaseSync): PaxosState | undefined {
  const text = meta(db, "paxos");
  if (text === undefined) return undefined;
  return JSON.parse(text, (key, value) => key === "uid" ? BigInt(value) : value) as PaxosState;
}

function toJson(paxos: PaxosState): string {
  return JSON.stringify(paxos, (_key, value) => typeof value === "bigint" ? `${value}` : value);
}

function meta(db: DatabaseSync, key: string): string | undefined {
  const row = db.prepare("SELECT value FROM meta WHERE key = ?").get(key);
  return row === undefined ? undefined : String(row["value"]);
}

function setMeta(db: DatabaseSync, key: string, value: string | undefined): void {
  if (value === undefined) db.prepare("DELETE FROM meta WHERE key = ?").run(key);
  else db.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)").run(key, value);
}

/** Writes only what is new: a full disk keeps nobody from starting with what is there. */
function keepMeta(db: DatabaseSync, key: string, value: string): void {
  if (meta(db, key) !== value) setMeta(db, key, value);
}

function refusal(file: string, error: unknown): IpamStoreError {
  const reason = wordsOf(error);
  const use = `Cannot use the stored addresses ${file}: `;
  if (/locked/.test(reason)) {
    return new IpamStoreError(`${use}database is locked, another router has it open`);
  }
  const code = sqliteCode(error);
  // Whoever moves a good file away gives out again what is in use.
  if (code !== undefined && !UNREADABLE.has(code)) {
    return new IpamStoreError(`${use}${reason}; leave the file there, mend that and start again`);
  }
  return new IpamStoreError(
    `Cannot read the stored addresses ${file}: ${reason}; move the file away to start empty`,
  );
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === "number" ? code & 0xff : undefined;
}
