/**
 * The HTTP calls of the router: verbs to calls on it, errors to status codes.
 *
 * ```
 *   control   unix socket, root only      everything
 *   status    TCP on loopback             GET of status pages, report and metrics
 * ```
 *
 * Bodies of control calls are JSON; `connect` and `forget` take the form of Weave Net. An error is one line of text.
 *
 * @module
 */

import { WireError } from "../base/mod.ts";
import { type RefusedCode, RefusedError } from "../container/mod.ts";
import { HostError } from "../switch/mod.ts";
import { UsageError } from "./config/mod.ts";
import { type ContainerOptions, type ContainerRow, psText } from "./containers_shell.ts";
import {
  METRICS_TYPE,
  metricsText,
  reportJson,
  reportTemplate,
  STATUS_PAGES,
  type StatusSnapshot,
  TemplateError,
} from "./status/mod.ts";

/** What the calls need of the router. */
export interface RouterCalls {
  /** The containers of this host. */
  readonly containers: {
    /** Attaches. */
    attach(container: string, words: string[], options: ContainerOptions): Promise<ContainerRow>;
    /** Detaches. */
    detach(container: string, words: string[], options: ContainerOptions): Promise<string[]>;
    /** Gives the host addresses. */
    expose(words: string[]): string[];
    /** Takes them away. */
    hide(words: string[]): string[];
    /** Lists. */
    ps(operands: string[], options: ContainerOptions): Promise<ContainerRow[]>;
  };
  /** Returns the present state. */
  status(): StatusSnapshot;
  /** Adds targets. @returns a line for each that does not resolve */
  connect(targets: string[], options: { replace: boolean }): Promise<string[]>;
  /** Removes targets. */
  forget(targets: string[]): void;
  /** Begins to stop. */
  requestStop(): void;
}

/** Answers requests. */
export type RequestHandler = (request: Request) => Promise<Response>;

type Call = (request: Request, url: URL) => Response | Promise<Response>;

interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly call: Call;
}

const TEXT_TYPE = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

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
  "not-held": 404,
  "outside-domain": 400,
};

/** Returns a handler of all calls. @param onError hears of errors that are not the caller's fault */
export function controlApi(router: RouterCalls, onError: (error: unknown) => void): RequestHandler {
  return handler([...statusRoutes(router), ...controlRoutes(router)], onError);
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
  return 500;
}

function statusRoutes(router: RouterCalls): Route[] {
  const pages = STATUS_PAGES.map(({ name, text, json }): Route => ({
    method: "GET",
    path: name === "" ? "/status" : `/status/${name}`,
    call: (request) => {
      const snapshot = router.status();
      return wantsJson(request) ? jsonAnswer(json(snapshot)) : textAnswer(text(snapshot));
    },
  }));
  return [
    ...pages,
    { method: "GET", path: "/report", call: (_, url) => reportAnswer(router, url) },
    {
      method: "GET",
      path: "/metrics",
      call: () => textAnswer(metricsText(router.status()), 200, METRICS_TYPE),
    },
  ];
}

function controlRoutes(router: RouterCalls): Route[] {
  const { containers } = router;
  const post = (path: string, call: Call): Route => ({ method: "POST", path, call });
  return [
    {
      method: "GET",
      path: "/ps",
      call: async (request, url) => {
        const dockerHost = url.searchParams.get("dockerHost") ?? undefined;
        const rows = await containers.ps(url.searchParams.getAll("container"), { dockerHost });
        return wantsJson(request) ? jsonAnswer(rows) : textAnswer(psText(rows));
      },
    },
    post("/attach", async (request) => {
      const { container, addresses, ...options } = await containerRequest(request);
      return jsonAnswer(await containers.attach(container, addresses, options));
    }),
    post("/detach", async (request) => {
      const { container, addresses, ...options } = await containerRequest(request);
      return jsonAnswer({ addresses: await containers.detach(container, addresses, options) });
    }),
    post("/expose", async (request) => {
      const addresses = strings((await jsonBody(request))["addresses"], "addresses");
      return jsonAnswer({ addresses: containers.expose(addresses) });
    }),
    post("/hide", async (request) => {
      const addresses = strings((await jsonBody(request))["addresses"], "addresses");
      return jsonAnswer({ addresses: containers.hide(addresses) });
    }),
    post("/connect", async (request, url) => {
      const form = await formBody(request, url);
      const replace = form.get("replace") === "true";
      const failures = await router.connect(form.getAll("peer"), { replace });
      return failures.length === 0
        ? textAnswer("")
        : textAnswer(failures.map((failure) => `${failure}\n`).join(""), 400);
    }),
    post("/forget", async (request, url) => {
      router.forget((await formBody(request, url)).getAll("peer"));
      return textAnswer("");
    }),
    post("/stop", () => {
      router.requestStop();
      return jsonAnswer({ pid: router.status().pid });
    }),
  ];
}

