import assert from "node:assert/strict";
import { Bug, must, unreachable } from "./bug.ts";

Deno.test("must() returns the value and throws Bug when it is missing", () => {
  assert.equal(must(0, "number"), 0);
  assert.equal(must("", "text"), "");
  assert.throws(() => must(undefined, "peer"), new Bug("Missing peer"));
  assert.throws(() => must(null, "peer"), Bug);
});

Deno.test("unreachable() throws Bug with the value when a switch lets one through", () => {
  const value = { kind: "surprise", uid: 7n } as unknown as never;
  assert.throws(() => unreachable(value), new Bug('Unexpected {"kind":"surprise","uid":"7"}'));
});
