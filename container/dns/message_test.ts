import assert from "node:assert/strict";
import * as fc from "fast-check";
import { fromHex, WireError } from "../../base/mod.ts";
import { ask, decodeMessage, encode } from "../../tests/helpers/dns.ts";
import {
  FLAG,
  foldQuestion,
  parseAnswer,
  parseQuery,
  RCODE,
  TYPE,
  u32,
  writeName,
} from "./message.ts";

Deno.test("parseQuery() reads what a plain query says", () => {
  const query = parseQuery(ask("Web.Weave.Local", "A", { id: 77 }));
  assert.deepEqual({ ...query, question: undefined }, {
    id: 77,
    flags: FLAG.RD,
    questions: 1,
    question: undefined,
    lowerName: "web.weave.local.",
    labels: 3,
    type: TYPE.A,
    edns: undefined,
  });
  assert.equal(new TextDecoder().decode(query.question.subarray(1, 4)), "Web");
});

Deno.test("parseQuery() reads the OPT record", () => {
  const { edns } = parseQuery(ask("web", "A", { edns: 1400, dnssecOk: true }));
  assert.deepEqual(edns, { sizeBytes: 1400, version: 0, dnssecOk: true });
  const other = parseQuery(ask("web", "A", { edns: 512 }));
  assert.deepEqual(other.edns, { sizeBytes: 512, version: 0, dnssecOk: false });
});

Deno.test("parseQuery() finds the OPT record among others", () => {
  const text = { type: "TXT", name: "x", data: ["y"] };
  const opt = { type: "OPT", name: ".", udpPayloadSize: 1300, flags: 0x8000, options: [] };
  for (const additionals of [[text, opt], [opt, text]]) {
    const bytes = encode({ questions: [{ type: "A", name: "web" }], additionals });
    assert.deepEqual(parseQuery(bytes).edns, { sizeBytes: 1300, version: 0, dnssecOk: true });
  }
});

Deno.test("parseQuery() keeps no reference to its input", () => {
  const bytes = ask("web", "A");
  const query = parseQuery(bytes);
  bytes.fill(0);
  assert.equal(query.question[0], 3);
});

Deno.test("parseQuery() tells a dot within a label from one between two", () => {
  const bytes = fromHex("0001000000010000000000000561" + "2e622e63" + "0000010001");
  assert.equal(parseQuery(bytes).lowerName, "a\\046b\\046c.");
  assert.equal(parseQuery(bytes).labels, 1);
});

Deno.test("parseQuery() reads a query without a question, and one for the root", () => {
  assert.equal(parseQuery(new Uint8Array(12)).questions, 0);
  assert.equal(parseQuery(ask(".", "NS")).lowerName, ".");
});

const broken: Record<string, string> = {
  "nothing": "",
  "half a header": "000100000001",
  "a header and no question": "000100000001000000000000",
  "a name that does not end": "0001000000010000000000000361",
  "a label of 64 bytes": "00010000000100000000000040" + "61".repeat(64) + "0000010001",
  "a name of 256 bytes": "000100000001000000000000" + ("3f" + "61".repeat(63)).repeat(4) +
    "0000010001",
  "a pointer": "000100000001000000000000c00c00010001",
  "no class": "000100000001000000000000016100" + "0001",
  "bytes after the question": "000100000001000000000001016100" + "00010001" + "ff",
};
for (const [what, hex] of Object.entries(broken)) {
  Deno.test(`parseQuery() refuses ${what}`, () => {
    assert.throws(() => parseQuery(fromHex(hex)), WireError);
  });
}

Deno.test("parseQuery() agrees with dns-packet", () => {
  const label = fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/);
  const names = fc.array(label, { minLength: 1, maxLength: 8 }).map((labels) => labels.join("."));
  const edns = fc.option(fc.integer({ min: 0, max: 65535 }), { nil: undefined });
  fc.assert(fc.property(names, edns, fc.boolean(), (name, size, dnssecOk) => {
    const bytes = ask(name, "AAAA", { edns: size, dnssecOk });
    const [query, whole] = [parseQuery(bytes), decodeMessage(bytes)];
    assert.equal(query.lowerName, `${whole.questions[0]?.name.toLowerCase()}.`);
    assert.equal(query.edns === undefined, (whole.additionals ?? []).length === 0);
  }));
});

