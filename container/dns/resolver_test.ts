import assert from "node:assert/strict";
import { dice } from "../../tests/helpers/underlay.ts";
import { ask, encode, tableOf, tell, type Told } from "../../tests/helpers/dns.ts";
import { type DnsTransport, Resolver } from "./resolver.ts";

const MANY = Array.from({ length: 60 }, (_, i) => `10.5.1.${i + 1}`);
const names = tableOf({
  "Foo.weave.local.": ["10.5.0.9", "10.5.128.9", "10.5.0.10"],
  "many.weave.local.": MANY,
  "forty.weave.local.": MANY.slice(0, 40),
  "twice.weave.local.": ["10.5.2.1", "10.5.2.1"],
  "part.weave.local.": ["!10.5.3.1", "10.5.3.2", "!10.5.3.3", "10.5.3.4"],
  "a..b.weave.local.": ["10.5.4.1"],
});
const resolver = new Resolver({ domain: "weave.local.", ttlSeconds: 1, names, random: dice(1) });

function reply(query: Uint8Array, transport: DnsTransport = "udp"): Told | "forward" | "silence" {
  const decision = resolver.resolve(query, transport);
  return decision.kind === "answer" ? tell(decision.bytes) : decision.kind;
}

function answer(query: Uint8Array, transport: DnsTransport = "udp"): Told {
  const told = reply(query, transport);
  assert.ok(typeof told !== "string", "there is an answer");
  return told;
}

const SOA = { name: "weave.local", ttl: 1, minimum: 1 };

Deno.test("Resolver answers A with all addresses of the name", () => {
  const told = answer(ask("foo.weave.local", "A", { id: 4711 }));
  assert.deepEqual([told.id, told.rcode, told.flags], [4711, "NOERROR", "qr aa rd ra"]);
  assert.deepEqual([...told.answers].sort(), [
    "foo.weave.local 1 A 10.5.0.10",
    "foo.weave.local 1 A 10.5.0.9",
    "foo.weave.local 1 A 10.5.128.9",
  ]);
  assert.equal(told.edns, undefined);
});

Deno.test("Resolver keeps the case of the question", () => {
  const told = answer(ask("FOO.WEAVE.LOCAL", "A"));
  assert.equal(told.rcode, "NOERROR");
  assert.equal(told.question, "FOO.WEAVE.LOCAL A");
  assert.ok(told.answers.every((each) => each.startsWith("FOO.WEAVE.LOCAL ")));
});

Deno.test("Resolver looks a single label up in its domain", () => {
  const told = answer(ask("foo", "A"));
  assert.deepEqual([told.rcode, told.flags, told.answers.length], ["NOERROR", "qr aa rd ra", 3]);
  assert.ok(told.answers.every((each) => each.startsWith("foo ")));
});

for (const type of ["AAAA", "SRV", "ANY", "MX", "TXT", "SOA", "PTR"]) {
  Deno.test(`Resolver says that a known name has nothing of type ${type}`, () => {
    const told = answer(ask("foo.weave.local", type));
    assert.deepEqual([told.rcode, told.flags, told.answers], ["NOERROR", "qr aa rd ra", []]);
    assert.deepEqual(told.soa, SOA);
  });
}

for (const type of ["A", "AAAA", "MX", "ANY", "SOA"]) {
  Deno.test(`Resolver says that an unknown name is not there when asked for ${type}`, () => {
    const told = answer(ask("nope.weave.local", type));
    assert.deepEqual([told.rcode, told.flags, told.answers], ["NXDOMAIN", "qr rd ra", []]);
    assert.deepEqual(told.soa, SOA);
    assert.equal(answer(ask("nope", type)).rcode, "NXDOMAIN");
  });
}

Deno.test("Resolver knows the domain itself only if it is registered, and lets nobody remember that", () => {
  const told = answer(ask("weave.local", "A"));
  assert.deepEqual([told.rcode, told.soa], ["NXDOMAIN", undefined]);
});

Deno.test("Resolver answers PTR with the name as registered", () => {
  const told = answer(ask("9.0.5.10.in-addr.arpa", "PTR"));
  assert.deepEqual([told.rcode, told.flags], ["NOERROR", "qr aa rd ra"]);
  assert.deepEqual(told.answers, ["9.0.5.10.in-addr.arpa 1 PTR Foo.weave.local"]);
});

for (
  const [name, type] of [
    ["9.0.5.10.in-addr.arpa", "A"],
    ["5.10.in-addr.arpa", "PTR"],
    [
      "10.in-addr.arpa",
      "PTR",
    ],
    ["in-addr.arpa", "PTR"],
    ["x.0.5.10.in-addr.arpa", "PTR"],
    ["1.9.0.5.10.in-addr.arpa", "PTR"],
  ]
) {
  Deno.test(`Resolver says that ${name} ${type} is not there, and lets nobody remember that`, () => {
    const told = answer(ask(name ?? "", type ?? ""));
    assert.deepEqual([told.rcode, told.soa], ["NXDOMAIN", undefined]);
  });
}

