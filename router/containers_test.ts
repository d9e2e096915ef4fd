import { deepEqual, rejects } from "node:assert/strict";
import { Containers } from "./containers_shell.ts";
import type { Leases } from "./leases_shell.ts";

Deno.test("attach() does one thing at a time for a container, whatever it is called", async () => {
  const order: string[] = [];
  const leases = {
    parse: () => [],
    take: async () => {
      order.push("begins");
      await new Promise((resolve) =>
        queueMicrotask(() => queueMicrotask(() => resolve(undefined)))
      );
      order.push("fails");
      throw new Error("Cannot take it");
    },
  } as unknown as Leases;
  const containers = new Containers({ bridge: "weft", leases, identOf: () => "one" });
  const attaching = ["pid:7", "netns:/run/netns/x"].map((name) => containers.attach(name, []));
  await Promise.all(attaching.map((each) => rejects(each, /Cannot take it/)));
  deepEqual(order, ["begins", "fails", "begins", "fails"]);
});
