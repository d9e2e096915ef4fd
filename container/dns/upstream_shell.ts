/**
 * Other name servers on real sockets, and the file that lists them.
 *
 * Each attempt has a socket of its own, so that its port is as hard to guess as its id.
 *
 * @module
 */

import {
  concat,
  drive,
  type Driver,
  type Endpoint,
  formatEndpoint,
  type Logger,
  parseEndpoint,
  parseIp,
  unmapIpv4,
  WireError,
} from "../../base/mod.ts";
import { type Query, u16 } from "./message.ts";
import { parseResolvConf, ResolvConfWatch, serverOf, withoutOurselves } from "./resolv_conf.ts";
import type { DnsTransport } from "./resolver.ts";
import {
  Upstream,
  type UpstreamCounters,
  type UpstreamInput,
  type UpstreamOutput,
} from "./upstream.ts";
import type { ServerState } from "./upstream_servers.ts";

/** Longer than any answer that we ask for by UDP. */
const MAX_DATAGRAM_BYTES = 4096;

/** Where other name servers are found. */
export interface UpstreamConfig {
  /** The host's resolv.conf; undefined: none is read. */
  readonly resolvConf: string | undefined;
  /** Servers that are asked instead of those of the file: addresses, with or without port. */
  readonly servers: readonly string[] | undefined;
  /** Longest wait for one server; more than 2 s is 2 s. */
  readonly timeoutMs: number;
}

/** Takes the answer to a query. */
type Give = (answer: Uint8Array) => void;

/** Asks other name servers. */
export class UpstreamDriver implements Disposable {
  #config: UpstreamConfig;
  #listening: () => readonly Endpoint[];
  #log: Logger;
  #core: Upstream<Give>;
  #driver: Driver<UpstreamInput<Give>>;
  #sockets = new Map<number, () => void>();
  /** Of attempts that are over: what is new for each would stay until the collector looks at all of the heap. */
  #buffers: Uint8Array<ArrayBuffer>[] = [];
  #watch = new ResolvConfWatch();
  #listed: readonly string[];
  #told = "";
  #interfaces: readonly Uint8Array[] = [];