Deno.test("parseQuery() reads the OPT record of messages of any build, as dns-packet does", () => {
  const question = { type: "A", name: "x.example.org" };
  const opt = { type: "OPT", name: ".", udpPayloadSize: 1400, flags: 0x8000, options: [] };
  const other = { type: "A", name: "y.example.org", ttl: 60, data: "192.0.2.1" };
  const builds = [
    { questions: [question, question], additionals: [opt] },
    { questions: [question], additionals: [opt, other] },
    { questions: [question], additionals: [other, opt] },
    { questions: [question], answers: [other], authorities: [other], additionals: [other, opt] },
    { questions: [], additionals: [opt] },
  ];
  for (const build of builds) {
    const bytes = encode({ type: "query", id: 1, ...build });
    const { edns } = parseQuery(bytes);
    assert.deepEqual(edns, { sizeBytes: 1400, version: 0, dnssecOk: true });
    assert.equal(decodeMessage(bytes).additionals.some((each) => each.type === "OPT"), true);
    assert.throws(() => parseQuery(bytes.subarray(0, -1)), WireError);
  }
  const without = encode({ type: "query", id: 1, questions: [question], answers: [opt, other] });
  assert.equal(parseQuery(without).edns, undefined, "OPT is an additional record");
});

Deno.test("parseAnswer() finds records, their TTLs and the whole result", () => {
  const bytes = encode({
    type: "response",
    id: 9,
    flags: RCODE.NXDOMAIN,
    questions: [{ type: "A", name: "x.example.org" }],
    answers: [{ type: "CNAME", name: "x.example.org", ttl: 300, data: "y.example.org" }, {
      type: "A",
      name: "y.example.org",
      ttl: 60,
      data: "192.0.2.1",
    }],
    additionals: [{ type: "OPT", name: ".", udpPayloadSize: 1232, extendedRcode: 1 }],
  });
  const answer = parseAnswer(bytes);
  assert.equal(answer.rcode, 16 + RCODE.NXDOMAIN);
  assert.deepEqual(answer.records.map((each) => each.ttl), [300, 60, 1 << 24]);
  assert.deepEqual(answer.records.map((each) => each.section), [1, 1, 3]);
  assert.equal(u32(bytes, answer.records[1]?.ttlAt ?? 0), 60);
});

Deno.test("parseAnswer() refuses names that point forward or at themselves", () => {
  const head = "0001800000000001000000000000".slice(0, 24);
  for (const name of ["c00c", "c0ff", "c00d"]) {
    const hex = `${head}${name}000100010000003c0004c0000201`;
    assert.throws(() => parseAnswer(fromHex(hex)), WireError);
  }
});

Deno.test("parseAnswer() ignores what follows the last record", () => {
  const bytes = encode({ type: "response", questions: [{ type: "A", name: "x" }] });
  const longer = Uint8Array.from([...bytes, 1, 2, 3]);
  assert.equal(parseAnswer(longer).bytes.length, bytes.length);
});

Deno.test("foldQuestion() ignores the case of the name and nothing else", () => {
  const fold = (name: string, type: number): string =>
    foldQuestion(Uint8Array.of(...writeName(name) ?? [], 0, type, 0, 1));
  assert.equal(fold("WEB.example.org", 65), fold("web.EXAMPLE.org", 65));
  assert.notEqual(fold("web", 65), fold("web", 97));
});

Deno.test("writeName() refuses what is no name", () => {
  for (const name of ["", "a..b", ".a", "x".repeat(64), `${"x".repeat(63)}.`.repeat(4)]) {
    assert.equal(writeName(name), undefined, name);
  }
  assert.deepEqual(writeName("."), Uint8Array.of(0));
  assert.deepEqual(writeName("ab."), writeName("ab"));
});
