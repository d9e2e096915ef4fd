import assert from "node:assert/strict";
import { ask, decodeMessage, encode, tell, type Told } from "../../tests/helpers/dns.ts";
import { parseQuery } from "./message.ts";
import { limitOf } from "./reply.ts";
import type { DnsTransport } from "./resolver.ts";
import {
  MAX_ATTEMPT_MS,
  MAX_FLIGHTS,
  MAX_FLIGHTS_DOWN,
  MAX_WAITERS,
  RESEND_MS,
  STAGGER_MS,
  Upstream,
  type UpstreamOutput,
} from "./upstream.ts";
import { PROBE_EVERY_MS } from "./upstream_servers.ts";

const [ONE, TWO, THREE] = ["192.0.2.1:53", "192.0.2.2:53", "[2001:db8::3]:53"];
const [NOERROR, SERVFAIL, NXDOMAIN, REFUSED] = [0, 2, 3, 5];

type Send = Extract<UpstreamOutput<string>, { kind: "send" }>;
/** What a server does with a query: a result, bytes, or nothing. */
type Habit = (send: Send) => number | Uint8Array | undefined;

/** The core, servers with habits, a clock. */
class World {
  now = 0;
  readonly core: Upstream<string>;
  readonly answers: { client: string; at: number; told: Told }[] = [];
  readonly sent: Send[] = [];
  readonly loops: string[] = [];
  readonly open = new Set<number>();
  habits: Record<string, Habit> = {};

  constructor(servers: string[], habits?: Record<string, Habit>, timeoutMs?: number) {
    let next = 1;
    this.core = new Upstream({ random32: () => next = (next * 48_271) % 0x7fff_ffff, timeoutMs });
    this.habits = habits ?? {};
    this.feed({ kind: "servers", servers });
  }

  feed(input: Parameters<Upstream<string>["handle"]>[0]): void {
    this.core.handle(input, this.now);
    const sends: Send[] = [];
    for (let out = this.core.poll(); out !== undefined; out = this.core.poll()) {
      if (out.kind === "send") {
        sends.push(out);
        this.open.add(out.attempt);
      } else if (out.kind === "close") assert.ok(this.open.delete(out.attempt));
      else if (out.kind === "loop") this.loops.push(out.server);
      else this.answers.push({ client: out.client, at: this.now, told: tell(out.bytes) });
    }
    for (const send of sends) {
      if (!isProbe(send)) this.sent.push(send);
      const habit = this.habits[send.server]?.(send);
      if (habit === undefined) continue;
      this.receive(send, typeof habit === "number" ? answerTo(send, habit) : habit);
    }
  }

  receive(send: Send, bytes: Uint8Array, from = send.server): void {
    this.feed({ kind: "received", attempt: send.attempt, from, bytes });
  }

  query(
    client: string,
    bytes = ask("web.example.org", "A"),
    transport: DnsTransport = "udp",
  ): void {
    const query = parseQuery(bytes);
    const limitBytes = limitOf(query, transport);
    this.feed({ kind: "query", client, query, transport, limitBytes });
  }

  run(ms: number): void {
    const end = this.now + ms;
    for (
      let due = this.core.deadline();
      due !== undefined && due <= end;
      due = this.core.deadline()
    ) {
      this.now = Math.max(this.now, due);
      this.feed({ kind: "tick" });
    }
    this.now = end;
  }

  get last(): { client: string; at: number; told: Told } {
    return this.answers.at(-1) ?? assert.fail("there is an answer");
  }

  get asked(): string[] {
    return this.sent.map((each) => each.server);
  }
}

function isProbe(send: Send): boolean {
  return tell(send.bytes).question.startsWith("weft-loop-probe-");
}

function answerTo(
  send: Send,
  rcode: number,
  more: Record<string, unknown> = {},
): Uint8Array<ArrayBuffer> {
  const { id, questions } = decodeMessage(send.bytes);
  const name = questions[0]?.name;
  const answers = rcode === NOERROR ? [{ type: "A", name, ttl: 60, data: "192.0.2.80" }] : [];
  return encode({ type: "response", id, flags: 0x0180 | rcode, questions, answers, ...more });
}

const good: Habit = () => NOERROR;
const dead: Habit = () => undefined;

