/**
 * The name server on loopback: queries on real sockets, other servers that are played here.
 *
 * @module
 */

import { deepEqual, equal, ok } from "node:assert/strict";
import { createLogger } from "../../base/mod.ts";
import { type DnsConfig, type DnsServer, startDns } from "../../container/dns/server_shell.ts";
import { libc } from "../../ffi/libc.ts";
import { ask, decodeMessage, encode, tableOf, tell, type Told } from "../helpers/dns.ts";
import { runSize } from "../helpers/run_size.ts";
import { dice } from "../helpers/underlay.ts";
import { until } from "../helpers/until.ts";

// It stays open: it is no leak of the first test.
libc();

const HOST = "127.0.0.1";
const MANY = Array.from({ length: 60 }, (_, i) => `10.5.1.${i + 1}`);
const names = tableOf({ "foo.weave.local.": ["10.5.0.9"], "many.weave.local.": MANY });
/** More than fit into the receive buffer. */
const BURST = 20_000;
/** Datagrams that are none or nearly none. */
const GARBAGE = runSize("inputs", 200_000, 1_000_000);

function start(config: Partial<DnsConfig> = {}): DnsServer {
  const log = createLogger("dns", { level: "error", write: () => {}, now: () => new Date(0) });
  const defaults: DnsConfig = {
    domain: "weave.local.",
    ttlSeconds: 1,
    listen: [`${HOST}:0`],
    resolvConf: undefined,
    servers: [],
    timeoutMs: 2_000,
  };
  return startDns({ ...defaults, ...config }, { log, names });
}

/** A name server for the rest of the world. Has what it was asked; says nothing if `rcode` is undefined. */
class Other implements Disposable {
  readonly asked: string[] = [];
  #udp = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
  #tcp = Deno.listen({ hostname: HOST, port: this.port });

  constructor(readonly rcode: number | undefined, readonly addresses = 1) {
    void this.#serveUdp();
    void this.#serveTcp();
  }

  get port(): number {
    return (this.#udp.addr as Deno.NetAddr).port;
  }

  get address(): string {
    return `${HOST}:${this.port}`;
  }

  [Symbol.dispose](): void {
    this.#udp.close();
    this.#tcp.close();
  }

  #answer(bytes: Uint8Array): Uint8Array | undefined {
    const { id, questions } = decodeMessage(bytes);
    const name = questions[0]?.name ?? "";
    if (!name.startsWith("weft-loop-probe-")) this.asked.push(name);
    if (this.rcode === undefined) return undefined;
    const answers = Array.from({ length: this.addresses }, (_, i) => ({
      type: "A",
      name,
      ttl: 60,
      data: `192.0.2.${i}`,
    }));
    return encode({
      type: "response",
      id,
      flags: 0x0180 | this.rcode,
      questions,
      answers: this.rcode === 0 ? answers : [],
    });
  }

  async #serveUdp(): Promise<void> {
    for await (const [bytes, from] of this.#udp) {
      const answer = this.#answer(bytes);
      if (answer !== undefined) await this.#udp.send(answer, from);
    }
  }

  async #serveTcp(): Promise<void> {
    for await (const connection of this.#tcp) {
      using open = connection;
      const query = await readFramed(open);
      const answer = query === undefined ? undefined : this.#answer(query);
      if (answer !== undefined) await open.write(framed(answer));
    }
  }
}

function framed(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([bytes.length >> 8, bytes.length & 255, ...bytes]);
}

async function readExactly(connection: Deno.Conn, length: number): Promise<Uint8Array | undefined> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await connection.read(bytes.subarray(at));
    if (count === null) return undefined;
    at += count;
  }
  return bytes;
}

async function readFramed(connection: Deno.Conn): Promise<Uint8Array | undefined> {
  const head = await readExactly(connection, 2);
  return head && await readExactly(connection, (head[0] ?? 0) * 256 + (head[1] ?? 0));
}

/** A client by UDP. */
class Client implements Disposable {
  #socket = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });

  constructor(readonly server: DnsServer) {}

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  async send(bytes: Uint8Array): Promise<void> {
    const port = this.server.port ?? 0;
    await this.#socket.send(bytes, { transport: "udp", hostname: HOST, port });
  }

  async receive(): Promise<Told> {
    const [bytes] = await this.#socket.receive(new Uint8Array(8192));
    return tell(bytes);
  }

