import { deepEqual, equal, match } from "node:assert/strict";
import { RefusedError } from "../container/mod.ts";
import { UsageError } from "./config/mod.ts";
import { controlApi, openApi, statusApi, statusOf } from "./http_api.ts";
import type { RouterCalls } from "./router_calls.ts";
import { joined } from "./status/example_test.ts";

/** A router that notes what it is asked. */
function fake(): { calls: unknown[][]; router: RouterCalls } {
  const calls: unknown[][] = [];
  const row = { id: "web", mac: "02:00:00:00:00:09", addresses: ["10.2.1.1/24"] };
  const router: RouterCalls = {
    containers: {
      attach: (...args) => {
        const { onNote, ...options } = args[2] ?? {};
        calls.push(["attach", args[0], args[1], options]);
        onNote?.("mind the gap");
        if (args[0] === "gone") {
          throw new RefusedError("no-such-container", "No such container: gone");
        }
        return Promise.resolve(row);
      },
      detach: (...args) => {
        calls.push(["detach", ...args]);
        return Promise.resolve([...args[1]]);
      },
      expose: (words) => Promise.resolve([...words]),
      hide: (words) => Promise.resolve([...words]),
      look: () => Promise.resolve({ ident: "web", fqdn: "web.weave.local", addresses: [] }),
      ps: (...args) => {
        calls.push(["ps", ...args]);
        return Promise.resolve([row]);
      },
    },
    ipam: undefined,
    names: undefined,
    dns: undefined,
    status: joined,
    connect: (...args) => {
      calls.push(["connect", ...args]);
      return Promise.resolve(args[0].filter((peer) => peer === "bad").map(() => "Cannot: bad"));
    },
    forget: (...args) => void calls.push(["forget", ...args]),
    requestStop: () => void calls.push(["stop"]),
  };
  return { calls, router };
}

function request(method: string, path: string, init: RequestInit = {}): Request {
  return new Request(`http://localhost${path}`, { method, ...init });
}

function json(path: string, body: unknown): Request {
  return request("POST", path, { body: JSON.stringify(body) });
}

const ROUTES: readonly [string, string, number][] = [
  ["GET", "/status", 200],
  ["GET", "/status/connections", 200],
  ["GET", "/status/peers", 200],
  ["GET", "/status/targets", 200],
  ["GET", "/status/dns", 200],
  ["GET", "/ip", 404],
  ["GET", "/name", 404],
  ["GET", "/report", 200],
  ["GET", "/report?format={{.Version}}", 200],
  ["GET", "/report?format={{.Nobody}}", 400],
  ["GET", "/report?format=a&format=b", 400],
  ["GET", "/metrics", 200],
  ["GET", "/ps", 200],
  ["POST", "/forget", 200],
  ["POST", "/connect", 200],
  ["POST", "/stop", 200],
  ["POST", "/attach", 400],
  ["GET", "/attach", 405],
  ["POST", "/status", 405],
  ["HEAD", "/status", 405],
  ["DELETE", "/status", 405],
  ["GET", "/status/", 404],
  ["GET", "//status", 301],
  ["GET", "/", 404],
  ["GET", "/nothing", 404],
];
for (const [method, path, status] of ROUTES) {
  Deno.test(`controlApi() answers ${status} to ${method} ${path}`, async () => {
    const handle = controlApi(fake().router, () => {});
    const response = await handle(request(method, path));
    equal(response.status, status);
    if (status === 405) equal(await response.text(), "");
    if (status === 404) equal(await response.text(), "404 page not found\n");
    if (status === 301) equal(response.headers.get("location"), "/status");
  });
}

Deno.test("statusApi() only reads", async () => {
  const { router, calls } = fake();
  const handle = statusApi(router, () => {});
  equal((await handle(request("GET", "/status"))).status, 200);
  for (const path of ["/stop", "/attach", "/connect", "/expose"]) {
    equal((await handle(request("POST", path))).status, 404);
  }
  deepEqual(calls, []);
});

Deno.test("controlApi() answers JSON when one of the accepted types is JSON", async () => {
  const handle = controlApi(fake().router, () => {});
  for (
    const [accept, type] of [
      ["application/json", "application/json"],
      ["text/html, application/json;q=0.9", "application/json"],
      ["application/json;q=0", "text/plain; charset=utf-8"],
      ["*/*", "text/plain; charset=utf-8"],
    ] as const
  ) {
    const response = await handle(request("GET", "/status", { headers: { accept } }));
    equal(response.headers.get("content-type"), type, accept);
    await response.body?.cancel();
  }
});

Deno.test("controlApi() passes a container, its addresses and options on", async () => {
  const { router, calls } = fake();
  const handle = controlApi(router, () => {});
  const body = { container: "web", addresses: ["10.2.1.1/24"], dockerHost: "unix:///d" };
  const response = await handle(json("/attach", { ...body, multicastRoute: false }));
  deepEqual(await response.json(), {
    id: "web",
    mac: "02:00:00:00:00:09",
    addresses: ["10.2.1.1/24"],
    notes: ["mind the gap"],
  });
  deepEqual(await (await handle(json("/detach", body))).json(), { addresses: ["10.2.1.1/24"] });
  const [attached, detached] = calls.map(([verb, container, words, options]) => {
    const { signal: _, ...rest } = options as { signal: AbortSignal };
    return [verb, container, words, rest];
  });
  const options = { dockerHost: "unix:///d", dns: undefined };
  deepEqual(attached, ["attach", "web", ["10.2.1.1/24"], { ...options, multicastRoute: false }]);
  deepEqual(detached, [
    "detach",
    "web",
    ["10.2.1.1/24"],
    { ...options, multicastRoute: undefined },
  ]);
});