Deno.test("Upstream asks the first server, and gives its answer to the client", () => {
  const world = new World([ONE, TWO], { [ONE]: good, [TWO]: good });
  world.query("c", ask("Web.example.org", "A", { id: 5 }));
  assert.deepEqual(world.asked, [ONE]);
  const { told } = world.last;
  assert.deepEqual([told.id, told.rcode, told.question], [5, "NOERROR", "Web.example.org A"]);
  assert.deepEqual(told.answers, ["Web.example.org 60 A 192.0.2.80"]);
  assert.equal(world.open.size, 0);
});

Deno.test("Upstream fails at once without servers", () => {
  const world = new World([]);
  world.query("c");
  assert.deepEqual([world.last.told.rcode, world.last.at], ["SERVFAIL", 0]);
});

Deno.test("Upstream asks the next server as well when one is slow", () => {
  const world = new World([ONE, TWO, THREE], { [ONE]: dead, [TWO]: dead, [THREE]: good });
  world.query("c");
  world.run(5_000);
  assert.deepEqual(world.asked, [ONE, TWO, THREE]);
  assert.deepEqual([world.last.at, world.last.told.rcode], [2 * STAGGER_MS, "NOERROR"]);
  assert.equal(world.open.size, 0);
});

Deno.test("Upstream remembers who is dead: later queries do not wait", () => {
  const world = new World([ONE, TWO], { [ONE]: dead, [TWO]: good });
  world.query("a");
  world.run(STAGGER_MS);
  const before = world.now;
  world.query("b", ask("b.example.org", "A"));
  assert.deepEqual([world.last.client, world.last.at], ["b", before]);
  world.run(5_000);
  assert.deepEqual(world.core.servers().map((each) => each.state), ["down", "up"]);
});

Deno.test("Upstream comes back to a server that answers again", () => {
  const world = new World([ONE, TWO], { [ONE]: dead, [TWO]: good });
  world.query("a");
  world.run(PROBE_EVERY_MS);
  world.habits[ONE] = good;
  world.query("b", ask("b.example.org", "A"));
  assert.equal(world.core.servers()[0]?.state, "up");
  world.query("c", ask("c.example.org", "A"));
  assert.equal(world.asked.at(-1), ONE);
});

Deno.test("Upstream takes servers that refuse or fail for what they are (transcript: dead, SERVFAIL, good)", () => {
  const habits = { [ONE]: dead, [TWO]: () => SERVFAIL, [THREE]: good };
  const world = new World([ONE, TWO, THREE], habits);
  world.query("c");
  world.run(5_000);
  assert.deepEqual([world.last.told.rcode, world.last.at], ["NOERROR", STAGGER_MS]);
});

for (const rcode of [SERVFAIL, REFUSED, 4]) {
  Deno.test(`Upstream asks the next server at once when one says ${rcode}`, () => {
    const world = new World([ONE, TWO], { [ONE]: () => rcode, [TWO]: good });
    world.query("c");
    assert.deepEqual([world.asked, world.last.told.rcode], [[ONE, TWO], "NOERROR"]);
  });
}

Deno.test("Upstream passes a failure on when nobody does better", () => {
  const world = new World([ONE, TWO], { [ONE]: () => REFUSED, [TWO]: () => REFUSED });
  world.query("c");
  assert.deepEqual([world.last.told.rcode, world.last.at], ["REFUSED", 0]);
});

Deno.test("Upstream fails when a result needs more bits than a client without OPT could be given", () => {
  const opt = { type: "OPT", name: ".", udpPayloadSize: 1232, extendedRcode: 1, options: [] };
  const badVersion: Habit = (send) => answerTo(send, 16, { answers: [], additionals: [opt] });
  for (const edns of [undefined, 1232]) {
    const world = new World([ONE], { [ONE]: badVersion });
    world.query("c", ask("web.example.org", "A", { edns }));
    assert.equal(world.last.told.rcode, "SERVFAIL");
  }
});

Deno.test("Upstream asks another first when one has failed thrice", () => {
  const world = new World([ONE, TWO], { [ONE]: () => REFUSED, [TWO]: good });
  for (const name of ["a", "b", "c", "d"]) world.query(name, ask(`${name}.example.org`, "A"));
  assert.deepEqual(world.asked, [ONE, TWO, ONE, TWO, ONE, TWO, TWO]);
});

Deno.test("Upstream passes on that there is no such name", () => {
  const world = new World([ONE, TWO], { [ONE]: () => NXDOMAIN, [TWO]: good });
  world.query("c");
  assert.deepEqual([world.asked, world.last.told.rcode], [[ONE], "NXDOMAIN"]);
});