  async ask(name: string, options: Parameters<typeof ask>[2] = {}): Promise<Told> {
    await this.send(ask(name, "A", options));
    return await this.receive();
  }
}

async function connect(server: DnsServer): Promise<Deno.TcpConn> {
  return await Deno.connect({ hostname: HOST, port: server.port ?? 0 });
}

Deno.test("DnsServer answers by UDP, within 512 bytes or what EDNS says", async () => {
  await using server = start();
  using client = new Client(server);
  const foo = await client.ask("Foo.weave.local", { id: 9 });
  deepEqual([foo.id, foo.answers], [9, ["Foo.weave.local 1 A 10.5.0.9"]]);
  const short = await client.ask("many");
  deepEqual([short.flags, short.answers.length], ["qr aa tc rd ra", 30]);
  const whole = await client.ask("many", { edns: 1232 });
  deepEqual([whole.flags, whole.answers.length, whole.edns], ["qr aa rd ra", 60, 1232]);
});

Deno.test("DnsServer answers many queries on one connection", async () => {
  await using server = start();
  using connection = await connect(server);
  const queries = Array.from({ length: 100 }, (_, id) => framed(ask("many", "A", { id })));
  const bytes = Uint8Array.from(queries.flatMap((each) => [...each]));
  // In pieces that end anywhere.
  for (let at = 0; at < bytes.length; at += 777) {
    await connection.write(bytes.subarray(at, at + 777));
  }
  await connection.closeWrite();
  const ids: number[] = [];
  for (;;) {
    const answer = await readFramed(connection);
    if (answer === undefined) break;
    const told = tell(answer);
    deepEqual([told.flags, told.answers.length], ["qr aa rd ra", 60]);
    ids.push(told.id);
  }
  deepEqual(ids, queries.map((_, id) => id));
});

Deno.test("DnsServer takes no more than 32 connections from one address", async () => {
  await using server = start();
  const connections = [];
  for (let i = 0; i < 40; i++) connections.push(await connect(server));
  const answers = await Promise.all(connections.map(async (connection) => {
    try {
      await connection.write(framed(ask("foo", "A")));
      return await readFramed(connection) !== undefined;
    } catch {
      return false;
    } finally {
      connection.close();
    }
  }));
  equal(answers.filter((answered) => answered).length, 32);
});

Deno.test("DnsServer closes a connection that sends what is no query", async () => {
  await using server = start();
  for (const bytes of [Uint8Array.of(255, 255), framed(new Uint8Array(3))]) {
    using connection = await connect(server);
    await connection.write(bytes);
    equal(await readFramed(connection), undefined);
  }
});

Deno.test("DnsServer asks other servers by the client's transport, and remembers", async () => {
  using other = new Other(0);
  await using server = start({ servers: [other.address] });
  using client = new Client(server);
  equal((await client.ask("a.example.org")).answers.length, 1);
  equal((await client.ask("a.example.org")).answers.length, 1);
  using connection = await connect(server);
  await connection.write(framed(ask("b.example.org", "A")));
  equal(tell(await readFramed(connection) ?? new Uint8Array()).rcode, "NOERROR");
  deepEqual(other.asked, ["a.example.org", "b.example.org"]);
});

Deno.test("DnsServer tells the client to come by TCP when another server's answer is long", async () => {
  using other = new Other(0, 40);
  await using server = start({ servers: [other.address] });
  using client = new Client(server);
  const told = await client.ask("a.example.org");
  deepEqual([told.flags, told.answers.length], ["qr tc rd ra", 0]);
  const whole = await client.ask("a.example.org", { edns: 4096 });
  equal(whole.answers.length, 40);
});

Deno.test("DnsServer goes on with the others when one is dead, and says who", async () => {
  using dead = new Other(undefined);
  using refusing = new Other(5);
  using good = new Other(0);
  const servers = [dead, refusing, good].map((each) => each.address);
  await using server = start({ servers });
  using client = new Client(server);
  for (let i = 0; i < 10; i++) equal((await client.ask(`n${i}.example.org`)).rcode, "NOERROR");
  deepEqual(dead.asked, ["n0.example.org"], "later ones do not wait for it");
  await until(() => server.status().upstream[0]?.state === "down", 6_000, "the dead one is known");
});

Deno.test("DnsServer answers the first query before it is known that a server is dead", async () => {
  using dead = new Other(undefined);
  using good = new Other(0);
  await using server = start({ servers: [dead.address, good.address] });
  using client = new Client(server);
  equal((await client.ask("a.example.org")).rcode, "NOERROR");
  // Down is who was waited for in vain, for a whole time-out.
  deepEqual(server.status().upstream.map((each) => each.state), ["slow", "up"]);
  deepEqual([dead.asked, good.asked], [["a.example.org"], ["a.example.org"]]);
});

