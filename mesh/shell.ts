/**
 * The mesh on real sockets: TCP listeners, dials, names and time for {@link MeshCore}.
 *
 * @module
 */

import * as dns from "node:dns/promises";
import * as net from "node:net";
import {
  drive,
  type Endpoint,
  formatIp,
  type LogFields,
  parseIp,
  type PeerName,
  unmapIpv4,
  WireError,
} from "../base/mod.ts";
import { MeshCore } from "./mesh.ts";
import type { MeshInput, MeshOutput } from "./mesh_io.ts";
import { parseTarget, type Target } from "./target.ts";
import type { Mesh, MeshConfig, MeshHooks } from "./types.ts";

const BACKLOG = 511;

/** What went wrong with a socket, in the words that users know. */
const SOCKET_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "address not available on this host",
  // The runtime's word for EADDRNOTAVAIL when listening.
  EINVAL: "address not available on this host",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  EPIPE: "connection reset by peer",
  ETIMEDOUT: "connection timed out",
  EACCES: "permission denied",
  ENOTFOUND: "no such name",
  EAI_AGAIN: "the name server does not answer",
  EAI_NONAME: "no such name",
};

/** Errors that an IPv4 socket would meet as well; any other on the IPv6 one means that this host has no IPv6. */
const BOTH_FAMILIES = ["EADDRINUSE", "EACCES"];

/**
 * Starts a mesh: listens, dials its targets, tells the router what happens.
 *
 * @throws {WireError} if a target or trusted subnet does not parse
 * @throws {Error} if it cannot listen; the message says why
 */
export async function startMesh(config: MeshConfig, hooks: MeshHooks): Promise<Mesh> {
  const core = new MeshCore(config, hooks.crypto, performance.now(), hooks.channels);
  const shell = new Shell(core, config, hooks);
  await shell.listen();
  return shell;
}

class Shell implements Mesh {
  #core: MeshCore;
  #config: MeshConfig;
  #hooks: MeshHooks;
  #driver: ReturnType<typeof drive<MeshInput, MeshOutput>>;
  #servers: net.Server[] = [];
  #sockets = new Map<number, net.Socket>();
  #families: readonly number[];

