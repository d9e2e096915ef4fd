import assert from "node:assert/strict";
import fc from "fast-check";
import {
  concat,
  fromHex,
  GobDecoder,
  GobEncoder,
  gobMap,
  gobString,
  toHex,
  utf8,
} from "../base/mod.ts";
import { portableCrypto } from "../tests/helpers/mesh_world.ts";
import headers from "../tests/vectors/protocol-header.json" with { type: "json" };
import vectors from "../tests/vectors/handshake.json" with { type: "json" };
import { decodeFeatures, encodeFeatures, parseFeatures } from "./features.ts";
import {
  Handshake,
  type HandshakeOptions,
  type HandshakeOutput,
  negotiateVersion,
  protocolHeader,
} from "./handshake.ts";
import { ByteQueue, withLength } from "./wire.ts";

interface HeaderCase {
  ours: [number, number];
  theirs?: [number, number];
  their_header?: string;
  our_header?: string;
  negotiated?: number;
}

Deno.test("protocolHeader() and negotiateVersion() agree with the vectors", () => {
  for (const c of headers.cases as HeaderCase[]) {
    if (c.our_header !== undefined) assert.equal(toHex(protocolHeader(c.ours)), c.our_header);
    if (c.theirs !== undefined) assert.equal(negotiateVersion(c.ours, c.theirs), c.negotiated);
  }
});

Deno.test("Handshake refuses when the header is of another protocol or version", () => {
  for (
    const hex of ["77656176660102", "57454156450102", "77656176650101", "77656176650309", "474554"]
  ) {
    const outputs = handshake({}).receive(queueOf(fromHex(hex)));
    assert.equal(outputs[0]?.kind, "refused", hex);
  }
});

interface HandshakeCase {
  a_to_b?: string;
  b_to_a: string;
  a_features: Record<string, string>;
  b_features: Record<string, string>;
  a_private?: string;
  a_public?: string;
  b_private?: string;
  b_public?: string;
  a_intro_length: number;
  b_intro_length: number;
  messages_after_intro: { direction: string; plaintext: string }[];
  password_utf8: string;
  session_key?: string;
}

const RECORDED = (vectors.cases as unknown as HandshakeCase[]).filter((c) =>
  c.a_to_b !== undefined
);

for (const dialled of [false, true]) {
  const side = dialled ? "b" : "a";
  Deno.test(`Handshake decodes and reproduces recorded streams when it is side ${side}`, () => {
    assert.equal(RECORDED.length, 2);
    for (const c of RECORDED) {
      const mine = dialled ? c.b_to_a : c.a_to_b ?? "";
      const theirs = dialled ? c.a_to_b ?? "" : c.b_to_a;
      const introLength = dialled ? c.b_intro_length : c.a_intro_length;
      const keys = dialled ? [c.b_public, c.b_private] : [c.a_public, c.a_private];
      const encrypted = c.password_utf8 !== "";
      // Our features are those recorded, bytes and all: map order and type ids are the recorder's.
      const features = recordedFeatures(c, dialled);
      const subject = handshake({
        outbound: !dialled,
        passwords: encrypted ? [utf8(c.password_utf8)] : [],
        features,
        crypto: { ...portableCrypto, generateKeyPair: () => keyPair(keys) },
      });
      const start = subject.start();
      // The recorder offered versions 1 to 2.
      assert.equal(
        toHex(start),
        toHex(protocolHeader([2, 2])) + mine.slice(14, 14 + 2 * (start.length - 7)),
      );
      const queue = queueOf(fromHex(theirs));
      const outputs = subject.receive(queue);
      const done = outputs.find((output) => output.kind === "done");
      assert.ok(done?.kind === "done");
      const { introduction } = done;
      const their = dialled ? c.a_features : c.b_features;
      assert.deepEqual(introduction.features, parseFeatures(new Map(Object.entries(their))));
      assert.equal(introduction.sessionKey && toHex(introduction.sessionKey), c.session_key);
      const sent = outputs.filter((output) => output.kind === "send").map((output) => output.bytes);
      const mineAfter = c.messages_after_intro.filter((m) => m.direction[0] === side)
        .map((m) => withLength(introduction.sealer.seal(fromHex(m.plaintext))));
      const all = concat(...sent, ...mineAfter);
      assert.equal(toHex(all), mine.slice(2 * start.length));
      assert.equal(concat(start, ...sent).length, introLength);
      for (const m of c.messages_after_intro.filter((each) => each.direction[0] !== side)) {
        const record = queue.takePayload(10_000) ?? new Uint8Array();
        assert.equal(toHex(introduction.opener.open(record) ?? new Uint8Array()), m.plaintext);
      }
      assert.equal(queue.length, 0);
    }
  });
}

Deno.test("GobEncoder reproduces recorded features when it has the recorder's id", () => {
  const type = gobMap(gobString, gobString);
  for (const c of RECORDED) {
    for (const dialled of [false, true]) {
      const gob = recordedFeatures(c, dialled);
      const pairs = new GobDecoder(gob).next(type);
      assert.deepEqual(new GobEncoder([65]).write(type, pairs).bytes(), gob);
      assert.deepEqual(
        Object.fromEntries(decodeFeatures(gob)),
        dialled ? c.b_features : c.a_features,
      );
    }
  }
});