Deno.test("DnsServer fails after one time-out when the port of a lone server is closed", async () => {
  const gone = new Other(0);
  gone[Symbol.dispose]();
  await using server = start({ servers: [gone.address] });
  using client = new Client(server);
  equal((await client.ask("a.example.org")).rcode, "SERVFAIL");
  const { failed, attempts } = server.status().counters;
  // The query, its copy in case it got lost, and the probe for a loop.
  deepEqual([failed, attempts], [1, 3]);
});

Deno.test("DnsServer fails when nobody answers", async () => {
  await using server = start({ servers: [`${HOST}:9`, "[::1]:9"] });
  using client = new Client(server);
  equal((await client.ask("a.example.org")).rcode, "SERVFAIL");
  await using lonely = start();
  using other = new Client(lonely);
  equal((await other.ask("8.8.8.8.in-addr.arpa")).rcode, "NXDOMAIN");
  await other.send(ask("8.8.8.8.in-addr.arpa", "PTR"));
  equal((await other.receive()).rcode, "SERVFAIL");
});

Deno.test("DnsServer finds out that another server asks it in turn", async () => {
  // A forwarder that has nobody but us.
  const forwarder = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
  using _closing = { [Symbol.dispose]: () => forwarder.close() };
  const { port } = forwarder.addr as Deno.NetAddr;
  using good = new Other(0);
  await using server = start({ servers: [`${HOST}:${port}`, good.address] });
  const us = { transport: "udp" as const, hostname: HOST, port: server.port ?? 0 };
  void (async (): Promise<void> => {
    for await (const [bytes, from] of forwarder) {
      if ((from as Deno.NetAddr).port !== us.port) await forwarder.send(bytes, us);
    }
  })();
  using client = new Client(server);
  equal((await client.ask("a.example.org")).rcode, "NOERROR");
  await until(() => server.status().upstream[0]?.state === "looping", 6_000, "the loop is found");
  equal((await client.ask("b.example.org")).rcode, "NOERROR");
});

Deno.test("DnsServer reads resolv.conf, leaves itself out, and sees changes (I11)", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "nameserver 127.0.0.99\nnameserver 192.0.2.1\n");
    await using server = start({ resolvConf: path, servers: undefined, listen: ["127.0.0.99:53"] });
    equal(server.problem, undefined);
    deepEqual(server.status().upstream.map((each) => each.address), ["192.0.2.1:53"]);
    await Deno.writeTextFile(path, "nameserver 192.0.2.2\n");
    const seen = (): boolean => server.status().upstream[0]?.address === "192.0.2.2:53";
    await until(seen, 15_000, "the new list");
    await Deno.remove(path);
    equal(server.status().upstream.length, 1);
  } finally {
    await Deno.remove(path).catch(() => {});
  }
});

Deno.test("DnsServer serves on when the system does not tell its addresses or its list of servers", async () => {
  const path = await Deno.makeTempDir();
  const { networkInterfaces } = Deno;
  try {
    // As without descriptors: the file is there, but cannot be opened.
    Deno.networkInterfaces = () => {
      throw new Error("Too many open files");
    };
    await using server = start({ resolvConf: path, servers: undefined });
    using client = new Client(server);
    equal((await client.ask("a.example.org")).rcode, "SERVFAIL");
    equal((await client.ask("foo")).rcode, "NOERROR");
  } finally {
    Deno.networkInterfaces = networkInterfaces;
    await Deno.remove(path);
  }
});

Deno.test("DnsServer goes on without an address, and takes one when it comes", async () => {
  await using server = start({ listen: [] });
  deepEqual([server.address, server.problem], [undefined, "no address to listen on"]);
  server.listen(`${HOST}:0`);
  deepEqual([server.address, server.problem], [HOST, undefined]);
  server.listen(`${HOST}:0`);
  equal(server.status().listening.length, 1);
  using client = new Client(server);
  equal((await client.ask("foo")).rcode, "NOERROR");
  await server.unlisten(`${HOST}:0`);
  equal(server.address, undefined);
});