function handler(routes: readonly Route[], onError: (error: unknown) => void): RequestHandler {
  return async (request) => {
    const url = new URL(request.url);
    if (url.pathname.includes("//")) {
      const clean = url.pathname.replace(/\/{2,}/g, "/");
      return new Response(null, { status: 301, headers: { location: clean + url.search } });
    }
    const known = routes.filter(({ path }) => path === url.pathname);
    if (known.length === 0) return textAnswer("404 page not found\n", 404);
    const route = known.find(({ method }) => method === request.method);
    if (route === undefined) return new Response(null, { status: 405 });
    try {
      return await route.call(request, url);
    } catch (error) {
      const status = statusOf(error);
      if (status >= 500) onError(error);
      return textAnswer(`${error instanceof Error ? error.message : String(error)}\n`, status);
    }
  };
}

function reportAnswer(router: RouterCalls, url: URL): Response {
  const [format, ...more] = url.searchParams.getAll("format");
  if (more.length > 0) throw new UsageError("Cannot format the report: give one format");
  if (format !== undefined) return textAnswer(reportTemplate(format, router.status()));
  return textAnswer(`${reportJson(router.status())}\n`, 200, JSON_TYPE);
}

/** Accept may list several types; one that is refused with q=0 does not count. */
function wantsJson(request: Request): boolean {
  const ranges = (request.headers.get("accept") ?? "").split(",");
  return ranges.some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === JSON_TYPE && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

function textAnswer(text: string, status = 200, type: string = TEXT_TYPE): Response {
  if (text === "") return new Response(null, { status });
  return new Response(text, { status, headers: { "content-type": type } });
}

function jsonAnswer(value: unknown): Response {
  return textAnswer(`${JSON.stringify(value)}\n`, 200, JSON_TYPE);
}

async function jsonBody(request: Request): Promise<Record<string, unknown>> {
  let body: unknown;
  try {
    body = await request.json();
  } catch {
    body = undefined;
  }
  if (typeof body === "object" && body !== null) return { ...body };
  throw new UsageError("Cannot read the request: a JSON object is needed");
}

async function containerRequest(
  request: Request,
): Promise<{ container: string; addresses: string[] } & ContainerOptions> {
  const body = await jsonBody(request);
  const { container, addresses, dockerHost, multicastRoute } = body as Record<string, unknown>;
  if (typeof container !== "string") {
    throw new UsageError('Cannot read the request: "container" must be a string');
  }
  return {
    container,
    addresses: strings(addresses, "addresses"),
    dockerHost: typeof dockerHost === "string" ? dockerHost : undefined,
    multicastRoute: typeof multicastRoute === "boolean" ? multicastRoute : undefined,
  };
}

function strings(value: unknown, name: string): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new UsageError(`Cannot read the request: "${name}" must be a list of strings`);
}

/** Parameters of Weave Net's calls: query and form together. */
async function formBody(request: Request, url: URL): Promise<URLSearchParams> {
  const form = new URLSearchParams(url.searchParams);
  if (request.headers.get("content-type")?.startsWith("application/x-www-form-urlencoded")) {
    for (const [key, value] of new URLSearchParams(await request.text())) form.append(key, value);
  }
  return form;
}