Deno.test("Upstream fails after one time-out when all are dead", () => {
  const world = new World([ONE, TWO], { [ONE]: dead, [TWO]: dead });
  world.query("a");
  world.run(10_000);
  assert.deepEqual([world.last.told.rcode, world.last.at], ["SERVFAIL", MAX_ATTEMPT_MS]);
  world.query("b");
  const [begin, sent] = [world.now, world.sent.length];
  assert.equal(sent, 4, "both at once");
  world.run(10_000);
  assert.equal(world.last.at - begin, MAX_ATTEMPT_MS);
  assert.equal(world.open.size, 0);
});

for (const count of [1, 2, 3, 8, 20]) {
  const servers = Array.from({ length: count }, (_, i) => `192.0.2.${i + 1}:53`);

  Deno.test(`Upstream gives up on ${count} dead servers after one time-out, at the first query`, () => {
    const world = new World(servers);
    world.query("c");
    world.run(10_000);
    assert.deepEqual([world.last.told.rcode, world.last.at], ["SERVFAIL", MAX_ATTEMPT_MS]);
    assert.deepEqual(new Set(world.asked), new Set(servers));
    assert.equal(world.open.size, 0);
  });

  Deno.test(`Upstream finds the live one behind ${count} dead servers within a time-out, at the first query`, () => {
    const world = new World([...servers, THREE], { [THREE]: good });
    world.query("c");
    world.run(10_000);
    assert.equal(world.last.told.rcode, "NOERROR");
    assert.ok(world.last.at <= Math.min(count * STAGGER_MS, MAX_ATTEMPT_MS / 2));
  });
}

Deno.test("Upstream waits no longer for the live one than dead ones before it are told to take", () => {
  const world = new World([ONE, TWO], { [TWO]: good }, 100);
  world.query("c");
  world.run(5_000);
  assert.deepEqual([world.last.told.rcode, world.last.at], ["NOERROR", 25]);
});

Deno.test("Upstream fails at once when a lone server's port is closed and the system says so", () => {
  const world = new World([ONE]);
  world.query("c");
  const [first] = world.sent;
  world.feed({ kind: "failed", attempt: first?.attempt ?? 0 });
  assert.deepEqual([world.last.told.rcode, world.last.at, world.sent.length], ["SERVFAIL", 0, 1]);
});

Deno.test("Upstream asks a lone server again, since a datagram may be lost", () => {
  let lost = 2;
  const world = new World([ONE], { [ONE]: () => lost-- > 0 ? undefined : NOERROR });
  world.query("c");
  world.run(5_000);
  assert.deepEqual([world.last.told.rcode, world.last.at], ["NOERROR", RESEND_MS]);
});

Deno.test("Upstream takes no server for dead that it had no time to ask", () => {
  const mute: Habit = (send) => isProbe(send) ? NXDOMAIN : undefined;
  const world = new World([ONE, TWO], { [ONE]: mute, [TWO]: mute });
  world.query("c");
  // The whole machine slept.
  world.now = 10 * MAX_ATTEMPT_MS;
  world.feed({ kind: "tick" });
  assert.deepEqual(world.asked, [ONE]);
  assert.deepEqual(world.core.servers().map((each) => each.state), ["down", "up"]);
  assert.deepEqual([world.last.told.rcode, world.open.size], ["SERVFAIL", 0]);
});

Deno.test("Upstream waits no longer for a server than it is told", () => {
  const world = new World([ONE], {}, 1_000);
  world.query("c");
  world.run(5_000);
  assert.deepEqual([world.sent.length, world.last.at], [2, 1_000]);
});

Deno.test("Upstream asks by TCP for who came by TCP, and goes on when that fails", () => {
  const world = new World([ONE, TWO], { [TWO]: good });
  world.query("c", ask("web.example.org", "A"), "tcp");
  const [first] = world.sent;
  world.feed({ kind: "failed", attempt: first?.attempt ?? 0 });
  assert.deepEqual(world.sent.map((each) => each.transport), ["tcp", "tcp"]);
  assert.equal(world.last.told.rcode, "NOERROR");
  assert.equal(world.core.servers()[0]?.state, "up");
});

