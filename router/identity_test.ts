import { equal, match } from "node:assert/strict";
import { chooseName, type MachineIdentity } from "./identity.ts";

const HERE: MachineIdentity = { machineId: "here", productUuid: undefined };
const RANDOM = Uint8Array.of(0xff, 1, 2, 3, 4, 5);

Deno.test("chooseName() makes a locally administered unicast name when there is none", () => {
  equal(chooseName(undefined, undefined, HERE, RANDOM).name, 0xfe01_0203_0405);
  equal(chooseName(undefined, undefined, HERE, new Uint8Array(6)).name, 0x0200_0000_0000);
});

Deno.test("chooseName() keeps the stored name on the same machine, or on one it knows nothing of", () => {
  equal(chooseName(undefined, { name: 6, ...HERE }, HERE, RANDOM).name, 6);
  const unknown = { machineId: undefined, productUuid: undefined };
  equal(chooseName(undefined, { name: 6, ...HERE }, unknown, RANDOM).name, 6);
  equal(chooseName(undefined, { name: 6, ...unknown }, HERE, RANDOM).name, 6);
});

Deno.test("chooseName() makes a new name and warns when the machine is another one", () => {
  const stored = { name: 0x0200_0000_0006, ...HERE };
  const { name, warning } = chooseName(undefined, stored, { ...HERE, machineId: "there" }, RANDOM);
  equal(name, 0xfe01_0203_0405);
  match(warning ?? "", /02:00:00:00:00:06.*fe:01:02:03:04:05/);
  const clone = { ...HERE, productUuid: "b" };
  equal(chooseName(undefined, { ...stored, productUuid: "a" }, clone, RANDOM).name, name);
});

Deno.test("chooseName() takes the name that is asked for before all others", () => {
  equal(chooseName(8, { name: 6, ...HERE }, { ...HERE, machineId: "there" }, RANDOM).name, 8);
});
