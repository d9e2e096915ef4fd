import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { Bug } from "../base/mod.ts";
import "./_testing.ts";
import { Aead, type AeadSuite, aesSupported } from "./aead.ts";
import { Arena } from "./arena.ts";
import { readProc } from "./procfs.ts";

const SUITES: readonly AeadSuite[] = ["AES-256-GCM", "ChaCha20-Poly1305"];
const TAG_BYTES = 16;

function reference(
  suite: AeadSuite,
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
): { ciphertext: Uint8Array; tag: Uint8Array } {
  const cipher = suite === "AES-256-GCM"
    ? createCipheriv("aes-256-gcm", key, nonce)
    : createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
  const ciphertext = new Uint8Array(cipher.update(plaintext));
  cipher.final();
  return { ciphertext, tag: new Uint8Array(cipher.getAuthTag()) };
}

for (const suite of SUITES) {
  Deno.test(`Aead seals ${suite} as another implementation does, and opens it in place`, () => {
    using arena = Arena.open(1 << 20);
    const key = Uint8Array.from({ length: 32 }, (_, i) => i ^ 0x5a);
    using sealing = Aead.open(suite, key, "seal", arena);
    using opening = Aead.open(suite, key, "open", arena);
    const [nonceAt, input, output] = [arena.alloc(12), arena.alloc(2000), arena.alloc(2000)];
    for (const length of [1, 15, 16, 17, 100, 1434]) {
      const plaintext = Uint8Array.from({ length }, (_, i) => (i * 11 + length) & 255);
      const nonce = Uint8Array.from({ length: 12 }, (_, i) => (i + length) & 255);
      arena.bytes.set(nonce, nonceAt);
      arena.bytes.set(plaintext, input);
      const tagAt = output + length;
      assert.ok(sealing.seal(nonceAt, input, output, length, tagAt));
      const { ciphertext, tag } = reference(suite, key, nonce, plaintext);
      assert.deepEqual(arena.bytes.slice(output, tagAt), ciphertext);
      assert.deepEqual(arena.bytes.slice(tagAt, tagAt + TAG_BYTES), tag);
      assert.ok(opening.open(nonceAt, output, output, length, tagAt));
      assert.deepEqual(arena.bytes.slice(output, tagAt), plaintext);
    }
  });

  Deno.test(`Aead.open() refuses ${suite} when a byte, the tag or the nonce is changed`, () => {
    using arena = Arena.open(1 << 20);
    const key = new Uint8Array(32).fill(3);
    using sealing = Aead.open(suite, key, "seal", arena);
    using opening = Aead.open(suite, key, "open", arena);
    const [nonce, box, copy] = [arena.alloc(12), arena.alloc(64), arena.alloc(64)];
    const length = 40;
    assert.ok(sealing.seal(nonce, box, box, length, box + length));
    const opens = (flip: number): boolean => {
      arena.bytes.copyWithin(copy, box, box + length + TAG_BYTES);
      arena.view.setUint8(flip, arena.view.getUint8(flip) ^ 1);
      return opening.open(nonce, copy, copy, length, copy + length);
    };
    for (let i = 0; i < length + TAG_BYTES; i++) assert.ok(!opens(copy + i), `byte ${i}`);
    assert.ok(!opens(nonce));
    arena.view.setUint8(nonce, arena.view.getUint8(nonce) ^ 1);
    assert.ok(opening.open(nonce, box, box, length, box + length), "works after refusals");
  });
}

Deno.test("Aead throws Bug when used in the wrong direction, after its end or with a short key", () => {
  using arena = Arena.open(1 << 20);
  const at = arena.alloc(64);
  const sealing = Aead.open("AES-256-GCM", new Uint8Array(32), "seal", arena);
  assert.throws(() => sealing.open(at, at, at, 1, at + 32), Bug);
  sealing[Symbol.dispose]();
  sealing[Symbol.dispose]();
  assert.throws(() => sealing.seal(at, at, at, 1, at + 32), Bug);
  assert.throws(() => Aead.open("AES-256-GCM", new Uint8Array(16), "seal", arena), Bug);
});

Deno.test("aesSupported() agrees with the CPU's flags", () => {
  const info = readProc("/proc/cpuinfo") ?? "";
  assert.equal(aesSupported(), /\baes\b/.test(info) && /\b(pclmulqdq|pmull)\b/.test(info));
});