Deno.test("Upstream answers from memory, with the TTL that is left", () => {
  const world = new World([ONE], { [ONE]: good });
  world.query("a");
  world.run(20_000);
  world.query("b", ask("WEB.example.org", "A", { id: 9 }));
  assert.equal(world.sent.length, 1);
  assert.deepEqual([world.last.told.id, world.last.told.question], [9, "WEB.example.org A"]);
  assert.deepEqual(world.last.told.answers, ["web.example.org 40 A 192.0.2.80"]);
  world.run(40_000);
  world.query("c");
  assert.equal(world.sent.length, 2);
});

Deno.test("Upstream keeps apart what has different answers", () => {
  const world = new World([ONE], { [ONE]: good });
  world.query("a");
  world.query("b", ask("web.example.org", "AAAA"));
  world.query("c", ask("web.example.org", "A", { edns: 1232, dnssecOk: true }));
  world.query("d", ask("web.example.org", "A", { flags: 0 }));
  assert.equal(world.sent.length, 4);
});

Deno.test("Upstream asks once for all who want the same", () => {
  const world = new World([ONE], { [ONE]: dead });
  for (const client of ["a", "b", "c"]) world.query(client, ask("web.example.org", "A", { id: 3 }));
  assert.equal(world.sent.length, 1);
  const [send] = world.sent;
  if (send !== undefined) world.receive(send, answerTo(send, NOERROR));
  assert.deepEqual(world.answers.map((each) => each.client), ["a", "b", "c"]);
});

Deno.test("Upstream bounds what is in flight", () => {
  const world = new World([ONE], { [ONE]: dead });
  for (let i = 0; i <= MAX_FLIGHTS; i++) world.query("x", ask(`n${i}.example.org`, "A"));
  assert.deepEqual(world.answers.map((each) => each.told.rcode), ["SERVFAIL"]);
  const other = new World([ONE], { [ONE]: dead });
  for (let i = 0; i <= MAX_WAITERS; i++) other.query("x");
  assert.equal(other.answers.length, 1);
});

Deno.test("Upstream has little in flight while all servers are down, and finds the one that is back", () => {
  const world = new World([ONE, TWO]);
  world.query("first");
  world.run(MAX_ATTEMPT_MS);
  world.answers.length = 0;
  for (let i = 0; i <= MAX_FLIGHTS_DOWN; i++) world.query("x", ask(`n${i}.example.org`, "A"));
  assert.deepEqual(world.answers.map((each) => each.told.rcode), ["SERVFAIL"]);
  world.habits[TWO] = good;
  world.run(MAX_ATTEMPT_MS);
  world.query("y", ask("y.example.org", "A"));
  assert.deepEqual([world.last.client, world.last.told.rcode], ["y", "NOERROR"]);
});

const strays: Record<string, (send: Send) => [Uint8Array, string?]> = {
  "another server": (send) => [answerTo(send, NOERROR), TWO],
  "another port": (send) => [answerTo(send, NOERROR), "192.0.2.1:54"],
  "another id": (send) => {
    const bytes = answerTo(send, NOERROR);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    return [bytes];
  },
  "another question": (send) => [
    answerTo(send, NOERROR, { questions: [{ type: "A", name: "bad.example.org" }] }),
  ],
  "a good result without a question": (send) => [answerTo(send, NOERROR, { questions: [] })],
  "a query": (send) => [send.bytes],
};
for (const [what, forge] of Object.entries(strays)) {
  Deno.test(`Upstream does not take ${what} for an answer`, () => {
    const world = new World([ONE], { [ONE]: dead });
    world.query("c");
    const [send] = world.sent;
    assert.ok(send);
    world.receive(send, ...forge(send));
    assert.deepEqual([world.answers.length, world.core.counters.strays], [0, 1]);
    world.receive(send, answerTo(send, NOERROR));
    assert.equal(world.answers.length, 1);
  });
}

Deno.test("Upstream asks the next server when an answer does not parse, or lacks the question", () => {
  const cut: Habit = (send) => answerTo(send, NOERROR).subarray(0, -3);
  const bare: Habit = (send) => answerTo(send, 1, { questions: [] });
  for (const habit of [cut, bare]) {
    const world = new World([ONE, TWO], { [ONE]: habit, [TWO]: good });
    world.query("c");
    assert.deepEqual([world.asked, world.last.told.rcode], [[ONE, TWO], "NOERROR"]);
  }
});

