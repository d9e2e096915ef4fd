/**
 * Calls about containers and the host's own addresses: JSON in and out.
 *
 * @module
 */

import { parseIpv4 } from "../base/mod.ts";
import { EXTERN_ID } from "../container/dns/mod.ts";
import { UsageError } from "./config/mod.ts";
import { type ContainerOptions, noNames, psText } from "./containers_shell.ts";
import {
  type Asked,
  jsonAnswer,
  jsonBody,
  type Route,
  strings,
  textAnswer,
  wantsJson,
} from "./http_routes.ts";
import type { RouterCalls } from "./router_calls.ts";

/** Nobody registers a name anew after a restart. */
const KEEP = { keep: true };
const NO_ADDRESS = "Cannot add a name: the container has no address on the network; " +
  "attach it first, or give an address";

/** Returns the routes. */
export function containerRoutes(router: RouterCalls): Route[] {
  const { containers } = router;
  const post = (path: string, call: Route["call"]): Route => ({ method: "POST", path, call });
  return [
    {
      method: "GET",
      path: "/ps",
      call: async ({ request, url }) => {
        const dockerHost = url.searchParams.get("dockerHost") ?? undefined;
        const rows = await containers.ps(url.searchParams.getAll("container"), { dockerHost });
        return wantsJson(request) ? jsonAnswer(rows) : textAnswer(psText(rows));
      },
    },
    post("/attach", async (asked) => {
      const { container, addresses, ...options } = await containerRequest(asked);
      const { notes, onNote } = notebook();
      const row = await containers.attach(container, addresses, { ...options, onNote });
      return jsonAnswer({ ...row, notes });
    }),
    post("/detach", async (asked) => {
      const { container, addresses, ...options } = await containerRequest(asked);
      return jsonAnswer({ addresses: await containers.detach(container, addresses, options) });
    }),
    post("/expose", async (asked) => {
      const body = await jsonBody(asked.request);
      const { notes, onNote } = notebook();
      const addresses = await containers.expose(strings(body["addresses"], "addresses"), {
        ...waiting(body, asked),
        fqdn: text(body["fqdn"]),
        onNote,
      });
      return jsonAnswer({ addresses, notes });
    }),
    post("/hide", async ({ request }) => {
      const words = strings((await jsonBody(request))["addresses"], "addresses");
      return jsonAnswer({ addresses: await containers.hide(words) });
    }),
    post("/dns/add", async (asked) => {
      const names = router.names;
      if (names === undefined) throw noNames("add a name");
      const { holder, addresses, fqdn } = await nameRequest(router, asked);
      if (fqdn === undefined) throw new UsageError("Cannot add a name: give one with -h");
      if (addresses.length === 0) throw new UsageError(NO_ADDRESS);
      for (const ip of addresses) names.add(fqdn, holder, ip, KEEP);
      return jsonAnswer({ added: addresses.length });
    }),
    post("/dns/remove", async (asked) => {
      const names = router.names;
      if (names === undefined) throw noNames("remove a name");
      const { holder: container, listed, given } = await nameRequest(router, asked);
      const name = given === undefined ? {} : { fqdn: given };
      // Without an address all are meant, also those that the container has no more.
      const ips = listed.length === 0 ? [{}] : listed.map((ip) => ({ ip }));
      const removed = ips.map((ip) => names.remove({ container, ...ip, ...name }));
      return jsonAnswer({ removed: removed.reduce((sum, count) => sum + count, 0) });
    }),
  ];
}

interface NameRequest {
  readonly holder: string;
  /** Those that were given, else all that the container has. */
  readonly addresses: readonly number[];
  /** Those that were given. */
  readonly listed: readonly number[];
  /** The name that was given, else the container's own. */
  readonly fqdn: string | undefined;
  readonly given: string | undefined;
}

async function nameRequest(router: RouterCalls, { request }: Asked): Promise<NameRequest> {
  const body = await jsonBody(request);
  const given = text(body["fqdn"]);
  const listed = strings(body["addresses"], "addresses").map(parseIpv4);
  const container = text(body["container"]);
  if (container === undefined) {
    if (listed.length > 0) {
      return { holder: EXTERN_ID, addresses: listed, listed, fqdn: given, given };
    }
    throw new UsageError("Cannot find the name's addresses: name a container or an address");
  }
  const found = await router.containers.look(container, { dockerHost: text(body["dockerHost"]) });
  const all = found.addresses.map(({ address }) => address);
  return {
    holder: found.ident,
    addresses: listed.length > 0 ? listed : all,
    listed,
    fqdn: given ?? found.fqdn,
    given,
  };
}

async function containerRequest(
  asked: Asked,
): Promise<{ container: string; addresses: string[] } & ContainerOptions> {
  const body = await jsonBody(asked.request);
  const container = text(body["container"]);
  if (container === undefined) {
    throw new UsageError('Cannot read the request: "container" must be a string');
  }
  const { hosts } = body as Record<string, unknown>;
  return {
    ...waiting(body, asked),
    container,
    addresses: strings(body["addresses"], "addresses"),
    dockerHost: text(body["dockerHost"]),
    multicastRoute: flag(body["multicastRoute"]),
    dns: flag(body["dns"]),
    ...(hosts === undefined ? {} : { hosts: strings(hosts, "hosts") }),
  };
}

/** Collects what the user should know. */
function notebook(): { notes: string[]; onNote: (line: string) => void } {
  const notes: string[] = [];
  return { notes, onNote: (line) => void notes.push(line) };
}

/** A client that goes away wants nothing any more. */
function waiting(
  body: Record<string, unknown>,
  { request }: Asked,
): { waitMs?: number; signal: AbortSignal } {
  const { waitMs } = body as Record<string, unknown>;
  const { signal } = request;
  return typeof waitMs === "number" && waitMs >= 0 ? { waitMs, signal } : { signal };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function flag(value: unknown): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}
