/**
 * DNS: any bytes as a query, as an answer of another server, and to the core that asks them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { FLAG, messageId, parseAnswer, parseQuery, u16 } from "../../container/dns/message.ts";
import {
  limitOf,
  MAX_UDP_BYTES,
  toRelayable,
  writeQuery,
  writeRelayed,
} from "../../container/dns/reply.ts";
import { Resolver } from "../../container/dns/resolver.ts";
import { Upstream, type UpstreamOutput } from "../../container/dns/upstream.ts";
import { ask, decodeMessage, encode, tableOf, tell } from "../helpers/dns.ts";
import { fuzz, refused } from "./fuzzer.ts";

const MANY = Array.from({ length: 60 }, (_, i) => `10.5.1.${i + 1}`);
const names = tableOf({ "foo.weave.local.": ["10.5.0.9"], "many.weave.local.": MANY });
const question = { type: "A", name: "many.weave.local" };
const opt = { type: "OPT", name: ".", udpPayloadSize: 1232, options: [] };

const QUERIES = [
  ask("Foo.weave.local", "A"),
  ask("foo", "AAAA", { edns: 1232, dnssecOk: true }),
  ask("many.weave.local", "A", { edns: 4096 }),
  ask("nope.weave.local", "A"),
  ask("weave.local", "SOA"),
  ask("9.0.5.10.in-addr.arpa", "PTR"),
  ask("5.10.in-addr.arpa", "PTR", { edns: 512 }),
  ask("example.org", "A"),
  ask("_sip._tcp.example.org", "SRV", { edns: 1400 }),
  encode({ questions: [question, question], additionals: [opt, opt] }),
];

const soa = { mname: "a.example.org", rname: "b.example.org", serial: 1, minimum: 30 };
const ANSWERS = [
  ["A", "192.0.2.1"],
  ["CNAME", "b.example.org"],
  ["TXT", ["some text"]],
  ["SRV", { port: 1, target: "c.example.org" }],
  ["MX", { exchange: "d.example.org" }],
].map(([type, data]) =>
  encode({
    type: "response",
    id: 1,
    flags: 0x0180,
    questions: [{ type, name: "example.org" }],
    answers: [{ type, name: "example.org", ttl: 60, data }],
    additionals: [opt],
  })
).concat(
  encode({
    type: "response",
    id: 1,
    flags: 0x0183,
    questions: [{ type: "A", name: "example.org" }],
    authorities: [{ type: "SOA", name: "example.org", ttl: 900, data: soa }],
  }),
);

fuzz({
  name: "parseQuery()",
  share: 0.25,
  seeds: QUERIES,
  run: (input) => {
    const query = refused(() => parseQuery(input));
    if (query === undefined) return;
    assert.ok(query.question.length <= 255 + 4);
    if (query.questions !== 1) return;
    const again = parseQuery(writeQuery(query.id, query));
    assert.deepEqual([again.lowerName, again.type], [query.lowerName, query.type]);
    // The witness reads the same question, where names are plain text.
    const whole = refused(() => decodeMessage(input));
    if (whole === undefined || query.lowerName.includes("\\")) return;
    const name = whole.questions[0]?.name ?? "";
    assert.equal(`${name.toLowerCase()}${name === "." ? "" : "."}`, query.lowerName);
  },
});

fuzz({
  name: "Resolver",
  share: 0.25,
  seeds: QUERIES,
  run: (input, roll) => {
    const resolver = new Resolver({ domain: "weave.local.", ttlSeconds: 1, names, random: roll });
    const decision = resolver.resolve(input, "udp");
    if (decision.kind === "silence") return;
    if (decision.kind === "forward") {
      const { lowerName, labels, questions } = decision.query;
      assert.ok(!/(^|\.)weave\.local\.$/.test(lowerName), "a name of ours goes out");
      assert.ok(labels !== 1 && questions === 1, "a single label goes out");
      return;
    }
    assert.equal(messageId(decision.bytes), messageId(input));
    assert.ok((u16(decision.bytes, 2) & FLAG.QR) !== 0);
    assert.ok(decision.bytes.length <= MAX_UDP_BYTES);
    parseAnswer(decision.bytes);
    refused(() => decodeMessage(decision.bytes));
  },
});

fuzz({
  name: "toRelayable()",
  share: 0.25,
  seeds: ANSWERS,
  run: (input, roll) => {
    const answer = refused(() => parseAnswer(input));
    if (answer?.questions !== 1) return;
    const relayable = toRelayable(answer);
    assert.ok(relayable.ttlSeconds >= 0 && relayable.ttlSeconds <= 0x7fff_ffff);
    const query = refused(() => parseQuery(ask("example.org", "A", { edns: 512 })));
    // It is given to those alone who asked the same.
    const size = answer.questionEnd - 12;
    if (query === undefined || query.question.length !== size) return;
    const limit = limitOf(query, "udp");
    const bytes = writeRelayed(query, relayable, Math.floor(roll() * 100), limit);
    assert.ok(bytes.length <= limit);
    assert.ok(parseAnswer(bytes).records.length >= 1, "our OPT record is there");
  },
});

type Send = Extract<UpstreamOutput<number>, { kind: "send" }>;
const SERVERS = ["192.0.2.1:53", "192.0.2.2:53"];
let upstream = newUpstream();
let now = 0;
let client = 0;
const open = new Map<number, Send>();
const waiting = new Set<number>();

function newUpstream(): Upstream<number> {
  let next = 1;
  return new Upstream({ random32: () => next = (next * 48_271) % 0x7fff_ffff });
}

function feed(input: Parameters<typeof upstream.handle>[0]): void {
  upstream.handle(input, now);
  for (let out = upstream.poll(); out !== undefined; out = upstream.poll()) {
    if (out.kind === "send") open.set(out.attempt, out);
    if (out.kind === "close") assert.ok(open.delete(out.attempt), "closed twice");
    if (out.kind !== "answer") continue;
    assert.ok(waiting.delete(out.client), "answered twice");
    assert.ok(
      tell(out.bytes.subarray(0, 12).with(5, 0).with(7, 0).with(9, 0).with(11, 0)).id === 1,
    );
  }
}

fuzz({
  name: "Upstream",
  share: 0.25,
  seeds: ANSWERS,
  run: (input, roll) => {
    if (client % 500 === 0) {
      upstream = newUpstream();
      open.clear();
      waiting.clear();
    }
    feed({ kind: "servers", servers: SERVERS.slice(0, 1 + Math.floor(roll() * 2)) });
    const query = parseQuery(ask("example.org", roll() < 0.5 ? "A" : "TXT"));
    waiting.add(++client);
    feed({ kind: "query", client, query, transport: "udp", limitBytes: 512 });
    for (const send of [...open.values()]) {
      const bytes = input.slice();
      // As one who has guessed the id.
      if (bytes.length > 1) bytes.set(send.bytes.subarray(0, 2));
      feed({ kind: "received", attempt: send.attempt, from: send.server, bytes });
    }
    now += Math.floor(roll() * 4_000);
    feed({ kind: "tick" });
    now += 10_000;
    feed({ kind: "tick" });
    assert.equal(waiting.size, 0, "a client waits for ever");
    assert.equal(must(upstream, "core").openAttempts, open.size);
  },
});
