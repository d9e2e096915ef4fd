import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { createLogger } from "../../base/mod.ts";
import { EXTERN_ID, type Names, startNames } from "./names_shell.ts";
import { NamesStore, type StoredName } from "./names_store_shell.ts";
import { encodeNames } from "./records_wire.ts";

const US = 1;
const THEM = 2;
const T0 = 1_700_000_000;
const IP = 0xc0000201;

interface Bench extends Disposable {
  readonly names: Names;
  /** What goes to the mesh. */
  readonly sent: string[];
  readonly lines: string[];
}

/** Starts names over what was kept before, and closes the store with them. */
function start(kept: readonly StoredName[] = [], store: NamesStore = memory()): Bench {
  for (const name of kept) store.add(name);
  const sent: string[] = [];
  const lines: string[] = [];
  const log = createLogger("dns", {
    level: "debug",
    write: (line) => lines.push(line),
    now: () => new Date(0),
  });
  const names = startNames({ self: US, domain: "Example.org", stateDir: "" }, {
    log,
    wallSeconds: () => T0,
    gossip: (channel) => sent.push(`gossip ${channel}`),
    broadcast: (channel) => sent.push(`broadcast ${channel}`),
  }, store);
  return { names, sent, lines, [Symbol.dispose]: () => names[Symbol.dispose]() };
}

function memory(): NamesStore {
  return NamesStore.use(new DatabaseSync(":memory:"));
}

Deno.test("Names.add() registers a name of the domain and broadcasts it", () => {
  using bench = start();
  bench.names.add("Web.Example.org", "c", IP);
  assert.equal(bench.names.domain, "example.org.");
  assert.deepEqual(bench.names.lookup.addressesOf("web.example.org."), [{
    ip: IP,
    reachable: true,
  }]);
  assert.deepEqual(bench.sent, ["broadcast nameserver"]);
  assert.deepEqual(bench.names.status(), { live: 1, own: 1, warnings: [] });
});

Deno.test("Names.add() refuses a name outside the domain", () => {
  using bench = start();
  assert.throws(() => bench.names.add("web.example.com", EXTERN_ID, IP), {
    code: "outside-domain",
  });
  assert.deepEqual(bench.names.entries(), []);
});

Deno.test("Names.remove() counts what it removes and wants to know which", () => {
  using bench = start();
  bench.names.add("web.example.org", "c", IP);
  bench.names.add("db.example.org", "c", IP);
  assert.throws(() => bench.names.remove({}), { code: "not-possible" });
  assert.equal(bench.names.remove({ fqdn: "WEB.example.org" }), 1);
  assert.equal(bench.names.remove({ all: true }), 1);
  assert.equal(bench.names.remove({ all: true }), 0);
  assert.equal(bench.names.entries().length, 2);
});

Deno.test("Names.died() leaves names that were registered after the container started again", () => {
  using bench = start();
  bench.names.add("web.example.org", "c", IP);
  bench.names.died("c", T0);
  assert.equal(bench.names.status().live, 1);
  bench.names.died("c");
  assert.equal(bench.names.status().live, 0);
});

Deno.test("Names keeps what was added by hand until it is removed, and nothing else", () => {
  const store = memory();
  using bench = start([], store);
  bench.names.add("plain.example.org", "c", IP);
  bench.names.add("kept.example.org", "c", IP, { keep: true });
  bench.names.add("extern.example.org", EXTERN_ID, IP);
  bench.names.add("removed.example.org", EXTERN_ID, IP);
  bench.names.remove({ fqdn: "removed.example.org" });
  assert.deepEqual(store.names().map((name) => name.hostname).sort(), [
    "extern.example.org.",
    "kept.example.org.",
  ]);
});

Deno.test("startNames() begins with what was kept, save what is not in the domain", () => {
  const name = { container: "c", ip: IP };
  using bench = start([
    { ...name, hostname: "web.example.org." },
    { ...name, hostname: "web.example.com." },
  ]);
  assert.deepEqual(bench.names.entries().map((entry) => entry.hostname), ["web.example.org."]);
  assert.match(bench.lines.join(), /stored names are not in the domain.*count=1/);
});

Deno.test("Names.channel takes names of peers, and says whom not to tell", () => {
  using bench = start();
  const them = { name: THEM, nickname: "them", reachable: true, weft: false };
  bench.names.topologyChanged([them]);
  const entry = { hostname: "web.example.org.", container: "c", origin: THEM, ip: IP };
  const entries = [{ ...entry, version: 0, tombstone: 0 }];
  for (const payload of encodeNames({ timestamp: T0, entries })) {
    bench.names.channel.gossip(payload, THEM, 0);
  }
  assert.equal(bench.names.lookup.nameOf(IP), "web.example.org.");
  for (const payload of encodeNames({ timestamp: T0 + 1_000, entries: [] })) {
    bench.names.channel.gossip(payload, THEM, 0);
  }
  assert.equal(bench.names.channel.withholds?.(THEM), true);
  assert.equal(bench.names.status().warnings.length, 1);
});

Deno.test("NamesStore.use() refuses a database of a later version or of others", () => {
  for (const sql of ["PRAGMA user_version = 9", "PRAGMA application_id = 7"]) {
    const db = new DatabaseSync(":memory:");
    db.exec(sql);
    assert.throws(() => NamesStore.use(db), /a newer weft or another program wrote it/);
  }
});
