import { deepEqual, equal, match, ok } from "node:assert/strict";
import { passwordBits, passwordWarnings } from "./password.ts";

const WEAK = [
  "",
  "a",
  "rosebud",
  "Summer2026!",
  "P@ssw0rd123!",
  "passwordpasswordpassword",
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "abababababababababababababababab",
  "abcdefghijklmnopqrstuvwxyz0123456789",
  "98765432109876543210",
  "the password of last year",
  "correct horse battery staple",
  "rosebud rosebud rosebud rosebud rosebud rosebud rosebud rosebud",
  "weave-cluster-production-2026-secret",
  "x7Kp2mQ9",
  "deadbeef01234567",
];
for (const password of WEAK) {
  Deno.test(`passwordWarnings() warns of "${password}"`, () => {
    equal(passwordWarnings([password]).length, 1, `${passwordBits(password)} bits`);
  });
}

const STRONG = [
  // As from keygen, base64 of 18 random bytes, 32 hex digits, letters and digits, eight words of dice.
  "8k3tq0z-m5v9wxa-r7c2hjd-6npye1g",
  "fHq4ZkJ0vTt2mYxBw9+eLr/c",
  "9f86d081884c7d659a2feaa0c55ad015",
  "mQ7xT2vLp9RkZc4WbN8y",
  "gravel onward tulip mosaic barley sixfold trapeze unlit",
];
for (const password of STRONG) {
  Deno.test(`passwordWarnings() has nothing to say about "${password}"`, () => {
    deepEqual(passwordWarnings([password]), [], `${passwordBits(password)} bits`);
  });
}

Deno.test("passwordWarnings() judges each password and shows none", () => {
  const lines = passwordWarnings(["rosebud", STRONG[0] ?? "", "tiger"]);
  equal(lines.length, 2);
  match(
    lines[0] ?? "",
    /^password 1 of the file is weak \(about \d+ bits, .*offline; .*weft keygen$/,
  );
  match(lines[1] ?? "", /^password 3 /);
  ok(!/rosebud|tiger/.test(lines.join()));
});

Deno.test("passwordBits() grows with every random character and not with repetition", () => {
  ok(passwordBits("mQ7xT2vLp9") > passwordBits("mQ7xT2vLp"));
  ok(passwordBits("mQ7xT2".repeat(8)) < passwordBits("mQ7xT2") + 4);
});
