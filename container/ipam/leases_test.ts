import { deepEqual, equal } from "node:assert/strict";
import { parseCidr } from "../../base/mod.ts";
import { DEAD_MS, Leases } from "./leases.ts";
import { rangeOf } from "./range.ts";

const ONE = parseCidr("10.32.0.1/12");
const TWO = parseCidr("10.40.0.2/16");

Deno.test("Leases.of() gives the addresses of an ident in their order, all or those in a range", () => {
  const leases = new Leases();
  leases.give("c", ONE, false);
  leases.give("c", TWO, false);
  deepEqual(leases.of("c").map(({ cidr }) => cidr), [ONE, TWO]);
  deepEqual(leases.of("c", rangeOf(TWO)).map(({ cidr }) => cidr), [TWO]);
  deepEqual(leases.of("d"), []);
});

Deno.test("Leases.give() notes an unknown holder under the address", () => {
  const leases = new Leases();
  equal(leases.give("_", ONE, false).ident, "10.32.0.1");
  equal(leases.at(ONE.address)?.ident, "10.32.0.1");
});

Deno.test("Leases.free() frees only what that ident holds", () => {
  const leases = new Leases();
  leases.give("c", ONE, false);
  equal(leases.free("d", ONE.address), false);
  equal(leases.free("c", ONE.address), true);
  equal(leases.at(ONE.address), undefined);
  equal(leases.size, 0);
});

Deno.test("Leases.overdue() names containers that died 30 s ago and were not started again", () => {
  const leases = new Leases();
  leases.give("c", ONE, true);
  leases.give("d", TWO, true);
  leases.died("c", 0);
  leases.died("d", 0);
  leases.lives("d");
  equal(leases.deadline(), DEAD_MS);
  deepEqual(leases.overdue(DEAD_MS - 1), []);
  deepEqual(leases.overdue(DEAD_MS), ["c"]);
});

Deno.test("Leases.died() means nothing to those that are no containers", () => {
  const leases = new Leases();
  leases.give("c", ONE, false);
  leases.died("c", 0);
  deepEqual(leases.overdue(DEAD_MS), []);
});

Deno.test("Leases.takeChanges() gives what changed since the last call, and no more than the outcome", () => {
  const leases = new Leases([{ ident: "old", cidr: TWO, isContainer: false }]);
  leases.free("old", TWO.address);
  leases.give("new", TWO, false);
  leases.give("c", ONE, false);
  leases.free("c", ONE.address);
  const { given, freed } = leases.takeChanges();
  deepEqual(given, [{ ident: "new", cidr: TWO, isContainer: false }]);
  deepEqual(freed.map(({ ident }) => ident), ["old", "c"]);
  deepEqual(leases.takeChanges(), { given: [], freed: [] });
});
