/**
 * The HTTP calls of the router: verbs to calls on it, errors to status codes.
 *
 * ```
 *   control   unix socket, root only      everything
 *   status    TCP on loopback             GET of status pages, report and metrics
 *   open      TCP, if asked for           what Weave Net has: those, and addresses, names, connect, forget
 * ```
 *
 * Bodies of our own calls are JSON; those that Weave Net has as well take its forms. An error is one line of text.
 *
 * @module
 */

import { WireError } from "../base/mod.ts";
import { type RefusedCode, RefusedError } from "../container/mod.ts";
import { HostError } from "../switch/mod.ts";
import { UsageError } from "./config/mod.ts";
import { addressRoutes } from "./http_addresses.ts";
import { containerRoutes } from "./http_containers.ts";
import { nameRoutes } from "./http_names.ts";
import {
  formBody,
  JSON_TYPE,
  jsonAnswer,
  type RequestHandler,
  type Route,
  routesHandler,
  textAnswer,
  wantsJson,
} from "./http_routes.ts";
import type { RouterCalls } from "./router_calls.ts";
import {
  METRICS_TYPE,
  metricsText,
  reportJson,
  reportTemplate,
  STATUS_PAGES,
  TemplateError,
} from "./status/mod.ts";

/** HTTP status of each refusal. */
const REFUSED_STATUS: Readonly<Record<RefusedCode, number>> = {
  "address-in-use": 409,
  "host-network": 409,
  "no-such-container": 404,
  "not-running": 409,
  "no-engine": 502,
  "no-bridge": 409,
  "foreign-interface": 409,
  "bad-container": 400,
  "no-space": 503,
  "waiting": 503,
  "not-possible": 400,
  "cancelled": 499,
  "reachable": 409,
  "no-such-peer": 404,
  "not-held": 400,
  "outside-domain": 400,
};

/** Returns a handler of all calls. @param onError hears of errors that are not the caller's fault */
export function controlApi(router: RouterCalls, onError: (error: unknown) => void): RequestHandler {
  return handler([...statusRoutes(router), ...controlRoutes(router)], onError);
}

/**
 * Returns a handler of the calls that Weave Net answers to anybody. Web pages are kept out: a browser of this host would lend
 * them its way to us.
 *
 * @param onError hears of errors that are not the caller's fault
 */
export function openApi(router: RouterCalls, onError: (error: unknown) => void): RequestHandler {
  const handle = handler([...statusRoutes(router), ...weaveRoutes(router)], onError);
  return (request) =>
    isOfPage(request)
      ? Promise.resolve(
        textAnswer(
          "Refused: web pages are kept out; others ask by IP address or as localhost\n",
          403,
        ),
      )
      : handle(request);
}

/** Returns a handler of the calls that only read. */
export function statusApi(router: RouterCalls, onError: (error: unknown) => void): RequestHandler {
  return handler(statusRoutes(router), onError);
}

/** Returns the HTTP status of an error. */
export function statusOf(error: unknown): number {
  if (error instanceof RefusedError) return REFUSED_STATUS[error.code];
  const theirs = [UsageError, WireError, TemplateError];
  if (theirs.some((kind) => error instanceof kind)) return 400;
  if (error instanceof HostError) return 409;
  // The client has gone while its request waited for something else.
  if (error instanceof DOMException && error.name === "AbortError") return REFUSED_STATUS.cancelled;
  return 500;
}

function statusRoutes(router: RouterCalls): Route[] {
  const pages = STATUS_PAGES.map(({ name, text, json }): Route => ({
    method: "GET",
    path: name === "" ? "/status" : `/status/${name}`,
    call: ({ request }) => {
      const snapshot = router.status();
      return wantsJson(request) ? jsonAnswer(json(snapshot)) : textAnswer(text(snapshot));
    },
  }));
  return [
    ...pages,
    { method: "GET", path: "/report", call: ({ url }) => reportAnswer(router, url) },
    {
      method: "GET",
      path: "/metrics",
      call: () => textAnswer(metricsText(router.status()), 200, METRICS_TYPE),
    },
  ];
}

/** Pages of another site say so, and one that has given its own name our address asks for that name. */
function isOfPage({ headers, url }: Request): boolean {
  const { hostname } = new URL(url);
  const isAddress = hostname === "localhost" || /^[0-9.]+$|^\[.*\]$/.test(hostname);
  return headers.has("origin") || headers.has("sec-fetch-site") || !isAddress;
}

function controlRoutes(router: RouterCalls): Route[] {
  return [
    ...containerRoutes(router),
    ...weaveRoutes(router),
    {
      method: "POST",
      path: "/stop",
      call: () => {
        router.requestStop();
        return jsonAnswer({ pid: router.status().pid });
      },
    },
  ];
}

function weaveRoutes(router: RouterCalls): Route[] {
  return [
    ...addressRoutes(router),
    ...nameRoutes(router),
    {
      method: "POST",
      path: "/connect",
      call: async (asked) => {
        const form = await formBody(asked);
        const replace = form.get("replace") === "true";
        const failures = await router.connect(form.getAll("peer"), { replace });
        return failures.length === 0
          ? textAnswer("")
          : textAnswer(failures.map((failure) => `${failure}\n`).join(""), 400);
      },
    },
    {
      method: "POST",
      path: "/forget",
      call: async (asked) => {
        router.forget((await formBody(asked)).getAll("peer"));
        return textAnswer("");
      },
    },
  ];
}

function handler(routes: readonly Route[], onError: (error: unknown) => void): RequestHandler {
  return routesHandler(routes, (error) => {
    const status = statusOf(error);
    if (status >= 500 && !(error instanceof RefusedError)) onError(error);
    return textAnswer(`${error instanceof Error ? error.message : String(error)}\n`, status);
  });
}

function reportAnswer(router: RouterCalls, url: URL): Response {
  const [format, ...more] = url.searchParams.getAll("format");
  if (more.length > 0) throw new UsageError("Cannot format the report: give one format");
  if (format !== undefined) return textAnswer(reportTemplate(format, router.status()));
  return textAnswer(`${reportJson(router.status())}\n`, 200, JSON_TYPE);
}
