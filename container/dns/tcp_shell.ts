/**
 * Clients that ask by TCP: each query and each answer has its length in front (RFC 1035 4.2.2, RFC 7766).
 *
 * Many queries may be under way on one connection; answers go out as they come. A client that is idle, that takes more than
 * its share of connections, or that does not read, is cut off.
 *
 * @module
 */

import { concat } from "../../base/mod.ts";
import { u16 } from "./message.ts";
import type { DnsTransport } from "./resolver.ts";

/** Connections at once, and those from one address. */
const MAX_CLIENTS = 128;
const MAX_CLIENTS_PER_ADDRESS = 32;
/** Queries under way on one connection; more are not read until some are answered. */
const MAX_UNDER_WAY = 32;
/** A connection where nothing has gone on for so long is closed. */
const IDLE_MS = 10_000;
/** Longest query; nobody needs as much. */
const MAX_QUERY_BYTES = 4096;
const READ_BYTES = 2048;

/**
 * Takes a query, whose bytes are lent for the call. Returns the answer, or whether there will be one.
 *
 * `later` is asked within the call, and only if the answer comes later, for what takes it then.
 */
export type ServeQuery = (
  bytes: Uint8Array,
  transport: DnsTransport,
  later: () => (answer: Uint8Array) => void,
) => Uint8Array | "later" | "never";

/** Accepts connections and serves them. */
export class TcpClients implements AsyncDisposable {
  #listener: Deno.Listener;
  #serve: ServeQuery;
  #clients = new Map<TcpClient, string>();
  #loop: Promise<void>;

  /** Owns the listener from now on. */
  constructor(listener: Deno.Listener, serve: ServeQuery) {
    this.#listener = listener;
    this.#serve = serve;
    this.#loop = this.#accept();
  }

  /** How many are connected. */
  get size(): number {
    return this.#clients.size;
  }

  /** Closes the listener and all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#loop;
    const ended = [...this.#clients.keys()].map((client) => client.close());
    await Promise.all(ended);
  }

  async #accept(): Promise<void> {
    for (;;) {
      let connection: Deno.Conn;
      try {
        connection = await this.#listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted) {
          return;
        }
        // Out of descriptors, or gone before it was looked at.
        await new Promise((resolve) => setTimeout(resolve, 50));
        continue;
      }
      this.#adopt(connection);
    }
  }

  #adopt(connection: Deno.Conn): void {
    const address = (connection.remoteAddr as Deno.NetAddr).hostname;
    let same = 0;
    for (const other of this.#clients.values()) if (other === address) same++;
    if (this.#clients.size >= MAX_CLIENTS || same >= MAX_CLIENTS_PER_ADDRESS) {
      return connection.close();
    }
    const client = new TcpClient(connection, this.#serve);
    this.#clients.set(client, address);
    void client.ended.then(() => this.#clients.delete(client));
  }
}

/** One connection. */
class TcpClient {
  /** Is fulfilled when it is closed. */
  readonly ended: Promise<void>;
  #connection: Deno.Conn;
  #serve: ServeQuery;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #underWay = 0;
  #wake: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(connection: Deno.Conn, serve: ServeQuery) {
    this.#connection = connection;
    this.#serve = serve;
    this.#keepAlive();
    this.ended = this.#run();
  }

  close(): Promise<void> {
    this.#shut();
    return this.ended;
  }

  async #run(): Promise<void> {
    await this.#readAll();
    // The client has said all, and may wait for what it asked.
    while (this.#underWay > 0 && !this.#closed) await this.#progress();
    await this.#writing;
    this.#shut();
  }

  async #readAll(): Promise<void> {
    let rest = new Uint8Array();
    const buffer = new Uint8Array(READ_BYTES);
    while (!this.#closed) {
      // A read fails when the client is gone, or when we have closed the connection.
      const count = await this.#connection.read(buffer).catch(() => null);
      if (count === null) return;
      rest = concat(rest, buffer.subarray(0, count));
      while (rest.length >= 2) {
        const end = 2 + u16(rest, 0);
        if (end > 2 + MAX_QUERY_BYTES) return this.#shut();
        if (rest.length < end) break;
        this.#ask(rest.subarray(2, end));
        rest = rest.slice(end);
        while (this.#underWay >= MAX_UNDER_WAY && !this.#closed) await this.#progress();
      }
    }
  }

  #ask(query: Uint8Array): void {
    this.#keepAlive();
    const answer = this.#serve(query, "tcp", () => (late) => this.#answer(late));
    // Who sends what is no query is not worth a connection.
    if (answer === "never") return this.#shut();
    this.#underWay++;
    if (answer !== "later") this.#answer(answer);
  }

  #answer(answer: Uint8Array): void {
    const framed = concat(Uint8Array.of(answer.length >> 8, answer.length & 255), answer);
    this.#writing = this.#writing.then(() => this.#write(framed));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      let at = 0;
      while (at < bytes.length && !this.#closed) {
        at += await this.#connection.write(bytes.subarray(at));
      }
      if (!this.#closed) this.#keepAlive();
    } catch {
      this.#shut();
    }
    this.#underWay--;
    this.#wake?.();
  }

  /** Waits until an answer is out, or all is over. */
  #progress(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  #keepAlive(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#shut(), IDLE_MS);
  }

  #shut(): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.#connection.close();
    } catch {
      // The client was first.
    }
    this.#wake?.();
  }
}
