import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { Bug } from "../base/mod.ts";
import "./_testing.ts";
import { type AeadLibrary, type AeadSuite, aeadSuites, aesSupported, openAead } from "./aead.ts";
import { Arena } from "./arena.ts";
import { readProc } from "./procfs.ts";

const SUITES: readonly AeadSuite[] = ["AES-256-OCB", "AES-256-GCM", "ChaCha20-Poly1305"];
const LIBRARIES: readonly AeadLibrary[] = ["libgcrypt", "libcrypto"];
const CASES = SUITES.flatMap((suite) => LIBRARIES.map((library) => [suite, library] as const));
const TAG_BYTES = 16;

/** What another implementation makes of it: `node:crypto`, which lacks OCB, or the other library. */
function reference(
  [suite, library]: (typeof CASES)[number],
  key: Uint8Array<ArrayBuffer>,
  nonce: Uint8Array,
  plaintext: Uint8Array,
): { ciphertext: Uint8Array; tag: Uint8Array } {
  if (suite === "AES-256-OCB") {
    return sealedBy(library === "libcrypto" ? "libgcrypt" : "libcrypto", key, nonce, plaintext);
  }
  const cipher = suite === "AES-256-GCM"
    ? createCipheriv("aes-256-gcm", key, nonce)
    : createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: TAG_BYTES });
  const ciphertext = new Uint8Array(cipher.update(plaintext));
  cipher.final();
  return { ciphertext, tag: new Uint8Array(cipher.getAuthTag()) };
}

function sealedBy(
  library: AeadLibrary,
  key: Uint8Array<ArrayBuffer>,
  nonce: Uint8Array,
  plaintext: Uint8Array,
): { ciphertext: Uint8Array; tag: Uint8Array } {
  using arena = Arena.open(1 << 20);
  using aead = openAead("AES-256-OCB", key, "seal", arena, library);
  const [nonceAt, at] = [arena.alloc(12), arena.alloc(4_096)];
  arena.bytes.set(nonce, nonceAt);
  arena.bytes.set(plaintext, at);
  const end = at + plaintext.length;
  assert.ok(aead.seal(nonceAt, at, at, plaintext.length, end));
  return { ciphertext: arena.bytes.slice(at, end), tag: arena.bytes.slice(end, end + TAG_BYTES) };
}

for (const [suite, library] of CASES) {
  Deno.test(`Aead of ${library} seals ${suite} as another implementation does, and opens it in place`, () => {
    using arena = Arena.open(1 << 20);
    const key = Uint8Array.from({ length: 32 }, (_, i) => i ^ 0x5a);
    using sealing = openAead(suite, key, "seal", arena, library);
    using opening = openAead(suite, key, "open", arena, library);
    const [nonceAt, input, output] = [arena.alloc(12), arena.alloc(2000), arena.alloc(2000)];
    for (const length of [1, 15, 16, 17, 100, 1434]) {
      const plaintext = Uint8Array.from({ length }, (_, i) => (i * 11 + length) & 255);
      const nonce = Uint8Array.from({ length: 12 }, (_, i) => (i + length) & 255);
      arena.bytes.set(nonce, nonceAt);
      arena.bytes.set(plaintext, input);
      const tagAt = output + length;
      assert.ok(sealing.seal(nonceAt, input, output, length, tagAt));
      const { ciphertext, tag } = reference([suite, library], key, nonce, plaintext);
      assert.deepEqual(arena.bytes.slice(output, tagAt), ciphertext);
      assert.deepEqual(arena.bytes.slice(tagAt, tagAt + TAG_BYTES), tag);
      assert.ok(opening.open(nonceAt, output, output, length, tagAt));
      assert.deepEqual(arena.bytes.slice(output, tagAt), plaintext);
    }
  });

  Deno.test(`Aead.open() of ${library} refuses ${suite} when a byte, the tag or the nonce is changed`, () => {
    using arena = Arena.open(1 << 20);
    const key = new Uint8Array(32).fill(3);
    using sealing = openAead(suite, key, "seal", arena, library);
    using opening = openAead(suite, key, "open", arena, library);
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

for (const library of LIBRARIES) {
  Deno.test(`Aead of ${library} throws Bug when used in the wrong direction or after its end`, () => {
    using arena = Arena.open(1 << 20);
    const at = arena.alloc(64);
    const sealing = openAead("AES-256-GCM", new Uint8Array(32), "seal", arena, library);
    assert.throws(() => sealing.open(at, at, at, 1, at + 32), Bug);
    sealing[Symbol.dispose]();
    sealing[Symbol.dispose]();
    assert.throws(() => sealing.seal(at, at, at, 1, at + 32), Bug);
  });
}

Deno.test("openAead() throws Bug when a key is short", () => {
  using arena = Arena.open(1 << 20);
  assert.throws(() => openAead("AES-256-GCM", new Uint8Array(16), "seal", arena), Bug);
});

Deno.test("aeadSuites() lists what can be opened, AES only where the CPU has it", () => {
  using arena = Arena.open(1 << 20);
  const suites = aeadSuites();
  assert.deepEqual(suites, aesSupported() ? SUITES : SUITES.slice(-1));
  for (const suite of suites) openAead(suite, new Uint8Array(32), "seal", arena)[Symbol.dispose]();
});

Deno.test("aesSupported() agrees with the CPU's flags", () => {
  const info = readProc("/proc/cpuinfo") ?? "";
  assert.equal(aesSupported(), /\baes\b/.test(info) && /\b(pclmulqdq|pmull)\b/.test(info));
});