Deno.test("Resolver does not answer with a name that is none", () => {
  assert.equal(answer(ask("1.4.5.10.in-addr.arpa", "PTR")).rcode, "NXDOMAIN");
});

for (
  const [name, type] of [["bar.sub", "A"], ["example.org", "AAAA"], ["xweave.local", "A"], [
    "8.8.8.8.in-addr.arpa",
    "PTR",
  ], [".", "NS"]]
) {
  Deno.test(`Resolver lets other servers answer ${name} ${type}`, () => {
    assert.equal(reply(ask(name ?? "", type ?? "")), "forward");
  });
}

Deno.test("Resolver sends nothing of its domain and no single label out, whatever the type (I10)", () => {
  const roll = dice(7);
  const labels = ["foo", "nope", "FOO", "a.b", "x.y.z", "_srv._tcp"];
  for (let i = 0; i < 2_000; i++) {
    const label = labels[Math.floor(roll() * labels.length)] ?? "";
    const single = !label.includes(".") && roll() < 0.3;
    const bytes = ask(single ? label : `${label}.Weave.LOCAL`, "A", { edns: 1232 });
    const typeAt = bytes.length - 11 - 4;
    new DataView(bytes.buffer).setUint16(typeAt, Math.floor(roll() * 65_536));
    new DataView(bytes.buffer).setUint16(typeAt + 2, Math.floor(roll() * 65_536));
    const told = resolver.resolve(bytes, "udp");
    assert.equal(told.kind, "answer");
  }
});

Deno.test("Resolver gives every order of the addresses (I8)", () => {
  const orders = new Set<string>();
  for (let i = 0; i < 200; i++) orders.add(answer(ask("foo", "A")).answers.join());
  assert.equal(orders.size, 6);
});

Deno.test("Resolver puts those that can be reached in front", () => {
  const orders = new Set<string>();
  for (let i = 0; i < 100; i++) {
    const last = answer(ask("part", "A")).answers.map((each) => each.slice(-1)).join("");
    assert.match(last, /^(24|42)(13|31)$/);
    orders.add(last);
  }
  assert.equal(orders.size, 4);
});

Deno.test("Resolver keeps an address that is registered twice", () => {
  assert.equal(answer(ask("twice", "A")).answers.length, 2);
});

Deno.test("Resolver echoes OPT, and by its size knows how many addresses fit", () => {
  const whole = answer(ask("forty.weave.local", "A", { edns: 1232 }));
  assert.deepEqual([whole.answers.length, whole.flags, whole.edns], [40, "qr aa rd ra", 1232]);
  assert.ok(whole.length < 700);
  assert.equal(answer(ask("many.weave.local", "A", { edns: 4096 })).answers.length, 60);
});

for (const edns of [undefined, 1, 100, 511, 512]) {
  Deno.test(`Resolver cuts at 512 bytes when the client says ${edns}`, () => {
    const told = answer(ask("many.weave.local", "A", { edns }));
    assert.equal(told.flags, "qr aa tc rd ra");
    assert.ok(told.length <= 512 && told.length > 512 - 16, `${told.length} bytes`);
    assert.equal(told.edns, edns === undefined ? undefined : 1232);
    assert.equal(new Set(told.answers).size, told.answers.length);
  });
}

Deno.test("Resolver cuts nothing by TCP", () => {
  const told = answer(ask("many.weave.local", "A"), "tcp");
  assert.deepEqual([told.flags, told.answers.length], ["qr aa rd ra", 60]);
});

Deno.test("Resolver copies RD", () => {
  assert.equal(answer(ask("foo", "A", { flags: 0 })).flags, "qr aa ra");
});

Deno.test("Resolver answers what is not a plain query with what is wrong", () => {
  const question = { type: "A", name: "foo.weave.local" };
  assert.equal(answer(new Uint8Array(12)).rcode, "SERVFAIL");
  assert.equal(answer(encode({ questions: [question, question] })).rcode, "NXDOMAIN");
  const other = { type: "A", name: "example.org" };
  assert.equal(answer(encode({ questions: [other, question] })).rcode, "FORMERR");
  assert.equal(answer(ask("foo", "A", { flags: 5 << 11 })).rcode, "NOTIMP");
  assert.equal(answer(ask("foo", "A").subarray(0, 15)).rcode, "FORMERR");
});

Deno.test("Resolver refuses a version of EDNS that it does not know", () => {
  const bytes = ask("foo", "A", { edns: 1232 });
  bytes[bytes.length - 5] = 1;
  const decision = resolver.resolve(bytes, "udp");
  assert.ok(decision.kind === "answer");
  // The upper bits of 16 are in the OPT record.
  assert.equal((decision.bytes[3] ?? 0) & 15, 0);
  assert.equal(decision.bytes[decision.bytes.length - 6], 1);
});

Deno.test("Resolver is silent to answers and to what is too short", () => {
  assert.equal(reply(encode({ type: "response", questions: [] })), "silence");
  assert.equal(reply(ask("foo", "A").subarray(0, 11)), "silence");
  assert.equal(reply(encode({ type: "response" }).fill(0xff, 4)), "silence");
});
