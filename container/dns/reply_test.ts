import assert from "node:assert/strict";
import { ask, decodeMessage, encode, tell, type Told } from "../../tests/helpers/dns.ts";
import { parseAnswer, parseQuery } from "./message.ts";
import { limitOf, MAX_UDP_BYTES, toRelayable, writeQuery, writeRelayed } from "./reply.ts";

const question = { type: "A", name: "web.example.org" };
const opt = { type: "OPT", name: ".", udpPayloadSize: 4096, options: [] };
const soa = {
  type: "SOA",
  name: "example.org",
  ttl: 900,
  data: {
    mname: "a.example.org",
    rname: "b",
    serial: 1,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum: 30,
  },
};

function a(ttl: number, ip = "192.0.2.1"): unknown {
  return { type: "A", name: "web.example.org", ttl, data: ip };
}

function response(parts: Record<string, unknown>): Uint8Array<ArrayBuffer> {
  return encode({ type: "response", id: 99, flags: 0x0080, questions: [question], ...parts });
}

function relay(bytes: Uint8Array, query: Uint8Array, age = 0, limit = 512): Told {
  const relayable = toRelayable(parseAnswer(bytes));
  return tell(writeRelayed(parseQuery(query), relayable, age, limit));
}

Deno.test("writeRelayed() gives the client's id and spelling back", () => {
  const told = relay(response({ answers: [a(300)] }), ask("WEB.example.org", "A", { id: 7 }));
  assert.deepEqual([told.id, told.question], [7, "WEB.example.org A"]);
  assert.deepEqual(told.answers, ["web.example.org 300 A 192.0.2.1"]);
  assert.equal(told.edns, undefined);
});

Deno.test("writeRelayed() replaces OPT by ours, for who asked with one", () => {
  const bytes = response({ answers: [a(300)], additionals: [opt] });
  assert.equal(relay(bytes, ask("web.example.org", "A")).edns, undefined);
  assert.equal(relay(bytes, ask("web.example.org", "A", { edns: 4096 })).edns, 1232);
});

Deno.test("writeRelayed() adds no second OPT where the first stands before other records", () => {
  const relayable = toRelayable(parseAnswer(response({ additionals: [opt, a(300)] })));
  const query = parseQuery(ask("web.example.org", "A", { edns: 4096 }));
  const { additionals } = decodeMessage(writeRelayed(query, relayable, 0, 4096));
  assert.deepEqual(additionals.map(({ type }) => type), ["OPT", "A"]);
  const cut = decodeMessage(writeRelayed(query, relayable, 0, 60));
  assert.deepEqual(cut.additionals.map(({ type }) => type), ["OPT"]);
});

Deno.test("writeRelayed() makes TTLs less by the age", () => {
  const bytes = response({ answers: [a(300), a(5)], additionals: [opt] });
  const told = relay(bytes, ask("web.example.org", "A"), 10);
  assert.deepEqual(told.answers.map((each) => each.split(" ")[1]), ["290", "0"]);
});

Deno.test("writeRelayed() sends an empty answer with TC when it is too long", () => {
  const bytes = response({ answers: Array.from({ length: 40 }, () => a(300)), additionals: [opt] });
  const told = relay(bytes, ask("web.example.org", "A", { edns: 512 }));
  assert.deepEqual([told.flags, told.answers, told.edns], ["qr tc ra", [], 1232]);
  const whole = relay(bytes, ask("web.example.org", "A"), 0, 4096);
  assert.deepEqual([whole.flags, whole.answers.length], ["qr ra", 40]);
});

const remembered: [string, Record<string, unknown>, number][] = [
  ["the least TTL", { answers: [a(300), a(20)], additionals: [opt] }, 20],
  ["nothing of a TTL of 0", { answers: [a(300), a(0)] }, 0],
  ["that there is no such name as the SOA says", { flags: 3, authorities: [soa] }, 30],
  ["that there is nothing of the type as the SOA says", { authorities: [soa] }, 30],
  ["no absence without SOA", { flags: 3 }, 0],
  ["no failure", { flags: 2, authorities: [soa] }, 0],
  ["nothing that is cut", { flags: 0x0200, answers: [a(300)] }, 0],
  ["nothing with OPT at a strange place", { answers: [opt, a(300)] }, 0],
];
for (const [what, parts, seconds] of remembered) {
  Deno.test(`toRelayable() remembers ${what}`, () => {
    assert.equal(toRelayable(parseAnswer(response(parts))).ttlSeconds, seconds);
  });
}

Deno.test("writeQuery() asks the same question, with OPT of ours if there was one", () => {
  const plain = tell(writeQuery(5, parseQuery(ask("Web.example.org", "A"))));
  assert.deepEqual([plain.id, plain.question, plain.edns, plain.flags], [
    5,
    "Web.example.org A",
    undefined,
    "rd",
  ]);
  const query = parseQuery(ask("web.example.org", "A", { edns: 4096, dnssecOk: true }));
  const bytes = writeQuery(5, query);
  assert.equal(tell(bytes).edns, 1232);
  assert.equal(parseQuery(bytes).edns?.dnssecOk, true);
});

Deno.test("limitOf() takes what the client says within bounds, and nothing by TCP", () => {
  const limit = (edns: number | undefined): number =>
    limitOf(parseQuery(ask("web", "A", { edns })), "udp");
  assert.deepEqual([undefined, 1, 512, 1400, 65535].map(limit), [
    512,
    512,
    512,
    1400,
    MAX_UDP_BYTES,
  ]);
  assert.equal(limitOf(parseQuery(ask("web", "A")), "tcp"), 65_535);
});
