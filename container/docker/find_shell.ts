/**
 * Finds a container by what the user calls it: a container engine's name or id, `pid:N` or `netns:PATH`.
 *
 * Speaks the Docker API over a unix socket, Docker's own or podman's.
 *
 * @module
 */

import { type ContainerRef, parseContainerRef } from "../attach/ref.ts";
import { RefusedError } from "../refused.ts";

/** How {@link findContainer} looks. */
export interface FindOptions {
  /** Value of `DOCKER_HOST`; only `unix://PATH` can be used, since others name processes of another machine. */
  readonly dockerHost?: string | undefined;
  /** Ends the search. */
  readonly signal?: AbortSignal;
}

/** Sockets that are tried without `DOCKER_HOST`, in order. */
const SOCKETS = ["/var/run/docker.sock", "/run/podman/podman.sock"];
const WITHOUT_ENGINE = "pid:N and netns:PATH work without one";
/** An engine that hangs must not hang us. */
const TIMEOUT_MS = 10_000;

/** The part of `GET /containers/ID/json` that counts. */
interface Inspected {
  readonly Id?: string;
  readonly Name?: string;
  readonly State?: { readonly Pid?: number; readonly Running?: boolean };
  readonly HostConfig?: { readonly NetworkMode?: string };
  readonly Config?: { readonly Hostname?: string; readonly Domainname?: string };
  readonly HostsPath?: string;
  /** The engine's own words, when it refuses. */
  readonly message?: string;
}

/**
 * Finds a running container.
 *
 * @param text a name, an id or the unique beginning of one; or `pid:N`, `netns:PATH`, which need no engine
 * @throws {RefusedError} `no-such-container`, `not-running`, `host-network`, `no-engine`, `bad-container`
 */
export async function findContainer(
  text: string,
  options: FindOptions = {},
): Promise<ContainerRef> {
  const direct = parseContainerRef(text);
  if (direct !== undefined) return direct;
  // What the engine could not have named must not be able to reach another of its calls.
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text)) {
    throw new RefusedError("no-such-container", `No such container: ${JSON.stringify(text)}`);
  }
  const { status, body } = await inspect(text, options);
  if (status !== 200) throw refusal(text, status, body);
  return toRef(text, body);
}

function toRef(text: string, body: Inspected): ContainerRef {
  const { Id: id, Name, State, HostConfig } = body;
  if (id === undefined || State === undefined) {
    throw new RefusedError(
      "no-engine",
      `Cannot find "${text}": the container engine's answer is no container`,
    );
  }
  const name = Name?.replace(/^\//, "") ?? text;
  const pid = State.Pid ?? 0;
  if (State.Running === false || pid === 0) {
    throw new RefusedError("not-running", `Cannot reach "${name}": not running; start it first`);
  }
  if (HostConfig?.NetworkMode === "host") {
    throw new RefusedError(
      "host-network",
      `Cannot attach "${name}": it is in the host network namespace; ` +
        "give the host itself an address with expose",
    );
  }
  const fqdn = fqdnOf(body);
  return {
    kind: "docker",
    id,
    name,
    pid,
    ...(fqdn === undefined ? {} : { fqdn }),
    ...(isHostsFile(body.HostsPath) ? { hostsPath: body.HostsPath } : {}),
  };
}

/** The file will be written as root, and the engine may be a user's. */
function isHostsFile(path: string | undefined): path is string {
  return path !== undefined && /^\/([^\0]*\/)?hosts$/.test(path) && path !== "/etc/hosts";
}

/** A host name without a domain is no name on the network: Docker gives one to every container. */
function fqdnOf({ Config }: Inspected): string | undefined {
  const hostname = Config?.Hostname ?? "";
  const domain = (Config?.Domainname ?? "").replace(/^\.|\.$/g, "");
  const fqdn = domain === "" ? hostname : `${hostname}.${domain}`;
  return hostname !== "" && fqdn.includes(".") ? fqdn : undefined;
}

function refusal(text: string, status: number, body: Inspected): RefusedError {
  const words = body.message;
  if (status === 404) {
    const said = words !== undefined && /no such container/i.test(words);
    return new RefusedError("no-such-container", said ? words : `No such container: ${text}`);
  }
  const reason = words ?? `status ${status}`;
  return new RefusedError(
    "no-engine",
    `Cannot find "${text}": the container engine says "${reason}"`,
  );
}

async function inspect(
  text: string,
  options: FindOptions,
): Promise<{ status: number; body: Inspected }> {
  const sockets = socketsOf(text, options.dockerHost);
  const failures: string[] = [];
  for (const path of sockets) {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const { signal: given } = options;
    const signal = given === undefined ? timeout : AbortSignal.any([given, timeout]);
    const client = openClient(text, path);
    try {
      const url = `http://localhost/containers/${text}/json`;
      const response = await fetch(url, { client, signal });
      return { status: response.status, body: parseBody(await response.text()) };
    } catch (error) {
      if (given?.aborted === true) throw error;
      failures.push(timeout.aborted ? `${path} (no answer)` : path);
    } finally {
      client.close();
    }
  }
  throw new RefusedError(
    "no-engine",
    `Cannot find "${text}": no container engine answers at ${
      failures.join(" or ")
    }; ${WITHOUT_ENGINE}`,
  );
}

function openClient(text: string, path: string): Deno.HttpClient {
  try {
    return Deno.createHttpClient({ proxy: { transport: "unix", path } });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    throw new RefusedError(
      "no-engine",
      `Cannot find "${text}": this program was started without the permission to use ${path} ` +
        `(--allow-write=${path}); ${WITHOUT_ENGINE}`,
    );
  }
}

function socketsOf(text: string, dockerHost: string | undefined): readonly string[] {
  if (dockerHost === undefined || dockerHost === "") return SOCKETS;
  const path = /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1];
  if (path !== undefined) return [path];
  throw new RefusedError(
    "no-engine",
    `Cannot find "${text}": DOCKER_HOST is "${dockerHost}", and only an engine of this host can be used; ` +
      `set it to unix://PATH or unset it; ${WITHOUT_ENGINE}`,
  );
}

function parseBody(text: string): Inspected {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : {};
  } catch {
    return {};
  }
}