Deno.test("controlApi() prints ps as text", async () => {
  const handle = controlApi(fake().router, () => {});
  equal(
    await (await handle(request("GET", "/ps?container=web"))).text(),
    "web 02:00:00:00:00:09 10.2.1.1/24\n",
  );
});

Deno.test("controlApi() takes peers from query and form", async () => {
  const { router, calls } = fake();
  const handle = controlApi(router, () => {});
  const form = new URLSearchParams([["peer", "b"], ["replace", "true"]]);
  await handle(request("POST", "/connect?peer=a", { body: form }));
  await handle(request("POST", "/forget", { body: new URLSearchParams([["peer", "a"]]) }));
  deepEqual(calls, [["connect", ["a", "b"], { replace: true }], ["forget", ["a"]]]);
});

Deno.test("controlApi() answers 400 with a line for each peer that does not resolve", async () => {
  const handle = controlApi(fake().router, () => {});
  const response = await handle(request("POST", "/connect?peer=good&peer=bad&peer=bad"));
  equal(response.status, 400);
  equal(await response.text(), "Cannot: bad\nCannot: bad\n");
});

Deno.test("controlApi() answers a refusal with its text", async () => {
  const handle = controlApi(fake().router, () => {});
  const response = await handle(json("/attach", { container: "gone", addresses: [] }));
  equal(response.status, 404);
  equal(await response.text(), "No such container: gone\n");
});

for (const body of ["", "[]", "null", '{"container":1,"addresses":[]}', '{"container":"c"}']) {
  Deno.test(`controlApi() answers 400 to ${JSON.stringify(body)}`, async () => {
    const handle = controlApi(fake().router, () => {});
    const response = await handle(request("POST", "/attach", { body }));
    equal(response.status, 400);
    match(await response.text(), /^Cannot read the request: .+\n$/);
  });
}

/** A router whose containers have no addresses, and what its names are told. */
function named(): { calls: unknown[][]; router: RouterCalls } {
  const { calls, router } = fake();
  const names: RouterCalls["names"] = {
    domain: "weave.local.",
    add: (...args) => void calls.push(["add", ...args]),
    remove: (filter) => calls.push(["remove", filter]),
    entries: () => [],
    lookup: { addressesOf: () => [], nameOf: () => undefined },
  };
  return { calls, router: { ...router, names } };
}

Deno.test("controlApi() refuses to name a container that has no address, with the remedy", async () => {
  const { calls, router } = named();
  const body = { container: "web", addresses: [], fqdn: "x.weave.local" };
  const response = await controlApi(router, () => {})(json("/dns/add", body));
  equal(response.status, 400);
  match(await response.text(), /^Cannot add a name: the container has no address.*attach it/);
  deepEqual(calls, []);
});

Deno.test("controlApi() removes all names of a container when no address is given", async () => {
  const { calls, router } = named();
  const handle = controlApi(router, () => {});
  await handle(json("/dns/remove", { container: "web", addresses: [] }));
  await handle(json("/dns/remove", { container: "web", addresses: ["192.0.2.1"], fqdn: "x" }));
  deepEqual(calls, [
    ["remove", { container: "web" }],
    ["remove", { container: "web", ip: 0xc000_0201, fqdn: "x" }],
  ]);
});

Deno.test("controlApi() tells of errors that are not the caller's, and answers 500", async () => {
  const { router } = fake();
  const heard: unknown[] = [];
  const broken = {
    ...router,
    status: () => {
      throw new Error("broken");
    },
  };
  const response = await controlApi(broken, (e) => heard.push(e))(request("GET", "/status"));
  equal(response.status, 500);
  equal(await response.text(), "broken\n");
  equal(heard.length, 1);
});

Deno.test("statusOf() tells whose fault an error is", () => {
  equal(statusOf(new UsageError("x")), 400);
  equal(statusOf(new RefusedError("address-in-use", "x")), 409);
  equal(statusOf(new RefusedError("bad-container", "x")), 400);
  equal(statusOf(new Error("x")), 500);
  equal(statusOf(new DOMException("gone", "AbortError")), 499);
  equal(statusOf(new DOMException("late", "TimeoutError")), 500);
});

for (
  const [method, path, headers, status] of [
    ["GET", "/status", {}, 200],
    ["POST", "/connect?peer=a", {}, 200],
    ["POST", "/attach", {}, 404],
    ["POST", "/stop", {}, 404],
    ["GET", "/ps", {}, 404],
    ["POST", "/connect?peer=a", { origin: "http://example.org" }, 403],
    ["GET", "/status", { "sec-fetch-site": "same-origin" }, 403],
  ] as const
) {
  const words = [method, path, ...Object.keys(headers)].join(" ");
  Deno.test(`openApi() answers ${status} to ${words}`, async () => {
    const { router } = fake();
    const response = await openApi(router, () => {})(request(method, path, { headers }));
    equal(response.status, status);
    await response.body?.cancel();
  });
}

Deno.test("openApi() answers 403 to who takes it for another site", async () => {
  for (
    const [host, status] of [["example.org:6784", 403], ["127.0.0.1:6784", 200], ["[::1]", 200]]
  ) {
    const asked = new Request(`http://${host}/status`);
    const response = await openApi(fake().router, () => {})(asked);
    equal(response.status, status);
    await response.body?.cancel();
  }
});
