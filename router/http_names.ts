/**
 * Calls about names, in the forms of Weave Net (spec/dns.md 11). Without a name service they do not exist.
 *
 * @module
 */

import { formatIpv4, parseIpv4 } from "../base/mod.ts";
import { UsageError } from "./config/mod.ts";
import { lifeOf } from "./http_alive.ts";
import { formBody, jsonAnswer, type Route, textAnswer, wantsJson } from "./http_routes.ts";
import type { NamePart } from "./parts.ts";
import type { RouterCalls } from "./router_calls.ts";

/** Returns the routes; none if there are no names. */
export function nameRoutes(router: RouterCalls): Route[] {
  const { names } = router;
  if (names === undefined) return [];
  return [
    { method: "GET", path: "/domain", call: () => textAnswer(names.domain) },
    { method: "GET", path: "/dns-address", call: () => textAnswer(address(router)) },
    {
      method: "GET",
      path: "/dns-address-port",
      call: () => textAnswer(`${address(router)}:${router.dns?.port}`),
    },
    {
      method: "GET",
      path: "/dns/lookup/{name}",
      call: ({ parameters: [name = ""] }) => lookUp(names, name),
    },
    ...entryRoutes(router, names),
  ];
}

function entryRoutes(router: RouterCalls, names: NamePart): Route[] {
  const remove = (
    params: URLSearchParams,
    { container, ip }: { container?: string; ip?: string },
  ): Response => {
    const fqdn = params.get("fqdn") ?? undefined;
    names.remove({
      ...(container === undefined || container === "*" ? {} : { container }),
      ...(ip === undefined ? {} : { ip: parseIpv4(ip) }),
      ...(fqdn === undefined ? {} : { fqdn }),
      all: params.get("all") === "true",
    });
    return new Response(null, { status: 204 });
  };
  return [
    {
      method: "PUT",
      path: "/name/{container}/{ip}",
      call: async (asked) => {
        const [container = "", ip = ""] = asked.parameters;
        const address = parseIpv4(ip);
        const parameters = await formBody(asked);
        const fqdn = parameters.get("fqdn") ?? "";
        if (fqdn === "") throw new UsageError("Cannot add a name: give it as fqdn");
        names.add(fqdn, container, address);
        // Asked before, it might end in between, and its name stay.
        if (
          parameters.get("check-alive") === "true" && await lifeOf(router, container) === "ended"
        ) {
          names.remove({ container, ip: address, fqdn });
        }
        return new Response(null, { status: 204 });
      },
    },
    {
      method: "DELETE",
      path: "/name/{container}/{ip}",
      call: ({ url, parameters: [container = "", ip = ""] }) =>
        remove(url.searchParams, { container, ip }),
    },
    {
      method: "DELETE",
      path: "/name/{container}",
      call: ({ url, parameters: [container = ""] }) => remove(url.searchParams, { container }),
    },
    { method: "DELETE", path: "/name", call: ({ url }) => remove(url.searchParams, {}) },
    {
      method: "GET",
      path: "/name",
      call: ({ request }) =>
        wantsJson(request) ? jsonAnswer(entriesJson(names)) : new Response(null, { status: 405 }),
    },
  ];
}

function address({ dns }: RouterCalls): string {
  if (dns?.address !== undefined) return dns.address;
  throw new UsageError(
    "Cannot tell where names are answered: there is no address yet; expose one, or launch with --dns-listen-address",
  );
}

/** A name with one label is one of our domain, as it is for containers. */
function lookUp(names: NamePart, name: string): Response {
  const bare = name.toLowerCase().replace(/\.$/, "");
  const full = bare.includes(".") ? `${bare}.` : `${bare}.${names.domain}`;
  const ips = names.lookup.addressesOf(full).map(({ ip }) => formatIpv4(ip));
  return jsonAnswer({ name: full, addresses: [...new Set(ips)] });
}

function entriesJson(names: NamePart): unknown[] | null {
  const entries = names.entries().map((entry) => ({
    ContainerID: entry.container,
    Origin: entry.origin,
    Addr: formatIpv4(entry.ip),
    Hostname: entry.hostname,
    Version: entry.version,
    Tombstone: entry.tombstone,
  }));
  return entries.length === 0 ? null : entries;
}