Deno.test("Upstream takes an answer in another spelling", () => {
  const lower: Habit = (send) =>
    answerTo(send, NOERROR, { questions: [{ type: "A", name: "web.example.org" }] });
  const world = new World([ONE], { [ONE]: lower });
  world.query("c", ask("WEB.example.org", "A"));
  assert.equal(world.last.told.question, "WEB.example.org A");
});

Deno.test("Upstream uses an id of its own for each attempt", () => {
  const world = new World([ONE], { [ONE]: good });
  for (let i = 0; i < 50; i++) world.query("c", ask(`n${i}.example.org`, "A", { id: 1 }));
  assert.ok(new Set(world.sent.map((each) => tell(each.bytes).id)).size > 45);
});

/** A server that sends whatever it is asked back to us. */
function loopOf(world: () => World): Habit {
  return (send) => {
    world().query("the server", send.bytes);
    return undefined;
  };
}

Deno.test("Upstream finds a server that asks us in turn, and leaves it out", () => {
  const world = new World([], { [TWO]: good });
  world.habits[ONE] = loopOf(() => world);
  world.feed({ kind: "servers", servers: [ONE, TWO] });
  assert.deepEqual(world.loops, [ONE]);
  assert.equal(world.last.told.rcode, "NXDOMAIN");
  world.query("c");
  assert.deepEqual([world.asked, world.last.told.rcode], [[TWO], "NOERROR"]);
});

Deno.test("Upstream takes a server back that asks us no longer", () => {
  const world = new World([], { [TWO]: good });
  world.habits[ONE] = loopOf(() => world);
  world.feed({ kind: "servers", servers: [ONE, TWO] });
  world.habits[ONE] = good;
  world.run(PROBE_EVERY_MS);
  world.query("a", ask("a.example.org", "A"));
  world.query("b", ask("b.example.org", "A"));
  assert.deepEqual(world.asked, [TWO, ONE]);
});

Deno.test("Upstream breaks a loop that no probe has found: the query waits for itself once", () => {
  const world = new World([], {});
  world.habits[ONE] = (send) => isProbe(send) ? NXDOMAIN : loopOf(() => world)(send);
  world.feed({ kind: "servers", servers: [ONE] });
  world.query("c");
  world.run(10_000);
  assert.equal(world.sent.length, 2, "once, and once again as for a lost datagram");
  assert.deepEqual(world.answers.map((each) => each.told.rcode), [
    "SERVFAIL",
    "SERVFAIL",
    "SERVFAIL",
  ]);
});

Deno.test("Upstream sends nothing while nobody asks", () => {
  const world = new World([ONE], { [ONE]: dead });
  world.run(10_000);
  const attempts = world.core.counters.attempts;
  world.run(3_600_000);
  assert.equal(world.core.counters.attempts, attempts);
  assert.equal(world.core.deadline(), undefined);
});

Deno.test("Upstream keeps what it knows of servers that stay in the list", () => {
  const world = new World([ONE, TWO], { [ONE]: dead, [TWO]: good });
  world.query("a");
  world.run(5_000);
  world.feed({ kind: "servers", servers: [THREE, ONE] });
  assert.deepEqual(world.core.servers(), [
    { address: THREE, state: "up" },
    { address: ONE, state: "down" },
  ]);
});

Deno.test("Upstream forgets what servers have said that were replaced", () => {
  const world = new World([ONE], { [TWO]: good });
  const soa = { mname: "a", rname: "b", serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 30 };
  const authorities = [{ type: "SOA", name: "example.org", ttl: 900, data: soa }];
  world.habits[ONE] = (send) => answerTo(send, NXDOMAIN, { authorities });
  world.query("a");
  world.query("b");
  assert.deepEqual(world.asked, [ONE]);
  world.feed({ kind: "servers", servers: [TWO] });
  world.query("c");
  assert.deepEqual([world.asked, world.last.told.rcode], [[ONE, TWO], "NOERROR"]);
});

Deno.test("Upstream remembers no answer that was under way when its server was replaced", () => {
  const world = new World([ONE], { [ONE]: dead, [TWO]: good });
  world.query("a");
  const [send] = world.sent;
  assert.ok(send);
  world.feed({ kind: "servers", servers: [TWO] });
  world.receive(send, answerTo(send, NOERROR));
  assert.deepEqual([world.last.client, world.last.told.rcode], ["a", "NOERROR"]);
  world.query("b");
  assert.deepEqual(world.asked, [ONE, TWO]);
});
