/**
 * The store of addresses and its shell on a real disk.
 *
 * @module
 */

import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Cidr, createLogger, formatCidr, parseCidr, parseIpv4 } from "../../base/mod.ts";
import type { IpamChange, StoredIpam } from "../../container/ipam/allocator_io.ts";
import { type Ipam, type IpamHooks, startIpam } from "../../container/ipam/mod.ts";
import { rangeOf } from "../../container/ipam/range.ts";
import { seedRing } from "../../container/ipam/seeding.ts";
import { IpamStore, IpamStoreError } from "../../container/ipam/store_shell.ts";
import { applyChange, nothingStored } from "../../container/ipam/stored.ts";
import { RefusedError } from "../../container/refused.ts";
import { Dice } from "../sim/dice.ts";

const RANGE = parseCidr("10.32.0.0/24");
const SELF = 0x02_0000_000001;

function options(range: Cidr = RANGE, self = SELF): Parameters<typeof IpamStore.open>[1] {
  return { self, range, date: () => new Date(0) };
}

function inDirectory(run: (directory: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const directory = Deno.makeTempDirSync();
    try {
      await run(directory);
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  };
}

function files(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}

/** Random changes, and what they come to. */
function life(seed: number): { changes: IpamChange[]; outcome: StoredIpam } {
  const dice = new Dice(seed);
  const below = (sides: number): number => dice.between(0, sides - 1);
  let outcome = nothingStored(rangeOf(RANGE), SELF);
  const changes: IpamChange[] = [];
  for (let step = 0; step < 40; step++) {
    const change = randomChange(below, outcome, step);
    changes.push(change);
    outcome = applyChange(outcome, change);
  }
  return { changes, outcome };
}

function randomChange(below: (n: number) => number, now: StoredIpam, step: number): IpamChange {
  const cidr = { address: RANGE.address + below(20), length: 24 };
  switch (step === 0 ? 0 : 1 + below(5)) {
    case 0: {
      const proposer = { name: SELF, uid: 2n ** 64n - 1n };
      const promise = { round: 3, proposer };
      const value = { names: [SELF], origin: promise };
      return { paxos: { uid: 2n ** 64n - 1n, own: { promise, accepted: promise, value } } };
    }
    case 1:
      return { ring: seedRing(rangeOf(RANGE), SELF, [SELF, 7 + below(3)]), paxos: null };
    case 2:
      return { entries: [{ token: cidr.address, peer: 7, version: step, free: 1 }], donated: true };
    case 3:
      return {
        freed: [...now.leases].slice(0, 2).map((lease) => ({
          ident: lease.ident,
          address: lease.cidr.address,
        })),
      };
    default:
      return { given: [{ ident: `c${below(5)}`, cidr, isContainer: below(2) === 0 }] };
  }
}

Deno.test(
  "IpamStore gives back what changes come to, whatever they are",
  inDirectory((directory) => {
    for (let seed = 1; seed <= 10; seed++) {
      const place = `${directory}/${seed}`;
      const { changes, outcome } = life(seed);
      {
        using store = IpamStore.open(place, options()).store;
        store.commit(changes.slice(0, 20));
        for (const change of changes.slice(20)) store.commit([change]);
      }
      const { store, stored } = IpamStore.open(place, options());
      store[Symbol.dispose]();
      deepEqual(stored, outcome);
    }
  }),
);

Deno.test(
  "IpamStore.open() sets data of another range or name aside and says so",
  inDirectory((directory) => {
    IpamStore.open(directory, options()).store[Symbol.dispose]();
    const range = IpamStore.open(directory, options(parseCidr("10.40.0.0/16")));
    range.store[Symbol.dispose]();
    match(range.setAside ?? "", /the range was 10\.32\.0\.0\/24.*ipam-1970-01-01T00-00-00\.db/);
    const name = IpamStore.open(directory, options(parseCidr("10.40.0.0/16"), 9));
    name.store[Symbol.dispose]();
    match(name.setAside ?? "", /the name of this peer was 02:00:00:00:00:01.*-2\.db/);
    deepEqual(files(directory), [
      "ipam-1970-01-01T00-00-00-2.db",
      "ipam-1970-01-01T00-00-00.db",
      "ipam.db",
    ]);
    deepEqual(IpamStore.open(directory, options(parseCidr("10.40.0.0/16"), 9)).setAside, undefined);
  }),
);

Deno.test(
  "IpamStore.open() leaves data alone that it cannot read",
  inDirectory((directory) => {
    const file = IpamStore.fileIn(directory);
    Deno.writeTextFileSync(
      file,
      "this is no database, and it is long enough to be looked at ".repeat(40),
    );
    throws(
      () => IpamStore.open(directory, options()),
      /Cannot read the stored addresses .*ipam\.db/,
    );
    match(Deno.readTextFileSync(file), /^this is no database/);
  }),
);

Deno.test(
  "IpamStore.open() refuses data of a newer version",
  inDirectory((directory) => {
    const db = new DatabaseSync(IpamStore.fileIn(directory));
    db.exec("PRAGMA application_id = 0x77697061; PRAGMA user_version = 99");
    db.close();
    throws(() => IpamStore.open(directory, options()), IpamStoreError);
  }),
);

Deno.test(
  "IpamStore.open() names the file that another process has open",
  inDirectory((directory) => {
    using _store = IpamStore.open(directory, options()).store;
    throws(() => IpamStore.open(directory, options()), /locked, another router has it open/);
  }),
);

/** Lets each write to a table fail as on a full disk, where SQLite ends the transaction itself. */
function fillUp(directory: string, table: string): void {
  const db = new DatabaseSync(IpamStore.fileIn(directory));
  db.exec(
    `DELETE FROM meta; CREATE TRIGGER full BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ROLLBACK, 'no room'); END`,
  );
  db.close();
}

Deno.test(
  "IpamStore.commit() says why it cannot",
  inDirectory((directory) => {
    IpamStore.open(directory, options()).store[Symbol.dispose]();
    fillUp(directory, "leases");
    using store = IpamStore.open(directory, options()).store;
    const given = [{ ident: "c1", cidr: RANGE, isContainer: false }];
    throws(() => store.commit([{ given }]), /^IpamStoreError: Cannot store addresses: no room;/);
  }),
);

Deno.test(
  "IpamStore.open() does not advise to move a file away that can be read",
  inDirectory((directory) => {
    IpamStore.open(directory, options()).store[Symbol.dispose]();
    fillUp(directory, "meta");
    throws(() => IpamStore.open(directory, options()), /no room; leave the file there/);
  }),
);

Deno.test(
  "startIpam() ends its calls and closes the store when it cannot write any more",
  inDirectory(async (directory) => {
    IpamStore.open(directory, options(parseCidr("10.32.0.0/12"))).store[Symbol.dispose]();
    fillUp(directory, "entries");
    const ipam = start(directory);
    const cancelled = rejects(ipam.prime({ without: [] }), RefusedError);
    await rejects(async () => await ipam[Symbol.asyncDispose](), /no room/);
    await cancelled;
    IpamStore.open(directory, options(parseCidr("10.32.0.0/12"))).store[Symbol.dispose]();
  }),
);

Deno.test(
  "IpamStore keeps rings that were left",
  inDirectory((directory) => {
    using store = IpamStore.open(directory, options()).store;
    store.commit([{ setAside: { ring: seedRing(rangeOf(RANGE), SELF, [SELF]), reason: "why" } }]);
    deepEqual(store.aside(), [{ at: "1970-01-01T00:00:00.000Z", reason: "why" }]);
  }),
);

function start(directory: string, change: Partial<IpamHooks> = {}): Ipam {
  return startIpam({
    self: SELF,
    uid: 5n,
    nickname: "host1",
    range: parseCidr("10.32.0.0/12"),
    defaultSubnet: parseCidr("10.32.0.0/12"),
    init: { kind: "founding" },
    stateDir: directory,
    targets: () => [],
  }, {
    log: createLogger("ipam", { level: "error", write: () => {}, now: () => new Date() }),
    broadcast: () => {},
    unicast: () => {},
    wallSeconds: () => Math.floor(Date.now() / 1000),
    random: Math.random,
    arpProbe: (_address, withinMs) =>
      new Promise((resolve) => setTimeout(() => resolve(false), withinMs)),
    reserved: () => Promise.resolve([]),
    ...change,
  });
}

const PLAIN = { isContainer: false };

Deno.test(
  "startIpam() gives addresses that are on the disk when the promise resolves",
  inDirectory(async (directory) => {
    const subnet = parseCidr("10.32.0.0/12");
    {
      await using ipam = start(directory);
      deepEqual(formatCidr(await ipam.allocate("c1", subnet, PLAIN)), "10.32.0.1/12");
      await ipam.claim("c2", parseCidr("10.32.0.9/12"), PLAIN);
      await rejects(ipam.claim("c3", parseCidr("10.32.0.9/12"), PLAIN), RefusedError);
      await ipam.free("c2", parseIpv4("10.32.0.9"));
      equal(ipam.status().state, "ready");
    }
    await using ipam = start(directory);
    deepEqual(ipam.lookup("c1").map(formatCidr), ["10.32.0.1/12"]);
    deepEqual(ipam.owned().map(({ ident }) => ident), ["c1"]);
  }),
);

Deno.test(
  "startIpam() gives nothing out before it could see what is in use",
  inDirectory(async (directory) => {
    const cidr = parseCidr("10.32.0.1/12");
    const seen = Promise.withResolvers<void>();
    await using ipam = start(directory, {
      reserved: async () => {
        await seen.promise;
        return [{ ident: "old", cidr, isContainer: true }];
      },
    });
    const early = ipam.allocate("c1", ipam.range, PLAIN);
    seen.resolve();
    equal(formatCidr(await early), "10.32.0.2/12");
  }),
);

Deno.test(
  "startIpam() ends a call whose caller goes, and all calls when it stops",
  inDirectory(async (directory) => {
    const ipam = start(directory, { reserved: () => new Promise(() => {}) });
    const abort = new AbortController();
    const first = ipam.allocate("c1", ipam.range, { isContainer: false, signal: abort.signal });
    const second = ipam.allocate("c2", ipam.range, PLAIN);
    const ends = Promise.all([
      rejects(first, (error) => error instanceof RefusedError && error.code === "cancelled"),
      rejects(second, (error) => error instanceof RefusedError && error.code === "cancelled"),
    ]);
    abort.abort();
    await ipam[Symbol.asyncDispose]();
    await ends;
  }),
);

Deno.test(
  "startIpam() serves many at once with few commits",
  inDirectory(async (directory) => {
    await using ipam = start(directory);
    await ipam.prime({ without: [] });
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, i) => ipam.allocate(`c${i}`, ipam.range, PLAIN)),
    );
    equal(new Set(all.map(formatCidr)).size, 200);
    equal(ipam.owned().length, 200);
  }),
);
