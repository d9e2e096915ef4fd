import assert from "node:assert/strict";
import { Bug, concat, fromHex, toHex, utf8 } from "../base/mod.ts";
import secretboxVectors from "../tests/vectors/tcp-secretbox.json" with { type: "json" };
import keyVectors from "../tests/vectors/session-key.json" with { type: "json" };
import "./_testing.ts";
import { Arena } from "./arena.ts";
import {
  cipherName,
  type CryptoOptions,
  meshCrypto,
  openSecretbox,
  type Secretbox,
  type SecretboxMemory,
} from "./crypto.ts";

const NONCE = 0;
const BOX = 64;
const TAG_BYTES = 16;

/** Runs a test with each implementation; `at` is a free piece of the memory. */
function withEach(fn: (box: Secretbox, memory: SecretboxMemory, at: number) => void): void {
  using arena = Arena.open(1 << 20);
  const at = arena.alloc(70_000);
  fn(openSecretbox(arena), arena, at);
  fn(openSecretbox(arena, { libsodium: "never" }), arena, at);
  const memory = { bytes: new Uint8Array(70_000) };
  fn(openSecretbox(memory), memory, 0);
}

const KINDS: readonly CryptoOptions[] = [{ libsodium: "auto" }, { libsodium: "never" }];

Deno.test("openSecretbox() takes libsodium on an arena, tweetnacl-es6 elsewhere or when told", () => {
  const names: string[] = [];
  withEach((box) => names.push(box.name));
  assert.match(names[0] ?? "", /^libsodium 1\.[0-9.]+$/);
  assert.deepEqual(names.slice(1), ["tweetnacl-es6", "tweetnacl-es6"]);
  assert.deepEqual(cipherName(), { name: names[0] });
  const fallback = cipherName({ libsodium: "never" });
  assert.equal(fallback.name, "tweetnacl-es6");
  assert.match(fallback.warning ?? "", /ten times slower/);
});

Deno.test("Secretbox.seal() and open() agree with the vectors, in place", () => {
  withEach((box, { bytes }, at) => {
    for (const vector of secretboxVectors.cases) {
      const plaintext = fromHex(vector.plaintext);
      const key = box.addKey(fromHex(vector.session_key));
      bytes.set(fromHex(vector.nonce), at + NONCE);
      bytes.set(plaintext, at + BOX + TAG_BYTES);
      box.seal(key, at + NONCE, at + BOX, plaintext.length);
      const sealed = bytes.slice(at + BOX, at + BOX + TAG_BYTES + plaintext.length);
      assert.equal(toHex(sealed), vector.sealed);
      assert.ok(box.open(key, at + NONCE, at + BOX, plaintext.length));
      const from = at + BOX + TAG_BYTES;
      assert.equal(toHex(bytes.slice(from, from + plaintext.length)), vector.plaintext);
      box.removeKey(key);
    }
  });
});

Deno.test("Secretbox gives the same bytes with libsodium and tweetnacl-es6 at many lengths", () => {
  using arena = Arena.open(1 << 20);
  const at = arena.alloc(70_000);
  const memory = { bytes: new Uint8Array(70_000) };
  const [fast, slow] = [openSecretbox(arena), openSecretbox(memory)];
  const key = Uint8Array.from({ length: 32 }, (_, i) => i * 3);
  const handles = [fast.addKey(key), slow.addKey(key)] as const;
  for (const length of [0, 1, 15, 16, 31, 32, 33, 63, 64, 65, 1434, 60_001]) {
    const plaintext = Uint8Array.from({ length }, (_, i) => (i * 5 + length) & 255);
    const nonce = Uint8Array.from({ length: 24 }, (_, i) => i + length & 255);
    for (const [bytes, o] of [[arena.bytes, at], [memory.bytes, 0]] as const) {
      bytes.set(nonce, o + NONCE);
      bytes.set(plaintext, o + BOX + TAG_BYTES);
    }
    fast.seal(handles[0], at + NONCE, at + BOX, length);
    slow.seal(handles[1], NONCE, BOX, length);
    const end = BOX + TAG_BYTES + length;
    assert.deepEqual(arena.bytes.slice(at + BOX, at + end), memory.bytes.slice(BOX, end));
  }
});

Deno.test("Secretbox.open() refuses every tampered byte, another nonce and another key", () => {
  withEach((box, { bytes }, at) => {
    const key = box.addKey(new Uint8Array(32).fill(1));
    const other = box.addKey(new Uint8Array(32).fill(2));
    const length = 20;
    bytes.fill(9, at + NONCE, at + NONCE + 24);
    bytes.fill(5, at + BOX + TAG_BYTES, at + BOX + TAG_BYTES + length);
    box.seal(key, at + NONCE, at + BOX, length);
    const sealed = bytes.slice(at + BOX, at + BOX + TAG_BYTES + length);
    const opens = (handle: number, index = -1): boolean => {
      bytes.set(sealed, at + BOX);
      if (index >= 0) bytes[at + BOX + index] = (sealed[index] ?? 0) ^ 1;
      return box.open(handle, at + NONCE, at + BOX, length);
    };
    assert.ok(opens(key));
    for (let i = 0; i < sealed.length; i++) assert.ok(!opens(key, i), `byte ${i}`);
    assert.ok(!opens(other));
    bytes[at + NONCE] = 8;
    assert.ok(!opens(key));
    box.removeKey(key);
    box.removeKey(other);
  });
});

