/**
 * Routes of the API: a method, a path with holes, and what to do; and how requests are read and answers written.
 *
 * ```
 *   "/ip/{id}/{ip}/{length}"     GET /ip/c%3A1/10.2.1.1/24  ->  parameters ["c:1", "10.2.1.1", "24"]
 * ```
 *
 * @module
 */

import { UsageError } from "./config/mod.ts";

/** Answers requests. */
export type RequestHandler = (request: Request) => Promise<Response>;

/** One request that a route was found for. */
export interface Asked {
  /** As it came; its signal says that the client has gone. */
  readonly request: Request;
  /** Its address. */
  readonly url: URL;
  /** What stands in the holes of the path, decoded. */
  readonly parameters: readonly string[];
}

/** One call. */
export interface Route {
  /** Method. */
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Path; a part in braces is a hole. */
  readonly path: string;
  /** Does it. */
  readonly call: (asked: Asked) => Response | Promise<Response>;
}

/** Content type of JSON. */
export const JSON_TYPE = "application/json";
const TEXT_TYPE = "text/plain; charset=utf-8";

/** Returns a handler of routes. @param onError makes an answer of what a call throws */
export function routesHandler(
  routes: readonly Route[],
  onError: (error: unknown) => Response,
): RequestHandler {
  return async (request) => {
    const url = new URL(request.url);
    if (url.pathname.includes("//")) {
      const clean = url.pathname.replace(/\/{2,}/g, "/");
      return new Response(null, { status: 301, headers: { location: clean + url.search } });
    }
    const known = routes.flatMap((route) => {
      const parameters = match(route.path, url.pathname);
      return parameters === undefined ? [] : [{ route, parameters }];
    });
    if (known.length === 0) return textAnswer("404 page not found\n", 404);
    const found = known.find(({ route }) => route.method === request.method);
    if (found === undefined) return new Response(null, { status: 405 });
    try {
      return await found.route.call({ request, url, parameters: found.parameters });
    } catch (error) {
      return onError(error);
    }
  };
}

/** Returns what stands in the holes of a path, `undefined` if it is another path. */
function match(path: string, given: string): string[] | undefined {
  const parts = path.split("/");
  const words = given.split("/");
  if (parts.length !== words.length) return undefined;
  const parameters: string[] = [];
  for (const [i, part] of parts.entries()) {
    const word = words[i] ?? "";
    if (!part.startsWith("{")) {
      if (part !== word) return undefined;
      continue;
    }
    const text = decoded(word);
    if (text === undefined || text === "") return undefined;
    parameters.push(text);
  }
  return parameters;
}

function decoded(word: string): string | undefined {
  try {
    return decodeURIComponent(word);
  } catch {
    return undefined;
  }
}

/** Accept may list several types; one that is refused with q=0 does not count. */
export function wantsJson(request: Request): boolean {
  const ranges = (request.headers.get("accept") ?? "").split(",");
  return ranges.some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === JSON_TYPE && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

/** Returns a text; an empty one has no type. */
export function textAnswer(text: string, status = 200, type: string = TEXT_TYPE): Response {
  if (text === "") return new Response(null, { status });
  return new Response(text, { status, headers: { "content-type": type } });
}

/** Returns plain data as JSON on one line. */
export function jsonAnswer(value: unknown): Response {
  return textAnswer(`${JSON.stringify(value)}\n`, 200, JSON_TYPE);
}

/** Reads the JSON object of a request. @throws {UsageError} if there is none */
export async function jsonBody(request: Request): Promise<Record<string, unknown>> {
  let body: unknown;
  try {
    body = await request.json();
  } catch {
    body = undefined;
  }
  if (typeof body === "object" && body !== null) return { ...body };
  throw new UsageError("Cannot read the request: a JSON object is needed");
}

/** Takes a list of strings out of a request. @throws {UsageError} if it is none */
export function strings(value: unknown, name: string): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
  throw new UsageError(`Cannot read the request: "${name}" must be a list of strings`);
}

/** Parameters of Weave Net's calls: query and form together. */
export async function formBody({ request, url }: Asked): Promise<URLSearchParams> {
  const form = new URLSearchParams(url.searchParams);
  if (request.headers.get("content-type")?.startsWith("application/x-www-form-urlencoded")) {
    for (const [key, value] of new URLSearchParams(await request.text())) form.append(key, value);
  }
  return form;
}
