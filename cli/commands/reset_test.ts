import { match } from "node:assert/strict";
import { fateOf } from "./reset.ts";

Deno.test("fateOf() says who has our addresses, who may have them, or that nobody has", () => {
  match(fateOf({ heir: "host2", confirmed: true }), /^Our addresses went to host2$/);
  match(fateOf({ heir: "host2", confirmed: false }), /host2, which has not confirmed it.*rmpeer/);
  match(fateOf({ heir: null, confirmed: false }), /no other peer took our addresses.*rmpeer/);
});
