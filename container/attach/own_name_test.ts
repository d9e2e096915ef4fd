import { equal } from "node:assert/strict";
import { fullName, namespaceName } from "./own_name.ts";

for (
  const [path, name] of [
    ["/run/netns/blue", "blue"],
    ["/var/run/netns/blue", "blue"],
    ["/proc/7/ns/net", undefined],
    ["/run/docker/netns/1234", undefined],
    ["/run/netns/a/b", undefined],
  ] as const
) {
  Deno.test(`namespaceName() makes ${name} of ${path}`, () => {
    equal(namespaceName(path), name);
  });
}

for (
  const [name, full] of [
    ["db", "db.weave.local."],
    ["db.weave.local", "db.weave.local"],
    ["db.example.org.", "db.example.org"],
    ["4f5e6d7c4f5e", undefined],
    ["localhost", undefined],
    ["(none)", undefined],
    ["", undefined],
  ] as const
) {
  Deno.test(`fullName() makes ${full} of "${name}"`, () => {
    equal(fullName(name, "weave.local."), full);
  });
}
