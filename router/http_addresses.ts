/**
 * Calls about addresses, in the forms of Weave Net (spec/ipam.md 18), and what it has not: explain and repair.
 *
 * Without an allocator they do not exist: clients read 404 as "off". A call that waits ends when its client goes.
 *
 * @module
 */

import { type Cidr, formatCidr, parseCidr, parseIpv4 } from "../base/mod.ts";
import { EXPOSE_ID, RefusedError } from "../container/mod.ts";
import type { OpOptions } from "../container/ipam/mod.ts";
import { parseSubnet, UsageError } from "./config/mod.ts";
import { lifeOf } from "./http_alive.ts";
import {
  type Asked,
  formBody,
  jsonAnswer,
  jsonBody,
  type Route,
  textAnswer,
  wantsJson,
} from "./http_routes.ts";
import type { AllocatorCalls, RouterCalls } from "./router_calls.ts";

/** A holder in one subnet, or one address of it. */
const IN_SUBNET = "/ip/{id}/{ip}/{length}";

/** Returns the routes; none if there is no allocator. */
export function addressRoutes(router: RouterCalls): Route[] {
  const exposing: Route = {
    method: "POST",
    path: "/expose/{ip}/{length}",
    call: async (asked) => {
      const [ip, length] = asked.parameters;
      // No NAT rules are made, so that there are none to skip; a bad value exposes nothing.
      truth("skipNAT", (await parametersOf(asked)).get("skipNAT"));
      // Whoever calls it has claimed the address before, for us.
      await router.containers.expose([`${ip}/${length}`]);
      return new Response(null, { status: 204 });
    },
  };
  const { ipam } = router;
  return [
    exposing,
    ...(ipam === undefined ? [] : [...holderRoutes(router, ipam), ...ringRoutes(ipam)]),
  ];
}

function holderRoutes(router: RouterCalls, ipam: AllocatorCalls): Route[] {
  const allocate = async (asked: Asked, subnet: Cidr): Promise<Response> => {
    const [id = ""] = asked.parameters;
    return textAnswer(formatCidr(await ipam.allocate(id, subnet, await options(router, asked))));
  };
  return [
    {
      method: "GET",
      path: "/ipinfo/defaultsubnet",
      call: () => textAnswer(formatCidr(ipam.defaultSubnet)),
    },
    { method: "GET", path: "/ipinfo/tracker", call: () => textAnswer("\n") },
    { method: "GET", path: "/ip", call: () => jsonAnswer({ owned: ownedJson(ipam) }) },
    {
      method: "GET",
      path: "/ip/{id}",
      call: ({ parameters: [id = ""] }) => heldAnswer(ipam, id, ipam.defaultSubnet),
    },
    {
      method: "GET",
      path: IN_SUBNET,
      call: ({ parameters: [id = "", ip, length] }) => heldAnswer(ipam, id, subnetOf(ip, length)),
    },
    { method: "POST", path: "/ip/{id}", call: (asked) => allocate(asked, ipam.defaultSubnet) },
    {
      method: "POST",
      path: IN_SUBNET,
      call: (asked) => allocate(asked, subnetOf(asked.parameters[1], asked.parameters[2])),
    },
    {
      method: "PUT",
      path: IN_SUBNET,
      call: async (asked) => {
        const [id = "", ip, length] = asked.parameters;
        const detached = (await parametersOf(asked)).get("noErrorOnUnknown") === "true";
        const how = await options(router, asked);
        await ipam.claim(id, parseCidr(`${ip}/${length}`), { ...how, detached });
        return new Response(null, { status: 204 });
      },
    },
    {
      method: "DELETE",
      path: "/ip/{id}",
      call: async ({ parameters: [id = ""] }) => {
        await ipam.freeAll(id);
        return new Response(null, { status: 204 });
      },
    },
    {
      method: "DELETE",
      path: "/ip/{id}/{ip}",
      call: async ({ parameters: [id = "", ip = ""] }) => {
        await ipam.free(id, parseIpv4(ip));
        return new Response(null, { status: 204 });
      },
    },
  ];
}

