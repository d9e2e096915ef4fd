import assert from "node:assert/strict";
import { fromHex, toHex, utf8 } from "../../base/mod.ts";
import { portableKeyCrypto, toyKeyCrypto } from "../../tests/helpers/key_world.ts";
import { type M1, type M2, type M3, parseKeyMessage } from "./codec.ts";
import type { KeyCrypto } from "./io.ts";
import { Answering, Asking, chooseSuite, type RunOptions } from "./run.ts";
import { passwordSecret } from "./schedule.ts";

// Computed by an independent implementation in another language. I knows "old"; R knows "new" and "old".
const I = {
  name: 0x020000000001,
  uid: 0x0102030405060708n,
  privateKey: "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
  publicKey: "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f",
  sid: "1111111111111111",
  keyId: 0xabcd,
};
const R = {
  name: 0x020000000002,
  uid: 0xf102030405060708n,
  privateKey: "6465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f80818283",
  publicKey: "7d9c24316539825c1896e57f28197746793ce60cbee3ad47da9d07b85fa55e2a",
  sid: "2222222222222222",
  keyId: 0x1234,
};
const M1_HEX = "0101" + I.sid + "0102030405060708f10203040506070803abcd" + I.publicKey;
const M2_HEX = "0201" + I.sid + R.sid + "f1020304050607080102030405060708011234" + R.publicKey +
  "0233f98db2576d1d23da5dd2ab6edf20014b98b8db1403012e5ad61540d8665b48";
const M3_HEX = "03" + R.sid + "9825a9e9ccf8e3a8c8ca8df46a09f036";
const TO_R = {
  key: "f622fa89960dda22eb880e041a63e6dd59d8c20f1bd9e639c7cc7509b254f65a",
  salt: "61c9bdb9",
};
const TO_I = {
  key: "11317932a799eb6b91d8d4633d465c21b48b0a2e3e7347062ca73813bd51e99a",
  salt: "9ee80e91",
};

function fixed(side: typeof I): KeyCrypto {
  const { privateKey, publicKey, sid } = side;
  return {
    ...portableKeyCrypto,
    generateKeyPair: () => ({ privateKey: fromHex(privateKey), publicKey: fromHex(publicKey) }),
    randomBytes: () => fromHex(sid),
  };
}

function options(
  self: typeof I,
  peer: typeof I,
  passwords: string[],
  crypto: KeyCrypto,
): RunOptions {
  return {
    crypto,
    passwordSecrets: passwords.map((password) => passwordSecret(crypto, utf8(password))),
    suites: 3,
    self: self.name,
    uid: self.uid,
    peer: peer.name,
    peerUid: peer.uid,
  };
}

Deno.test("Asking and Answering send the recorded bytes and derive the recorded keys", () => {
  const asking = new Asking(options(I, R, ["old"], fixed(I)), I.keyId);
  assert.equal(toHex(asking.m1), M1_HEX);
  const m1 = parseKeyMessage(asking.m1) as M1;
  const answerer = options(R, I, ["new", "old"], fixed(R));
  const answering = Answering.answer(answerer, m1, asking.m1, R.keyId);
  assert.equal(toHex(answering?.m2 ?? utf8("")), M2_HEX);
  const result = asking.take(parseKeyMessage(fromHex(M2_HEX)) as M2);
  assert.equal(toHex(asking.m3 ?? utf8("")), M3_HEX);
  const ours = result.kind === "keys" ? result.keys : undefined;
  const theirs = answering?.confirm(parseKeyMessage(fromHex(M3_HEX)) as M3);
  for (const [keys, send, receive] of [[ours, TO_R, TO_I], [theirs, TO_I, TO_R]] as const) {
    assert.equal(toHex(keys?.sendKey ?? utf8("")), send.key);
    assert.equal(toHex(keys?.sendSalt ?? utf8("")), send.salt);
    assert.equal(toHex(keys?.receiveKey ?? utf8("")), receive.key);
    assert.equal(toHex(keys?.receiveSalt ?? utf8("")), receive.salt);
    assert.equal(keys?.suite, "AES-256-GCM");
  }
  assert.deepEqual([ours?.sendId, ours?.receiveId], [R.keyId, I.keyId]);
  assert.deepEqual([theirs?.sendId, theirs?.receiveId], [I.keyId, R.keyId]);
});

/** A run whose private keys, X25519 results and secrets are kept, to see whether they were wiped. */
function watched(): { crypto: KeyCrypto; secrets: Uint8Array[] } {
  const toy = toyKeyCrypto(1);
  const secrets: Uint8Array[] = [];
  const keep = (bytes: Uint8Array): Uint8Array => (secrets.push(bytes), bytes);
  const crypto = {
    ...toy,
    generateKeyPair: () => {
      const pair = toy.generateKeyPair();
      keep(pair.privateKey);
      return pair;
    },
    x25519: (scalar: Uint8Array, point: Uint8Array) => keep(toy.x25519(scalar, point)),
  };
  return { crypto, secrets };
}

Deno.test("Asking and Answering wipe private keys and shared secrets after use", () => {
  const { crypto, secrets } = watched();
  const wiped = (): boolean[] => secrets.map((secret) => secret.every((byte) => byte === 0));
  const asking = new Asking(options(I, R, ["a"], crypto), 1);
  const m1 = parseKeyMessage(asking.m1) as M1;
  const answering = Answering.answer(options(R, I, ["a"], crypto), m1, asking.m1, 2);
  assert.deepEqual(wiped(), [false, true, true]);
  asking.take(parseKeyMessage(answering?.m2 ?? utf8("")) as M2);
  assert.deepEqual(wiped(), [true, true, true, true]);
  const other = new Asking(options(I, R, ["a"], crypto), 1);
  other.wipe();
  assert.equal(wiped().at(-1), true);
});

Deno.test("Answering gives keys once and only for a good tag", () => {
  const crypto = toyKeyCrypto(1);
  const asking = new Asking(options(I, R, ["a"], crypto), 1);
  const m1 = parseKeyMessage(asking.m1) as M1;
  const answering = Answering.answer(options(R, I, ["a"], crypto), m1, asking.m1, 2);
  const result = asking.take(parseKeyMessage(answering?.m2 ?? utf8("")) as M2);
  assert.equal(result.kind, "keys");
  const m3 = parseKeyMessage(asking.m3 ?? utf8("")) as M3;
  assert.equal(answering?.confirm({ ...m3, tagI: new Uint8Array(16) }), undefined);
  assert.equal(answering?.confirm({ ...m3, sidR: new Uint8Array(8) }), undefined);
  assert.equal(answering?.confirmed, false);
  assert.equal(answering?.confirm(m3)?.sendId, 1);
  assert.equal(answering?.confirmed, true);
  assert.equal(answering?.confirm(m3), undefined);
});

Deno.test("chooseSuite() prefers OCB, then GCM, and finds nothing where nothing is common", () => {
  const cases = [[7, 7, 4], [7, 3, 1], [5, 6, 4], [3, 3, 1], [3, 2, 2], [2, 3, 2], [1, 2, 0], [
    3,
    0xfc,
    0,
  ], [3, 0xff, 1]];
  for (const [ours = 0, theirs = 0, suite] of cases) assert.equal(chooseSuite(ours, theirs), suite);
});
