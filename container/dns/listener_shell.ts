/**
 * One address where queries come in: a UDP and a TCP socket.
 *
 * @module
 */

import { type Endpoint, formatIp } from "../../base/mod.ts";
import { BATCH_SLOTS, Datagrams, MAX_QUERY_BYTES } from "./datagrams_shell.ts";
import { type ServeQuery, TcpClients } from "./tcp_shell.ts";

/** A socket that fails so often in a row is broken. */
const MAX_FAILURES = 100;
/** Batches of queries that are answered before anything else of this thread gets a turn. */
const MAX_BATCHES = 4;

/** Serves one address. */
export class DnsListener implements AsyncDisposable {
  #serve: ServeQuery;
  #udp: Deno.DatagramConn;
  #datagrams: Datagrams;
  #tcp: TcpClients;
  #unsent = 0;
  #dropped = 0;
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
    const { port } = this;
    using opened = new DisposableStack();
    opened.defer(() => this.#udp.close());
    this.#datagrams = opened.use(new Datagrams({ ip: at.ip, port }));
    this.#tcp = new TcpClients(Deno.listen({ hostname, port }), serve);
    opened.move();
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

  /** Queries by UDP that the kernel dropped because more came than were answered. */
  get dropped(): number {
    return this.#closed ? this.#dropped : this.#datagrams.dropped;
  }

  /** Answers by UDP that could not be sent. */
  get unsent(): number {
    return this.#unsent + this.#datagrams.unsent;
  }

  /** Closes both sockets, and all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#dropped = this.dropped;
    this.#closed = true;
    this.#datagrams[Symbol.dispose]();
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
      const answer = this.#serve(bytes, "udp", () => this.#sender(from));
      const sent = typeof answer === "string" ? undefined : this.#send(answer, from);
      this.#drain();
      // Waiting for it costs less than not to: one operation at a time.
      await sent;
    }
  }

  /** Answers what has come meanwhile. */
  #drain(): void {
    const datagrams = this.#datagrams;
    for (let batch = 0; batch < MAX_BATCHES; batch++) {
      const count = datagrams.receive();
      for (let i = 0; i < count; i++) {
        const later = (): (late: Uint8Array) => void => this.#sender(datagrams.source(i));
        const answer = this.#serve(datagrams.bytes(i), "udp", later);
        if (typeof answer !== "string") datagrams.answer(i, answer);
      }
      datagrams.flush();
      if (count < BATCH_SLOTS) return;
    }
  }

  #sender(to: Deno.Addr): (answer: Uint8Array) => void {
    return (answer) => void this.#send(answer, to);
  }

  /** A client that cannot be reached is its own fault. */
  async #send(bytes: Uint8Array, to: Deno.Addr): Promise<void> {
    try {
      await this.#udp.send(bytes, to);
    } catch {
      // It asks again if it still wants to know.
      this.#unsent++;
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