function ringRoutes(ipam: AllocatorCalls): Route[] {
  return [
    {
      method: "GET",
      path: "/ring",
      call: async ({ request: { signal }, url }) => {
        await ipam.prime({ without: url.searchParams.getAll("without"), signal });
        return textAnswer("");
      },
    },
    {
      method: "DELETE",
      path: "/peer",
      call: async ({ request }) => {
        const { heir = null, confirmed } = await ipam.handOver();
        if (wantsJson(request)) return jsonAnswer({ heir, confirmed });
        return new Response(null, { status: 204 });
      },
    },
    {
      method: "DELETE",
      path: "/peer/{peer}",
      call: async ({ request, url, parameters: [peer = ""] }) => {
        const force = url.searchParams.get("force") === "true";
        const took = await ipam.takeOver(peer, { force });
        return wantsJson(request)
          ? jsonAnswer(took)
          : textAnswer(`${took.addresses} IPs taken over from ${peer}\n`);
      },
    },
    {
      method: "GET",
      path: "/ipam/explain",
      call: ({ request }) => {
        const explanation = ipam.explain();
        return wantsJson(request)
          ? jsonAnswer(explanation)
          : textAnswer(explanation.lines.map((line) => `${line}\n`).join(""));
      },
    },
    {
      method: "POST",
      path: "/ipam/repair",
      call: async ({ request }) => {
        const choice = (await jsonBody(request))["choice"];
        if (typeof choice !== "string") {
          throw new UsageError('Cannot read the request: "choice" must be a string');
        }
        return jsonAnswer({ text: await ipam.repair(choice) });
      },
    },
  ];
}

/** With `check-alive` the holder is a container, which has to run. */
async function options(router: RouterCalls, asked: Asked): Promise<OpOptions> {
  const [id = ""] = asked.parameters;
  const parameters = await parametersOf(asked);
  const asks = parameters.get("check-alive") === "true" && id !== EXPOSE_ID;
  const life = asks ? await lifeOf(router, id) : "unknown";
  if (life === "ended") throw new RefusedError("cancelled", `Cancelled: "${id}" is not running`);
  const seconds = parameters.get("wait");
  if (seconds !== null && !/^[0-9]{1,6}$/.test(seconds)) {
    throw new UsageError(`Cannot wait ${JSON.stringify(seconds)}: expected whole seconds`);
  }
  const { signal } = asked.request;
  return {
    isContainer: life === "runs",
    signal,
    ...(seconds === null ? {} : { waitMs: 1000 * Number(seconds) }),
  };
}

/** A body can be read once. */
const read = new WeakMap<Asked, Promise<URLSearchParams>>();

function parametersOf(asked: Asked): Promise<URLSearchParams> {
  const known = read.get(asked) ?? formBody(asked);
  read.set(asked, known);
  return known;
}

/** @throws {UsageError} if it is none of the spellings that Weave Net takes */
function truth(name: string, value: string | null): boolean {
  if (value === null || /^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  throw new UsageError(`Cannot use ${name}=${JSON.stringify(value)}: expected true or false`);
}

function subnetOf(ip = "", length = ""): Cidr {
  try {
    return parseSubnet(`${ip}/${length}`);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`Cannot use the subnet ${ip}/${length}: expected ${error.message}`);
  }
}

function heldAnswer(ipam: AllocatorCalls, id: string, subnet: Cidr): Response {
  return textAnswer(ipam.lookup(id, subnet).map(formatCidr).join(" "));
}

function ownedJson(ipam: AllocatorCalls): unknown[] | null {
  const owned = ipam.owned().map(({ ident, cidrs }) => ({
    containerid: ident,
    addrs: cidrs.map(formatCidr),
  }));
  return owned.length === 0 ? null : owned;
}
