import assert from "node:assert/strict";
import { EXPECTED } from "./layout_expected.ts";
import * as layout from "./layout.ts";

Deno.test("layout declares every struct as the C compiler does", () => {
  const declared: Record<string, Record<string, number>> = { ...layout };
  assert.deepEqual(Object.keys(declared).sort(), Object.keys(EXPECTED).sort());
  for (const [name, fields] of Object.entries(EXPECTED)) {
    // The one struct that differs between the two architectures.
    if (name === "EPOLL_EVENT" && Deno.build.arch !== "x86_64") continue;
    assert.deepEqual({ ...declared[name] }, fields, name);
  }
});
