import { deepEqual, equal, match } from "node:assert/strict";
import { parseCidr, parseIpv4 } from "../base/mod.ts";
import { RefusedError } from "../container/mod.ts";
import { controlApi } from "./http_api.ts";
import type { AllocatorCalls, RouterCalls } from "./router_calls.ts";
import { snapshot } from "./status/example_test.ts";

const HELD = parseCidr("10.32.0.5/12");

/** A router that notes what allocator and names are asked. */
function fake(): { calls: unknown[][]; handle: (request: Request) => Promise<Response> } {
  const calls: unknown[][] = [];
  const note = (...call: unknown[]): void => void calls.push(call);
  const ipam: AllocatorCalls = {
    range: parseCidr("10.32.0.0/12"),
    defaultSubnet: parseCidr("10.32.0.0/12"),
    allocate: (ident, subnet, { isContainer, waitMs }) => {
      note("allocate", ident, subnet, isContainer, waitMs);
      return Promise.resolve(HELD);
    },
    claim: (ident, cidr, { detached }) => {
      note("claim", ident, cidr, detached);
      return Promise.resolve();
    },
    lookup: (ident) => ident === "c:1" ? [HELD] : [],
    owned: () => [{ ident: "c:1", isContainer: true, cidrs: [HELD] }],
    free: (ident, ip) => {
      note("free", ident, ip);
      return Promise.resolve();
    },
    freeAll: () => Promise.reject(new RefusedError("not-held", "Cannot free: nothing held")),
    died: () => {},
    started: () => {},
    destroyed: () => {},
    prime: ({ without }) => {
      note("prime", without);
      return Promise.resolve();
    },
    takeOver: (peer, { force }) => {
      note("takeOver", peer, force);
      return Promise.resolve({ peer, addresses: 4 });
    },
    handOver: () => Promise.resolve({ heir: "host2", confirmed: true }),
    explain: () => ({ lines: ["one", "two"], conflicts: [] }),
    repair: (choice) => Promise.resolve(`took ${choice}`),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const names: RouterCalls["names"] = {
    domain: "weave.local.",
    add: (...args) => note("add", ...args),
    remove: (filter) => {
      note("remove", filter);
      return 1;
    },
    entries: () => [],
    lookup: {
      addressesOf: (name) =>
        name === "web.weave.local." ? [{ ip: HELD.address, reachable: true }] : [],
      nameOf: () => undefined,
    },
  };
  const refuse = (): never => {
    throw new RefusedError("no-engine", "Cannot find it: no engine");
  };
  const router: RouterCalls = {
    containers: {
      attach: refuse,
      detach: refuse,
      expose: (words) => {
        note("expose", words);
        return Promise.resolve([...words]);
      },
      hide: refuse,
      ps: refuse,
      look: (id) =>
        Promise.reject(
          id === "ended"
            ? new RefusedError("not-running", "Cannot reach it: not running")
            : new RefusedError("no-engine", "Cannot find it: no engine"),
        ),
    },
    ipam,
    names,
    dns: { address: "172.17.0.1", port: 53 },
    status: snapshot,
    connect: () => Promise.resolve([]),
    forget: () => {},
    requestStop: () => {},
  };
  return { calls, handle: controlApi(router, () => {}) };
}

const CASES: readonly [string, string, number, string, unknown[]?][] = [
  ["GET", "/ipinfo/defaultsubnet", 200, "10.32.0.0/12"],
  ["GET", "/ip", 200, '{"owned":[{"containerid":"c:1","addrs":["10.32.0.5/12"]}]}\n'],
  ["GET", "/ip/c%3A1", 200, "10.32.0.5/12"],
  ["GET", "/ip/nobody", 200, ""],
  ["GET", "/ip/c%3A1/10.32.0.0/24", 200, "10.32.0.5/12"],
  ["GET", "/ip/c%3A1/10.32.0.1/24", 400, "bits after network prefix"],
  ["POST", "/ip/x", 200, "10.32.0.5/12", [
    "allocate",
    "x",
    parseCidr("10.32.0.0/12"),
    false,
    undefined,
  ]],
  ["POST", "/ip/x?check-alive=true&wait=2", 200, "10.32.0.5/12", [
    "allocate",
    "x",
    parseCidr("10.32.0.0/12"),
    false,
    2000,
  ]],
  ["POST", "/ip/ended?check-alive=true", 499, "not running"],
  ["POST", "/ip/x?wait=long", 400, "whole seconds"],
  ["PUT", "/ip/x/10.32.0.9/12?noErrorOnUnknown=true", 204, "", [
    "claim",
    "x",
    parseCidr("10.32.0.9/12"),
    true,
  ]],
  ["PUT", "/ip/x/10.32.0.999/12", 400, "Cannot"],
  ["DELETE", "/ip/x/10.32.0.9", 204, "", ["free", "x", parseIpv4("10.32.0.9")]],
  ["DELETE", "/ip/x", 400, "nothing held\n"],
  ["GET", "/ring?without=a&without=b", 200, "", ["prime", ["a", "b"]]],
  ["DELETE", "/peer", 204, ""],
  ["DELETE", "/peer/host9?force=true", 200, "4 IPs taken over from host9\n", [
    "takeOver",
    "host9",
    true,
  ]],
  ["GET", "/ipam/explain", 200, "one\ntwo\n"],
  ["POST", "/expose/10.32.0.9/12", 204, "", ["expose", ["10.32.0.9/12"]]],
  ["POST", "/expose/10.32.0.9/12?skipNAT=true", 204, "", ["expose", ["10.32.0.9/12"]]],
  ["POST", "/expose/10.32.0.9/12?skipNAT=maybe", 400, "Cannot use skipNAT"],
  ["GET", "/domain", 200, "weave.local."],
  ["GET", "/dns-address", 200, "172.17.0.1"],
  ["GET", "/dns-address-port", 200, "172.17.0.1:53"],
  ["PUT", "/name/c/10.32.0.9?fqdn=web.weave.local", 204, "", [
    "add",
    "web.weave.local",
    "c",
    parseIpv4("10.32.0.9"),
  ]],
  ["PUT", "/name/c/10.32.0.9", 400, "fqdn"],
  ["PUT", "/name/c/here?fqdn=web", 400, "Cannot"],
  ["DELETE", "/name/*/10.32.0.9?fqdn=web", 204, "", [
    "remove",
    { ip: parseIpv4("10.32.0.9"), fqdn: "web", all: false },
  ]],
  ["DELETE", "/name/c", 204, "", ["remove", { container: "c", all: false }]],
  ["DELETE", "/name?all=true", 204, "", ["remove", { all: true }]],
  ["GET", "/name", 405, ""],
  ["GET", "/dns/lookup/WEB", 200, '{"name":"web.weave.local.","addresses":["10.32.0.5"]}\n'],
];
for (const [method, path, status, text, call] of CASES) {
  Deno.test(`controlApi() answers ${status} to ${method} ${path} with an allocator`, async () => {
    const { calls, handle } = fake();
    const response = await handle(new Request(`http://localhost${path}`, { method }));
    const body = await response.text();
    equal(response.status, status, body);
    if (status === 200 || text === "") equal(body, text);
    else match(body, new RegExp(text));
    deepEqual(calls, call === undefined ? [] : [call]);
  });
}

Deno.test("controlApi() takes parameters of a claim and of a name from the form as well", async () => {
  const { calls, handle } = fake();
  const put = (path: string, form: Record<string, string>): Promise<Response> =>
    handle(
      new Request(`http://localhost${path}`, { method: "PUT", body: new URLSearchParams(form) }),
    );
  equal((await put("/ip/x/10.32.0.9/12", { noErrorOnUnknown: "true" })).status, 204);
  equal((await put("/name/c/10.32.0.9", { fqdn: "web.weave.local" })).status, 204);
  deepEqual(calls.map(([verb]) => verb), ["claim", "add"]);
  equal(calls[0]?.[3], true);
});

Deno.test("controlApi() takes a name back when its container was to run and does not", async () => {
  for (const [id, verbs] of [["ended", ["add", "remove"]], ["c", ["add"]]] as const) {
    const { calls, handle } = fake();
    const path = `/name/${id}/10.32.0.9?fqdn=web.weave.local&check-alive=true`;
    equal((await handle(new Request(`http://localhost${path}`, { method: "PUT" }))).status, 204);
    deepEqual(calls.map(([verb]) => verb), verbs);
  }
});
