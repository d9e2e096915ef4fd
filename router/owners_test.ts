import { equal, match } from "node:assert/strict";
import { parseCidr } from "../base/mod.ts";
import { RefusedError } from "../container/mod.ts";
import { takenElsewhere, withOwners } from "./owners.ts";

const IDENT = "4f5e6d7c".repeat(8);
const OWNED = new RefusedError("address-in-use", `Cannot claim 192.0.2.7: owned by "${IDENT}"`);

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}

Deno.test("withOwners() puts the name of a container in the place of its ident", () => {
  const named = withOwners(OWNED, () => [{ ident: IDENT, name: "netns:/run/netns/web" }]);
  equal(textOf(named), 'Cannot claim 192.0.2.7: owned by "netns:/run/netns/web"');
});

Deno.test("withOwners() leaves alone what it knows no better", () => {
  const other = new RefusedError("no-space", `"${IDENT}"`);
  for (const error of [other, new RefusedError("address-in-use", "x"), new TypeError("x")]) {
    equal(withOwners(error, () => [{ ident: IDENT, name: "web" }]), error);
  }
});

Deno.test("withOwners() says that who is not attached may have died", () => {
  match(
    textOf(withOwners(OWNED, () => [])),
    /^Cannot claim 192\.0\.2\.7: owned by "4f5e6d7c4f5e", which is not attached; .*30 s$/,
  );
});

Deno.test("takenElsewhere() names the owner by what is registered for the address", () => {
  const cidr = parseCidr("192.0.2.7/24");
  const entry = {
    hostname: "old.weave.local.",
    container: "c",
    origin: 2,
    ip: cidr.address,
    version: 1,
    tombstone: 7,
  };
  const now = { ...entry, hostname: "web.weave.local.", tombstone: 0 };
  match(
    takenElsewhere("attach", cidr, [entry, now]).message,
    /^Cannot attach 192\.0\.2\.7\/24: already owned by "web\.weave\.local" on another host; /,
  );
  match(takenElsewhere("expose", cidr, [entry]).message, /by a container of another host; detach/);
});