Deno.test("Handshake answers with the password of the dialler when it was dialled and has several", () => {
  const [dialler, dialled] = [
    handshake({ outbound: true, passwords: [utf8("two")] }),
    handshake({ outbound: false, passwords: [utf8("one"), utf8("two")] }),
  ];
  const [fromDialler, fromDialled] = exchange(dialler, dialled);
  assert.deepEqual(fromDialler.map((o) => o.kind), ["send", "done"]);
  assert.deepEqual(fromDialled.map((o) => o.kind), ["send", "done"]);
  const done = fromDialled.at(-1);
  assert.equal(done?.kind === "done" && done.introduction.password, 1);
});

Deno.test("Handshake names the password to dial with next when its own does not fit", () => {
  const cases: [string[], string[], number | undefined, RegExp][] = [
    [["a", "b", "c"], ["c"], 2, /another of our passwords/],
    [["a", "b", "c"], ["x"], 1, /^no common password$/],
    [["a"], ["x"], undefined, /^no common password$/],
  ];
  for (const [ours, theirs, next, reason] of cases) {
    const dialler = handshake({ outbound: true, passwords: ours.map(utf8) });
    const dialled = handshake({ outbound: false, passwords: theirs.map(utf8) });
    const [outputs, others] = exchange(dialler, dialled);
    const refused = outputs.at(-1);
    assert.ok(refused?.kind === "refused");
    assert.equal(refused.nextPassword, next);
    assert.match(refused.reason, reason);
    assert.deepEqual(others.at(-1), { kind: "refused", reason: "no common password" });
  }
});

Deno.test("Handshake refuses a public key of small order and a long first message", () => {
  const passwords = [utf8("p")];
  const small = handshake({ passwords });
  small.start();
  const zero = queueOf(concat(protocolHeader([2, 2]), Uint8Array.of(1), new Uint8Array(32)));
  const first = small.receive(zero);
  // Some libraries accept it; then the features do not open.
  assert.ok(first.every((output) => output.kind !== "done"));
  const long = handshake({});
  const outputs = long.receive(queueOf(concat(protocolHeader([2, 2]), fromHex("0000010001"))));
  assert.equal(outputs.at(-1)?.kind, "refused");
});

Deno.test("Handshake ends in values only when bytes are arbitrary", () => {
  const prefix = fc.constantFrom(
    "",
    "7765617665",
    "77656176650202",
    "7765617665020200",
    "7765617665010201",
  );
  const chunks = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 });
  fc.assert(
    fc.property(prefix, chunks, fc.boolean(), (start, rest, encrypted) => {
      const subject = handshake({ passwords: encrypted ? [utf8("p")] : [] });
      subject.start();
      const queue = queueOf(fromHex(start));
      subject.receive(queue);
      for (const chunk of rest) {
        queue.push(chunk);
        for (const output of subject.receive(queue)) assert.notEqual(output.kind, "done");
      }
    }),
    { numRuns: 300 },
  );
});

function handshake(options: Partial<HandshakeOptions>): Handshake {
  return new Handshake({
    crypto: portableCrypto,
    outbound: false,
    passwords: [],
    password: 0,
    features: encodeFeatures({
      name: 2,
      nickname: "n",
      uid: 3n,
      connId: 4n,
      shortId: undefined,
      trusted: false,
      overlays: ["sleeve"],
      weft: true,
      liveness: true,
      digest: true,
    }),
    ...options,
  });
}

function queueOf(bytes: Uint8Array): ByteQueue {
  const queue = new ByteQueue();
  queue.push(bytes);
  return queue;
}

/** Lets two sides talk until nothing moves. */
function exchange(a: Handshake, b: Handshake): [HandshakeOutput[], HandshakeOutput[]] {
  const queues = [queueOf(b.start()), queueOf(a.start())] as const;
  const outputs: [HandshakeOutput[], HandshakeOutput[]] = [[], []];
  for (let moved = true; moved;) {
    moved = false;
    for (const [i, side] of [a, b].entries()) {
      for (const output of side.receive(queues[i === 0 ? 0 : 1])) {
        outputs[i === 0 ? 0 : 1].push(output);
        if (output.kind !== "send") continue;
        queues[i === 0 ? 1 : 0].push(output.bytes);
        moved = true;
      }
    }
  }
  return outputs;
}

function keyPair([publicKey, privateKey]: (string | undefined)[]): {
  publicKey: Uint8Array;
  privateKey: Uint8Array;
} {
  return { publicKey: fromHex(publicKey ?? ""), privateKey: fromHex(privateKey ?? "") };
}

/** Takes the plaintext of message 0 out of a recorded stream. */
function recordedFeatures(c: HandshakeCase, ofDialled: boolean): Uint8Array {
  const stream = fromHex(ofDialled ? c.b_to_a : c.a_to_b ?? "");
  const queue = queueOf(stream.subarray(c.password_utf8 === "" ? 8 : 40));
  const record = queue.takePayload(10_000) ?? new Uint8Array();
  if (c.session_key === undefined) return record;
  const nonce = new Uint8Array(24);
  nonce[0] = ofDialled ? 0x40 : 0xc0;
  return portableCrypto.open(record, nonce, fromHex(c.session_key)) ?? new Uint8Array();
}