Deno.test("DnsServer says that a port is taken, and has it as soon as it is free", async () => {
  const taken = Deno.listenDatagram({ transport: "udp", hostname: HOST, port: 0 });
  const address = `${HOST}:${(taken.addr as Deno.NetAddr).port}`;
  await using server = start({ listen: [address, "192.0.2.1:53"] });
  equal(server.address, undefined);
  const problem = `Cannot listen on ${address}: address already in use; ` +
    "Cannot listen on 192.0.2.1:53: address not available on this host";
  equal(server.problem, problem);
  taken.close();
  await until(() => server.address === HOST, 15_000, "the port is ours");
  ok(server.problem?.startsWith("Cannot listen on 192.0.2.1:53"));
});

Deno.test("DnsServer serves several addresses", async () => {
  await using server = start({ listen: ["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"] });
  equal(server.status().listening.length, 3);
  equal(server.problem, undefined);
});

Deno.test("DnsServer answers a burst, and counts what the kernel had no room for", async () => {
  await using server = start({ listen: [`${HOST}:0`, "[::1]:0"] });
  using client = new Client(server);
  const query = ask("foo", "A");
  // Not one turn of the server's in between: more than its buffer holds.
  const sent = Array.from({ length: BURST }, () => client.send(query));
  await Promise.all(sent);
  const all = (): boolean => {
    const { queries, dropped } = server.status().counters;
    return queries + dropped === BURST;
  };
  await until(all, 15_000, "every query is answered or counted");
  const { local, unsent, dropped } = server.status().counters;
  deepEqual([local + dropped, unsent], [BURST, 0]);
  await server.unlisten(`${HOST}:0`);
  equal(server.status().counters.dropped, dropped, "kept when the socket is closed");
});

/** Where the server listens, and where it is asked. */
const ASKED = [
  ["127.0.0.1:0", "127.0.0.1"],
  ["[::1]:0", "::1"],
  ["0.0.0.0:0", "127.0.0.1"],
  ["[::]:0", "::1"],
] as const;
for (const [listen, hostname] of ASKED) {
  Deno.test(`DnsServer on ${listen} answers each client of ${hostname} when many ask at once`, async () => {
    await using server = start({ listen: [listen] });
    const clients = Array.from(
      { length: 100 },
      () => Deno.listenDatagram({ transport: "udp", hostname, port: 0 }),
    );
    const to = { transport: "udp" as const, hostname, port: server.port ?? 0 };
    await Promise.all(clients.map((client, id) => client.send(ask("many", "A", { id }), to)));
    const told = await Promise.all(clients.map(async (client) => {
      const [bytes] = await client.receive(new Uint8Array(8192));
      client.close();
      return tell(bytes);
    }));
    deepEqual(told.map(({ id }) => id), clients.map((_, id) => id));
    ok(told.every(({ answers }) => answers.length === 30));
  });
}

Deno.test("DnsServer asks others for each of many who ask at once, and answers each", async () => {
  using other = new Other(0);
  await using server = start({ servers: [other.address] });
  const clients = Array.from({ length: 50 }, () => new Client(server));
  const names = clients.map((_, i) => `n${i}.example.org`);
  await Promise.all(clients.map((client, i) => client.send(ask(names[i] ?? "", "A"))));
  const told = await Promise.all(clients.map((client) => client.receive()));
  deepEqual(told.map(({ question }) => question), names.map((name) => `${name} A`));
  for (const client of clients) client[Symbol.dispose]();
});

Deno.test(`DnsServer serves on after ${GARBAGE} datagrams of garbage (I12)`, async () => {
  await using server = start({ servers: [`${HOST}:9`], timeoutMs: 50 });
  using sender = new Client(server);
  using client = new Client(server);
  const roll = dice(3);
  const seeds = [ask("foo", "A"), ask("a.example.org", "A", { edns: 1232 })];
  for (let i = 0; i < GARBAGE; i++) {
    const bytes = seeds[i % 2]?.slice() ?? new Uint8Array();
    for (let n = 0; n < 3; n++) bytes[Math.floor(roll() * bytes.length)] = Math.floor(roll() * 256);
    await sender.send(i % 3 === 0 ? bytes.subarray(0, Math.floor(roll() * bytes.length)) : bytes);
    // Otherwise most would be dropped on the way.
    if (i % 100 === 0) equal((await client.ask("foo")).rcode, "NOERROR");
  }
  equal((await client.ask("many", { edns: 4096 })).answers.length, 60);
  const { queries } = server.status().counters;
  ok(queries > GARBAGE * 0.9, `${queries} have come`);
});
