/**
 * The TCP connection: introduction and messages, in clear and sealed; whole and byte by byte must come to the same.
 *
 * @module
 */

import assert from "node:assert/strict";
import { concat, fromHex } from "../../base/mod.ts";
import { Connection, type ConnectionOutput } from "../../mesh/connection.ts";
import { parseMessage, withLength } from "../../mesh/wire.ts";
import type { MeshCrypto } from "../../mesh/types.ts";
import handshakes from "../vectors/handshake.json" with { type: "json" };
import live from "../vectors/live-plain.decoded.json" with { type: "json" };
import { fuzz, refused } from "./fuzzer.ts";

/** Longest input that is also given byte by byte. */
const BYTEWISE_BYTES = 1_024;

/** Costs next to nothing, authenticates by a sum: what is fuzzed is not the cipher. */
const toyCrypto: MeshCrypto = {
  generateKeyPair: () => ({ publicKey: new Uint8Array(32), privateKey: new Uint8Array(32) }),
  sharedKey: () => new Uint8Array(32),
  sha256: () => new Uint8Array(32),
  seal: (plain, nonce) => concat(tagOf(plain, nonce), plain),
  open: (sealed, nonce) => {
    const plain = sealed.slice(16);
    return tagOf(plain, nonce)[0] === sealed[0] ? plain : undefined;
  },
  randomBytes: (length) => new Uint8Array(length).fill(7),
};

function tagOf(plain: Uint8Array, nonce: Uint8Array): Uint8Array {
  const tag = new Uint8Array(16);
  // Two of them are enough for a mutated message to pass now and then.
  tag[0] = (plain.length + (nonce[23] ?? 0)) & 1;
  return tag;
}

const RECORDED_INTRODUCTION = handshakes.cases.find((each) => each.password_utf8 === "");
const FEATURES = fromHex(RECORDED_INTRODUCTION?.a_to_b ?? "")
  .slice(12, RECORDED_INTRODUCTION?.a_intro_length);

function connection(outbound: boolean, passwords: readonly Uint8Array[]): Connection {
  const features = FEATURES;
  const crypto = toyCrypto;
  const subject = new Connection({ crypto, outbound, passwords, password: 0, features });
  subject.handle({ kind: "start" }, 0);
  return subject;
}

function drain(subject: Connection): string[] {
  const seen: string[] = [];
  for (let out = subject.poll(); out !== undefined; out = subject.poll()) seen.push(show(out));
  return seen;
}

function show(output: ConnectionOutput): string {
  switch (output.kind) {
    case "send":
      return `send ${output.bytes.toHex()}`;
    case "message":
      refused(() => parseMessage(output.message));
      return `message ${output.message.toHex()}`;
    case "introduced": {
      const { features } = output.introduction;
      return `introduced ${Object.values(features).map(String).join(" ")}`;
    }
    case "closed":
      return `closed ${output.reason} ${output.nextPassword}`;
    case "finish":
      return "finish";
  }
}

function check(
  input: Uint8Array<ArrayBuffer>,
  outbound: boolean,
  passwords: readonly Uint8Array[],
): void {
  const whole = connection(outbound, passwords);
  whole.handle({ kind: "received", bytes: input }, 1);
  const seen = drain(whole);
  if (input.length <= BYTEWISE_BYTES) {
    const slow = connection(outbound, passwords);
    const pieces: string[] = [];
    for (let i = 0; i < input.length; i++) {
      slow.handle({ kind: "received", bytes: input.subarray(i, i + 1) }, 1);
      pieces.push(...drain(slow));
    }
    // What closes may come before bytes that the whole had already given: those are dropped alike.
    assert.deepEqual([...drain(slow), ...pieces], seen);
  }
  whole.handle({ kind: "tick" }, 100_000);
  whole.handle({ kind: "ended", reason: undefined }, 100_000);
  drain(whole);
  assert.equal(whole.deadline(), undefined);
}

const RECORDED = handshakes.cases.flatMap((each) =>
  "a_to_b" in each && each.a_to_b !== undefined ? [each.a_to_b, each.b_to_a ?? ""] : []
).map(fromHex);
const MESSAGES = live.cases.flatMap((each) =>
  each.proto === "tcp" && "plaintext" in each && each.plaintext !== undefined
    ? [fromHex(each.plaintext)]
    : []
);
const CLEAR = concat(
  fromHex("7765617665010200"),
  ...MESSAGES.slice(0, 6).map((message) => withLength(message)),
);
const PASSWORD = Uint8Array.of(1);

function sealedStream(outbound: boolean): Uint8Array {
  const sender = new Connection({
    crypto: toyCrypto,
    outbound,
    passwords: [PASSWORD],
    password: 0,
    features: FEATURES,
  });
  const remote = connection(!outbound, [PASSWORD]);
  sender.handle({ kind: "start" }, 0);
  const sent: Uint8Array[] = [];
  const move = (): void => {
    for (let out = remote.poll(); out !== undefined; out = remote.poll()) {
      if (out.kind === "send") sender.handle({ kind: "received", bytes: out.bytes }, 0);
    }
    for (let out = sender.poll(); out !== undefined; out = sender.poll()) {
      if (out.kind !== "send") continue;
      sent.push(out.bytes);
      remote.handle({ kind: "received", bytes: out.bytes }, 0);
    }
  };
  for (let i = 0; i < 3; i++) move();
  for (const message of MESSAGES.slice(1, 5)) sender.handle({ kind: "send", message }, 0);
  move();
  return concat(...sent);
}

const SEALED = [sealedStream(true), sealedStream(false)];

fuzz({
  name: "Connection in clear",
  share: 0.12,
  seeds: [...RECORDED, CLEAR],
  run: (input, roll) => check(input, roll() < 0.5, []),
});

fuzz({
  name: "Connection with passwords",
  share: 0.08,
  seeds: [...SEALED, ...RECORDED],
  run: (input, roll) => {
    const several = roll() < 0.5 ? [PASSWORD, Uint8Array.of(2)] : [PASSWORD];
    check(input, roll() < 0.5, several);
  },
});
