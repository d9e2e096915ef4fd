import assert from "node:assert/strict";
import { RefusedError } from "../refused.ts";
import {
  aliasOf,
  type ContainerRef,
  identOfAlias,
  labelOf,
  labelOfAlias,
  parseContainerRef,
  portNames,
} from "./ref.ts";

const ID = "4f5e6d7c".repeat(8);
const WEB: ContainerRef = { kind: "docker", id: ID, name: "web", pid: 4194304 };
const PROCESS: ContainerRef = { kind: "pid", pid: 7 };
const NAMED: ContainerRef = { kind: "netns", path: "/run/netns/a b" };

Deno.test("parseContainerRef() reads pid:N and netns:PATH and leaves names to an engine", () => {
  assert.deepEqual(parseContainerRef("pid:7"), PROCESS);
  assert.deepEqual(parseContainerRef("netns:/run/netns/a b"), NAMED);
  for (const name of ["web", "4f5e6d7c", "pid", "a:b", "netns"]) {
    assert.equal(parseContainerRef(name), undefined, name);
  }
});

Deno.test("parseContainerRef() refuses what cannot be a process or a path", () => {
  for (
    const text of ["pid:", "pid:0", "pid:-1", "pid:7x", "pid:1e3", "netns:", "netns:x", "netns:/"]
  ) {
    assert.throws(
      () => parseContainerRef(text),
      (error) =>
        error instanceof RefusedError && error.code === "bad-container" &&
        error.message.includes(`"${text}"`),
      text,
    );
  }
});

Deno.test("labelOf() is what ps shows and what messages call a container", () => {
  assert.deepEqual(labelOf(WEB), { id: "4f5e6d7c4f5e", name: "web" });
  assert.deepEqual(labelOf(PROCESS), { id: "pid:7", name: "pid:7" });
  assert.deepEqual(labelOf(NAMED), { id: "netns:/run/netns/a b", name: "netns:/run/netns/a b" });
});

Deno.test("labelOfAlias() reads what aliasOf() wrote", () => {
  for (const ref of [WEB, PROCESS, NAMED]) {
    assert.deepEqual(labelOfAlias(aliasOf(ref)), labelOf(ref));
  }
  const nameless = { ...WEB, name: "" };
  assert.equal(labelOfAlias(aliasOf(nameless))?.name, "4f5e6d7c4f5e");
});

Deno.test("labelOfAlias() returns undefined for an alias that is not ours", () => {
  for (const text of ["", "weft bridge", "uplink", "weft docker xyz web", "weft pid "]) {
    assert.equal(labelOfAlias(text), undefined, text);
  }
});

Deno.test("aliasOf() is empty when the kernel could not hold it", () => {
  assert.equal(aliasOf({ kind: "netns", path: `/${"é".repeat(130)}` }), "");
});

Deno.test("portNames() fit an interface name, and a process and a namespace never share one", () => {
  const inode = 4026532345n;
  assert.deepEqual(portNames(PROCESS, inode)[0], "vethwepl7");
  assert.deepEqual(portNames(WEB, inode)[0], "vethwepl4194304");
  assert.deepEqual(portNames(NAMED, inode), portNames(PROCESS, inode).slice(1));
  for (const name of [...portNames(WEB, 2n ** 64n - 1n), ...portNames(NAMED, 0n)]) {
    assert.ok(name.length <= 15, name);
    assert.match(name, /^vethwepl(n[0-9a-z]+|[0-9]+)$/);
  }
});

const IDENT = "0123456789abcdef".repeat(4);

Deno.test("identOfAlias() reads the ident that aliasOf() was given, and the id of an engine's container", () => {
  const refs: ContainerRef[] = [{ kind: "pid", pid: 7 }, { kind: "netns", path: "/run/netns/b" }];
  for (const ref of refs) {
    const alias = aliasOf(ref, IDENT);
    assert.equal(identOfAlias(alias), IDENT);
    assert.deepEqual(labelOfAlias(alias), labelOf(ref));
    assert.equal(identOfAlias(aliasOf(ref)), undefined);
  }
  assert.equal(identOfAlias(`weft docker ${IDENT} web`), IDENT);
  assert.equal(identOfAlias(`weft docker ${IDENT.slice(0, 12)} web`), undefined);
});

Deno.test("aliasOf() keeps the ident when the name is too long", () => {
  const alias = aliasOf({ kind: "netns", path: `/${"x".repeat(250)}` }, IDENT);
  assert.equal(identOfAlias(alias), IDENT);
  assert.equal(labelOfAlias(alias), undefined);
});

Deno.test("aliasOf() keeps the id of an engine's container when its name is too long", () => {
  const ref: ContainerRef = { kind: "docker", id: IDENT, name: "x".repeat(200), pid: 7 };
  const alias = aliasOf(ref, IDENT);
  assert.equal(identOfAlias(alias), IDENT);
  assert.deepEqual(labelOfAlias(alias), { id: IDENT.slice(0, 12), name: IDENT.slice(0, 12) });
});
