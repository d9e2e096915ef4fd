import assert from "node:assert/strict";
import { concat, fromHex, toHex } from "../../base/mod.ts";
import { portableKeyCrypto as crypto } from "../../tests/helpers/key_world.ts";
import {
  directionKeys,
  expand,
  extract,
  firstMatch,
  pairSecrets,
  tagOfInitiator,
  tagOfResponder,
} from "./schedule.ts";

// RFC 5869, A.1 and A.3; their output of 42 bytes begins with the first round, which is all that is needed here.
const RFC_5869 = [
  {
    ikm: "0b".repeat(22),
    salt: "000102030405060708090a0b0c",
    info: "f0f1f2f3f4f5f6f7f8f9",
    prk: "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
    okm: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf",
  },
  {
    ikm: "0b".repeat(22),
    salt: "",
    info: "",
    prk: "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
    okm: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
  },
];

Deno.test("extract() and expand() agree with RFC 5869", () => {
  for (const { ikm, salt, info, prk, okm } of RFC_5869) {
    const secret = extract(crypto, fromHex(salt), fromHex(ikm));
    assert.equal(toHex(secret), prk);
    assert.equal(toHex(expand(crypto, secret, fromHex(info), 32)), okm);
    assert.equal(toHex(expand(crypto, secret, fromHex(info), 4)), okm.slice(0, 8));
  }
});

Deno.test("pairSecrets() refuses a result of zeros, wipes any other and makes one secret a password", () => {
  const hash = new Uint8Array(32).fill(1);
  const psks = [2, 3].map((byte) => new Uint8Array(32).fill(byte));
  assert.equal(pairSecrets(crypto, hash, new Uint8Array(32), psks), undefined);
  const dh = new Uint8Array(32).fill(4);
  const secrets = pairSecrets(crypto, hash, dh, psks) ?? [];
  assert.deepEqual(dh, new Uint8Array(32));
  const input = concat(new Uint8Array(32).fill(4), new Uint8Array(32).fill(3));
  assert.deepEqual(secrets[1], crypto.hmacSha256(hash, input));
  assert.notDeepEqual(secrets[0], secrets[1]);
});

Deno.test("directionKeys() and tags are all different", () => {
  const secret = new Uint8Array(32).fill(7);
  const { toInitiator, toResponder } = directionKeys(crypto, secret);
  const all = [
    toInitiator.key,
    toResponder.key,
    toInitiator.salt,
    toResponder.salt,
    tagOfInitiator(crypto, secret),
    tagOfResponder(crypto, secret),
  ].map(toHex);
  assert.equal(new Set(all).size, all.length);
  assert.deepEqual(all.map((each) => each.length / 2), [32, 32, 4, 4, 16, 16]);
});

Deno.test("firstMatch() finds the first of ours that is among theirs", () => {
  const tags = [1, 2, 3, 4].map((byte) => new Uint8Array(16).fill(byte));
  const [one, two, three, four] = tags as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  assert.equal(firstMatch(crypto, [one, two], [four, two, one]), 0);
  assert.equal(firstMatch(crypto, [four, two, one], [one, two]), 1);
  assert.equal(firstMatch(crypto, [one], [two, three]), -1);
  assert.equal(firstMatch(crypto, [one], []), -1);
});