Deno.test("Secretbox.removeKey() wipes the key, and its handle is used again", () => {
  withEach((box, { bytes }, at) => {
    const secret = Uint8Array.from({ length: 32 }, (_, i) => 200 - i);
    const handles = Array.from({ length: 130 }, () => box.addKey(secret));
    assert.equal(new Set(handles).size, handles.length);
    handles.forEach((handle) => box.removeKey(handle));
    const found = toHex(bytes.slice()).includes(toHex(secret));
    assert.ok(!found, "the key is still in memory");
    const again = box.addKey(secret);
    assert.ok(handles.includes(again));
    box.removeKey(again);
    assert.throws(() => box.removeKey(9999), Bug);
    assert.throws(() => box.seal(9999, at, at + BOX, 1), Bug);
    assert.throws(() => box.addKey(new Uint8Array(31)), Bug);
  });
});

Deno.test("meshCrypto() agrees with the vectors of keys with and without libsodium", () => {
  for (const kind of KINDS) {
    const crypto = meshCrypto(kind);
    for (const vector of keyVectors.cases) {
      const box = crypto.sharedKey(fromHex(vector.public_b), fromHex(vector.private_a));
      assert.equal(toHex(box), vector.box_precompute);
      assert.deepEqual(crypto.sharedKey(fromHex(vector.public_a), fromHex(vector.private_b)), box);
      const session = crypto.sha256(concat(box, fromHex(vector.password_hex)));
      assert.equal(toHex(session), vector.session_key);
    }
  }
});

Deno.test("meshCrypto() makes key pairs that agree across implementations", () => {
  const [a, b] = KINDS.map((kind) => meshCrypto(kind));
  assert.ok(a !== undefined && b !== undefined);
  const [ours, theirs] = [a.generateKeyPair(), b.generateKeyPair()];
  assert.notDeepEqual(ours.privateKey, a.generateKeyPair().privateKey);
  assert.deepEqual(
    a.sharedKey(theirs.publicKey, ours.privateKey),
    b.sharedKey(ours.publicKey, theirs.privateKey),
  );
  // A point of low order: both give what NaCl gives.
  const zero = new Uint8Array(32);
  assert.deepEqual(a.sharedKey(zero, ours.privateKey), b.sharedKey(zero, theirs.privateKey));
});

// RFC 7748, 5.2 and 6.1: scalar, point, result.
const X25519 = [
  [
    "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
    "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
    "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
  ],
  [
    "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
    "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
    "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
  ],
  [
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
  ],
];

Deno.test("meshCrypto().x25519() agrees with RFC 7748 and gives zeros for points of low order", () => {
  for (const kind of KINDS) {
    const crypto = meshCrypto(kind);
    for (const [scalar = "", point = "", result] of X25519) {
      assert.equal(toHex(crypto.x25519(fromHex(scalar), fromHex(point))), result);
    }
    const { privateKey } = crypto.generateKeyPair();
    const one = new Uint8Array(32);
    one[0] = 1;
    for (const point of [new Uint8Array(32), one]) {
      assert.deepEqual(crypto.x25519(privateKey, point), new Uint8Array(32));
    }
  }
});

Deno.test("meshCrypto().hmacSha256() agrees with RFC 4231", () => {
  const { hmacSha256 } = meshCrypto({ libsodium: "never" });
  const cases: [Uint8Array, Uint8Array, string][] = [
    [
      new Uint8Array(20).fill(0x0b),
      utf8("Hi There"),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
      utf8("Jefe"),
      utf8("what do ya want for nothing?"),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    [
      new Uint8Array(131).fill(0xaa),
      utf8("Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
  ];
  for (const [key, bytes, mac] of cases) assert.equal(toHex(hmacSha256(key, bytes)), mac);
});

Deno.test("meshCrypto().equalSecrets() compares contents and lengths", () => {
  const { equalSecrets } = meshCrypto({ libsodium: "never" });
  assert.equal(equalSecrets(utf8("same"), utf8("same")), true);
  assert.equal(equalSecrets(utf8("same"), utf8("sane")), false);
  assert.equal(equalSecrets(utf8("same"), utf8("sam")), false);
});

Deno.test("meshCrypto() seals as the vectors say and refuses what was tampered with", () => {
  for (const kind of KINDS) {
    const crypto = meshCrypto(kind);
    for (const vector of secretboxVectors.cases) {
      const [key, nonce] = [fromHex(vector.session_key), fromHex(vector.nonce)];
      const sealed = crypto.seal(fromHex(vector.plaintext), nonce, key);
      assert.equal(toHex(sealed), vector.sealed);
      assert.equal(toHex(crypto.open(sealed, nonce, key) ?? utf8("?")), vector.plaintext);
      sealed[3] = (sealed[3] ?? 0) ^ 0x80;
      assert.equal(crypto.open(sealed, nonce, key), undefined);
    }
    assert.equal(
      crypto.open(new Uint8Array(15), new Uint8Array(24), new Uint8Array(32)),
      undefined,
    );
  }
});

Deno.test("meshCrypto().randomBytes() gives any length and never the same", () => {
  const { randomBytes } = meshCrypto({ libsodium: "never" });
  assert.equal(randomBytes(0).length, 0);
  assert.equal(randomBytes(100_000).length, 100_000);
  assert.notDeepEqual(randomBytes(16), randomBytes(16));
});