  constructor(core: MeshCore, config: MeshConfig, hooks: MeshHooks) {
    this.#core = core;
    this.#config = config;
    this.#hooks = hooks;
    this.#families = config.host === undefined ? [4, 6] : [familyOf(parseIp(config.host))];
    this.#driver = drive<MeshInput, MeshOutput>(
      core,
      { kind: "tick" },
      (output) => this.#perform(output),
      undefined,
      hooks.onAwake,
    );
  }

  async listen(): Promise<void> {
    const { host, port } = this.#config;
    try {
      if (host !== undefined) await this.#listenOn(host, port);
      else await this.#listenOnAll(port);
    } catch (error) {
      await this.stop();
      const where = host === undefined ? `port ${port}` : `${host} port ${port}`;
      throw new Error(`Cannot listen on TCP ${where}: ${wordsOf(error)}`, { cause: error });
    }
    this.#driver.feed({ kind: "tick" });
  }

  async connect(
    texts: readonly string[],
    options: { readonly replace: boolean },
  ): Promise<string[]> {
    const failures: string[] = [];
    const checked = await Promise.all(texts.map((text) => this.#check(text, failures)));
    const targets = checked.filter((target) => target !== undefined);
    this.#driver.feed({ kind: "connect", targets, replace: options.replace });
    return failures;
  }

  forget(targets: readonly string[]): void {
    this.#driver.feed({ kind: "forget", targets });
  }

  overlayControl(id: number, index: number, tag: number, body: Uint8Array): void {
    this.#driver.feed({ kind: "overlayControl", id, index, tag, body });
  }

  overlayEstablished(id: number, established: boolean): void {
    this.#driver.feed({ kind: "overlayEstablished", id, established });
  }

  overlayFailed(id: number, reason: string): void {
    this.#driver.feed({ kind: "overlayFailed", id, reason });
  }

  gossip(channel: string, item: unknown): void {
    this.#driver.feed({ kind: "gossip", channel, item });
  }

  broadcast(channel: string, item: unknown): void {
    this.#driver.feed({ kind: "broadcast", channel, item });
  }

  unicast(channel: string, to: PeerName, payload: Uint8Array): void {
    this.#driver.feed({ kind: "unicast", channel, to, payload });
  }

  forwarding(): ReturnType<Mesh["forwarding"]> {
    return this.#core.forwarding();
  }

  snapshot(): ReturnType<Mesh["snapshot"]> {
    const now = performance.now();
    return this.#core.snapshot(now, Date.now() - now);
  }

  async stop(): Promise<void> {
    this.#driver.feed({ kind: "stop" });
    // Asked from within an event, the input above waits until that is over.
    await Promise.resolve();
    this.#driver.stop();
    const closed = this.#servers.splice(0).map((server) =>
      new Promise<void>((resolve) => server.close(() => resolve()))
    );
    await Promise.all(closed);
  }

  #perform(output: MeshOutput): void {
    switch (output.kind) {
      case "dial":
        return this.#dial(output.id, output.remote);
      case "send":
        return this.#send(output.id, output.bytes);
      case "finish":
        this.#sockets.get(output.id)?.end();
        return;
      case "close": {
        const socket = this.#sockets.get(output.id);
        this.#sockets.delete(output.id);
        socket?.destroy();
        return;
      }
      case "resolve":
        void this.#resolve(output.host);
        return;
      case "event":
        return this.#hooks.onEvent(output.event);
      case "log":
        return this.#log(output.level, output.message, output.fields);
    }
  }

  #dial(id: number, remote: Endpoint): void {
    const { host } = this.#config;
    const sameFamily = host !== undefined && familyOf(parseIp(host)) === familyOf(remote.ip);
    const socket = net.connect({
      host: formatIp(remote.ip),
      port: remote.port,
      allowHalfOpen: true,
      ...(sameFamily ? { localAddress: host } : {}),
    });
    socket.once("connect", () => this.#driver.feed({ kind: "dialled", id }));
    this.#adopt(id, socket);
  }

  #accept(socket: net.Socket): void {
    const { remoteAddress, remotePort } = socket;
    // A connection that is gone before it is looked at has no address.
    if (remoteAddress === undefined || remotePort === undefined) return void socket.destroy();
    const id = this.#core.newId();
    this.#adopt(id, socket);
    const ip = parseIp(remoteAddress.replace(/%.*$/, ""));
    this.#driver.feed({ kind: "accepted", id, remote: { ip, port: remotePort } });
  }

  #adopt(id: number, socket: net.Socket): void {
    const { feed } = this.#driver;
    this.#sockets.set(id, socket);
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => feed({ kind: "received", id, bytes }));
    socket.on("end", () => feed({ kind: "ended", id, reason: undefined }));
    socket.on("error", (error) => feed({ kind: "ended", id, reason: wordsOf(error) }));
    socket.on("close", () => feed({ kind: "ended", id, reason: undefined }));
  }

  #send(id: number, bytes: Uint8Array): void {
    const sent = (): void => this.#driver.feed({ kind: "sent", id, bytes: bytes.length });
    this.#sockets.get(id)?.write(bytes, sent);
  }

  async #resolve(host: string): Promise<void> {
    const answer = await this.#lookUp(host);
    this.#driver.feed({ kind: "resolved", host, answer });
  }

  /** Returns the addresses of a name, IPv4 first, or why there are none. */
  async #lookUp(host: string): Promise<Uint8Array[] | string> {
    try {
      const found = await dns.lookup(host, { all: true, order: "ipv4first" });
      const ips = found.map(({ address }) => parseIp(address.replace(/%.*$/, "")));
      const usable = ips.filter((ip) => this.#families.includes(familyOf(ip)));
      return usable.length > 0 ? usable : "the name has no address that we can reach";
    } catch (error) {
      return wordsOf(error);
    }
  }

  async #check(text: string, failures: string[]): Promise<Target | undefined> {
    try {
      const target = parseTarget(text);
      const answer = target.ip === undefined ? await this.#lookUp(target.host) : [];
      if (typeof answer !== "string") return target;
      failures.push(`Cannot connect to "${text}": ${answer}`);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      failures.push(`Cannot connect to "${text}": a peer is HOST or HOST:PORT`);
    }
    return undefined;
  }

  async #listenOnAll(port: number): Promise<void> {
    try {
      // Normally one socket for both families; what comes by IPv4 is unmapped when its address is parsed.
      await this.#listenOn("::", port);
    } catch (error) {
      if (BOTH_FAMILIES.includes(codeOf(error))) throw error;
      this.#families = [4];
      return await this.#listenOn("0.0.0.0", port);
    }
    // Where the system keeps the families apart (net.ipv6.bindv6only), IPv4 needs a socket of its own.
    await this.#listenOn("0.0.0.0", port).catch((error) => {
      if (codeOf(error) !== "EADDRINUSE") throw error;
    });
  }

  #listenOn(host: string, port: number): Promise<void> {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, backlog: BACKLOG }, () => {
        server.off("error", reject);
        server.on("error", (error) => this.#log("error", "listener", { error: wordsOf(error) }));
        this.#servers.push(server);
        resolve();
      });
    });
  }

  #log(level: "debug" | "info" | "warn" | "error", message: string, fields: LogFields): void {
    this.#hooks.log[level](message, fields);
  }
}

function familyOf(ip: Uint8Array): number {
  return unmapIpv4(ip) === undefined ? 6 : 4;
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? "");
}

function wordsOf(error: unknown): string {
  const known = SOCKET_ERRORS[codeOf(error)];
  return known ?? (error instanceof Error ? error.message : String(error));
}
