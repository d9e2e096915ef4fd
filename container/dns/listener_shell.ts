/**
 * One address where queries come in: a UDP and a TCP socket.
 *
 * @module
 */

import { type Endpoint, formatIp } from "../../base/mod.ts";
import { type ServeQuery, TcpClients } from "./tcp_shell.ts";

/** Longest query by UDP; what is cut off makes it one that does not parse. */
const MAX_QUERY_BYTES = 4096;
/** A socket that fails so often in a row is broken. */
const MAX_FAILURES = 100;

/** Serves one address. */
export class DnsListener implements AsyncDisposable {
  #serve: ServeQuery;
  #udp: Deno.DatagramConn;
  #tcp: TcpClients;
  #loop: Promise<void>;
  #closed = false;

  /**
   * Opens both sockets.
   *
   * @param at port 0 takes any
   * @param serve answers queries
   * @param broken is called when the UDP socket fails for good
   * @throws {Error} if one of them cannot be opened; the message is what the system says
   */
  constructor(at: Endpoint, serve: ServeQuery, broken: (reason: string) => void) {
    this.#serve = serve;
    const hostname = formatIp(at.ip);
    this.#udp = Deno.listenDatagram({ transport: "udp", hostname, port: at.port });
    try {
      this.#tcp = new TcpClients(Deno.listen({ hostname, port: this.port }), serve);
    } catch (error) {
      this.#udp.close();
      throw error;
    }
    this.#loop = this.#receive(broken);
  }

  /** The port it listens on. */
  get port(): number {
    return (this.#udp.addr as Deno.NetAddr).port;
  }

  /** How many clients are connected by TCP. */
  get tcpClients(): number {
    return this.#tcp.size;
  }

  /** Closes both sockets, and all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#udp.close();
    await Promise.all([this.#loop, this.#tcp[Symbol.asyncDispose]()]);
  }

  async #receive(broken: (reason: string) => void): Promise<void> {
    const buffer = new Uint8Array(MAX_QUERY_BYTES);
    for (let failures = 0; failures < MAX_FAILURES;) {
      const got = await this.#udp.receive(buffer).catch((error: unknown) => {
        if (!this.#closed && ++failures === MAX_FAILURES) broken(wordsOf(error));
      });
      if (this.#closed) return;
      if (got === undefined) continue;
      failures = 0;
      const [bytes, from] = got;
      const answer = this.#serve(bytes, "udp", (late) => void this.#send(late, from));
      // Waiting for it costs less than not to: one operation at a time.
      if (typeof answer !== "string") await this.#send(answer, from);
    }
  }

  /** A client that cannot be reached is its own fault. */
  async #send(bytes: Uint8Array, to: Deno.Addr): Promise<void> {
    try {
      await this.#udp.send(bytes, to);
    } catch {
      // It asks again if it still wants to know.
    }
  }
}

/** What went wrong with a socket, in the words that users know. */
export function wordsOf(error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) return "address already in use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "address not available on this host";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  return error instanceof Error ? error.message : String(error);
}
