import { deepEqual, equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { fromHex, WireError } from "../../base/mod.ts";
import { formatWeftMessage, parseWeftMessage, type WeftMessage } from "./weft_channel.ts";

const target = fc.record({
  text: fc.string({ unit: "grapheme", maxLength: 20 }),
  peer: fc.option(fc.integer({ min: 1, max: 2 ** 48 - 1 }), { nil: undefined }),
});
const told = fc.record({
  name: fc.nat(2 ** 48 - 1),
  serial: fc.nat(2 ** 48 - 1),
  role: fc.constantFrom(
    "founder" as const,
    "joiner" as const,
    "counter" as const,
    "observer" as const,
  ),
  targets: fc.array(target, { maxLength: 5 }),
});
const message = fc.oneof(
  fc.record({ kind: fc.constant("told" as const), told: fc.array(told, { maxLength: 4 }) }),
  fc.record({
    kind: fc.constantFrom(
      "ping" as const,
      "pong" as const,
      "bequest" as const,
      "confirmed" as const,
      "absent" as const,
    ),
    nonce: fc.nat(2 ** 32 - 1),
  }),
);

Deno.test("parseWeftMessage() gives back what formatWeftMessage() wrote", () => {
  fc.assert(fc.property(message, (each: WeftMessage) => {
    deepEqual(parseWeftMessage(formatWeftMessage(each)), each);
  }));
});

Deno.test("parseWeftMessage() gives a value or a WireError for any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    try {
      parseWeftMessage(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }));
});

Deno.test("parseWeftMessage() ignores kinds of later versions and refuses bytes behind the end", () => {
  equal(parseWeftMessage(fromHex("7f0102")), undefined);
  throws(() => parseWeftMessage(fromHex("020000000100")), WireError);
  throws(() => parseWeftMessage(new Uint8Array()), WireError);
});
