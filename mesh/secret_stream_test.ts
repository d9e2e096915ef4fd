import assert from "node:assert/strict";
import { fromHex, toHex } from "../base/mod.ts";
import { portableCrypto } from "../tests/helpers/mesh_world.ts";
import keys from "../tests/vectors/session-key.json" with { type: "json" };
import records from "../tests/vectors/tcp-secretbox.json" with { type: "json" };
import { SecretStream, sessionKey, tcpNonce } from "./secret_stream.ts";
import { withLength } from "./wire.ts";

Deno.test("sessionKey() agrees with the vectors from both sides", () => {
  for (const c of keys.cases) {
    const password = fromHex(c.password_hex);
    const fromA = portableCrypto.sharedKey(fromHex(c.public_b), fromHex(c.private_a));
    const fromB = portableCrypto.sharedKey(fromHex(c.public_a), fromHex(c.private_b));
    assert.equal(toHex(fromA), c.box_precompute);
    assert.equal(toHex(fromB), c.box_precompute);
    assert.equal(toHex(sessionKey(portableCrypto, fromA, password)), c.session_key);
  }
});

Deno.test("tcpNonce() and the cipher agree with the vectors", () => {
  for (const c of records.cases) {
    const nonce = tcpNonce(c.sender_outbound, BigInt(c.seq));
    assert.equal(toHex(nonce), c.nonce);
    const key = fromHex(c.session_key);
    const sealed = portableCrypto.seal(fromHex(c.plaintext), nonce, key);
    assert.equal(toHex(sealed), c.sealed);
    assert.equal(toHex(withLength(sealed)), c.wire);
    assert.equal(toHex(portableCrypto.open(sealed, nonce, key) ?? new Uint8Array(1)), c.plaintext);
  }
});

Deno.test("SecretStream opens in order and nothing twice, reordered, reflected or cut", () => {
  const key = portableCrypto.randomBytes(32);
  const sealer = new SecretStream(portableCrypto, key, true);
  const opener = new SecretStream(portableCrypto, key, true);
  const [first, second] = [sealer.seal(Uint8Array.of(1)), sealer.seal(Uint8Array.of(2))];
  assert.equal(opener.open(second), undefined);
  assert.deepEqual(opener.open(first), Uint8Array.of(1));
  assert.equal(opener.open(first), undefined);
  assert.equal(new SecretStream(portableCrypto, key, false).open(first), undefined);
  for (let length = 0; length < second.length; length++) {
    assert.equal(opener.open(second.subarray(0, length)), undefined);
  }
  assert.deepEqual(opener.open(second), Uint8Array.of(2));
});

Deno.test("SecretStream passes messages as they are when there is no key", () => {
  const stream = new SecretStream(portableCrypto, undefined, true);
  assert.deepEqual(stream.open(stream.seal(Uint8Array.of(7))), Uint8Array.of(7));
});
