import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { passwordWarnings } from "../../router/config/mod.ts";
import { fakeIo } from "../fake_io_test.ts";
import { main } from "../main.ts";
import { passwordOf } from "./keygen.ts";

const FORM = /^[0-9a-z]{7}(-[0-9a-z]{7}){3}\n$/;

Deno.test("main() prints another strong password at each keygen, on one line", async () => {
  const [first, second] = [fakeIo(), fakeIo()];
  equal(await main(["keygen"], first.io), 0);
  equal(await main(["keygen"], second.io), 0);
  match(first.out(), FORM);
  notEqual(first.out(), second.out());
  deepEqual(passwordWarnings([first.out().trim(), second.out().trim()]), []);
  deepEqual(first.calls, []);
});

Deno.test("main() prints the password as JSON when it is asked for", async () => {
  const { io, out } = fakeIo();
  equal(await main(["keygen", "--json"], io), 0);
  match(`${JSON.parse(out()).password}\n`, FORM);
});

Deno.test("passwordOf() takes five bits of each byte", () => {
  equal(passwordOf(new Uint8Array(8)), "0000000-0");
  equal(passwordOf(Uint8Array.of(31, 32, 255)), "z0z");
});