  /**
   * Opens nothing until there is a query.
   *
   * @param listening returns where we listen ourselves: never asked
   */
  constructor(config: UpstreamConfig, listening: () => readonly Endpoint[], log: Logger) {
    this.#config = config;
    this.#listening = listening;
    this.#log = log;
    this.#listed = (config.servers ?? []).map(serverOf).filter((each) => each !== undefined);
    const dice = new Uint32Array(1);
    const random32 = (): number => crypto.getRandomValues(dice)[0] ?? 0;
    this.#core = new Upstream<Give>({ random32, timeoutMs: config.timeoutMs });
    this.#driver = drive<UpstreamInput<Give>, UpstreamOutput<Give>>(
      this.#core,
      { kind: "tick" },
      (output) => this.#perform(output),
    );
  }

  /** Asks; the answer, or a failure, comes later, always. */
  query(query: Query, transport: DnsTransport, limitBytes: number, give: Give): void {
    this.#look();
    this.#driver.feed({ kind: "query", client: give, query, transport, limitBytes });
  }

  /** Returns the servers that are asked, in order. */
  servers(): readonly { readonly address: string; readonly state: ServerState }[] {
    this.#look();
    return this.#core.servers();
  }

  /** Returns what happened so far. */
  counters(): Readonly<UpstreamCounters> {
    return { ...this.#core.counters };
  }

  /** Closes all sockets; no answer comes any more. */
  [Symbol.dispose](): void {
    this.#driver.stop();
    for (const close of this.#sockets.values()) close();
    this.#sockets.clear();
  }

  /** Reads the file if it has changed, and our own addresses, which change with interfaces. */
  #look(): void {
    if (!this.#watch.due(performance.now())) return;
    this.#readFile();
    this.#readInterfaces();
    const servers = withoutOurselves(this.#listed, {
      listening: this.#listening(),
      interfaces: this.#interfaces,
    });
    const text = servers.join(" ");
    if (text === this.#told) return;
    this.#told = text;
    this.#driver.feed({ kind: "servers", servers });
  }

  #readFile(): void {
    const { resolvConf, servers } = this.#config;
    if (resolvConf === undefined || servers !== undefined) return;
    try {
      const { mtime, size, ino } = Deno.statSync(resolvConf);
      const state = { mtimeMs: mtime?.getTime() ?? 0, size, inode: ino ?? 0 };
      if (!this.#watch.isNew(state)) return;
      this.#listed = parseResolvConf(Deno.readTextFileSync(resolvConf));
      this.#watch.wasRead(state);
    } catch (error) {
      // The last list that could be read goes on.
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.debug("cannot read the list of name servers", { file: resolvConf, reason });
    }
  }

  #readInterfaces(): void {
    try {
      this.#interfaces = interfaceAddresses();
    } catch (error) {
      // Out of descriptors, perhaps: a query must not end with it.
      this.#log.debug("cannot read the addresses of this host", { reason: String(error) });
    }
  }

  #perform(output: UpstreamOutput<Give>): void {
    switch (output.kind) {
      case "send": {
        const { attempt, server, transport, bytes } = output;
        const to = parseEndpoint(server);
        void (transport === "udp"
          ? this.#sendUdp(attempt, to, bytes)
          : this.#sendTcp(attempt, to, bytes));
        return;
      }
      case "close": {
        const close = this.#sockets.get(output.attempt);
        this.#sockets.delete(output.attempt);
        return close?.();
      }
      case "answer":
        return output.client(output.bytes);
      case "loop":
        return this.#log.warn("a name server asks us what we ask it; it is left out", {
          address: output.server,
        });
    }
  }

  async #sendUdp(attempt: number, to: Endpoint, bytes: Uint8Array): Promise<void> {
    const { hostname, family } = addressOf(to);
    const buffer = this.#buffers.pop() ?? new Uint8Array(MAX_DATAGRAM_BYTES);
    try {
      const socket = Deno.listenDatagram({
        transport: "udp",
        hostname: family === 4 ? "0.0.0.0" : "::",
        port: 0,
      });
      this.#sockets.set(attempt, () => socket.close());
      await socket.send(bytes, { transport: "udp", hostname, port: to.port });
      while (this.#sockets.has(attempt)) {
        const [received, from] = await socket.receive(buffer);
        this.#received(attempt, endpointOf(from as Deno.NetAddr), received);
      }
    } catch {
      // Closed by us: then nobody waits for it any more.
      this.#driver.feed({ kind: "failed", attempt });
    }
    this.#buffers.push(buffer);
  }

  async #sendTcp(attempt: number, to: Endpoint, bytes: Uint8Array): Promise<void> {
    const cut = new AbortController();
    this.#sockets.set(attempt, () => cut.abort());
    try {
      using connection = await Deno.connect({
        hostname: addressOf(to).hostname,
        port: to.port,
        signal: cut.signal,
      });
      cut.signal.addEventListener("abort", () => closeQuietly(connection));
      if (cut.signal.aborted) return;
      await writeAll(
        connection,
        concat(Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes),
      );
      const length = u16(await readExactly(connection, 2), 0);
      this.#received(attempt, formatEndpoint(to), await readExactly(connection, length));
    } catch {
      // As above.
    }
    this.#driver.feed({ kind: "failed", attempt });
  }

  #received(attempt: number, from: string, bytes: Uint8Array): void {
    this.#driver.feed({ kind: "received", attempt, from, bytes });
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function readExactly(connection: Deno.Conn, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await connection.read(bytes.subarray(at));
    if (count === null) throw new WireError("DNS message by TCP", at, `${length} bytes`);
    at += count;
  }
  return bytes;
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}

function addressOf(endpoint: Endpoint): { hostname: string; family: 4 | 6 } {
  const text = formatEndpoint(endpoint);
  const family = unmapIpv4(endpoint.ip) === undefined ? 6 : 4;
  return { hostname: text.slice(0, text.lastIndexOf(":")).replace(/[[\]]/g, ""), family };
}

function endpointOf(address: Deno.NetAddr): string {
  return formatEndpoint({ ip: parseIp(address.hostname.replace(/%.*$/, "")), port: address.port });
}

function interfaceAddresses(): Uint8Array[] {
  return Deno.networkInterfaces().map((each) => parseIp(each.address.replace(/%.*$/, "")));
}
