/**
 * A container engine that does nothing but tell of two containers.
 *
 * @module
 */

/** A container that runs, and one that has ended. */
export const [ALIVE, ENDED] = ["a".repeat(64), "b".repeat(64)] as const;

/** An engine with two containers, whose stream of events the test writes. */
export class FakeEngine implements AsyncDisposable {
  /** Its socket. */
  readonly path: string;
  /** How often somebody has asked for events. */
  connections = 0;
  /** What a list waits for, once it is made. */
  onList: () => Promise<void> = () => Promise.resolve();
  #directory = Deno.makeTempDirSync();
  #server: Deno.HttpServer<Deno.Addr>;
  #stream: ReadableStreamDefaultController<Uint8Array> | undefined;

  /** Serves at once. */
  constructor() {
    this.path = `${this.#directory}/docker.sock`;
    this.#server = Deno.serve({ path: this.path, onListen: () => {} }, async (request) => {
      if (new URL(request.url).pathname === "/containers/json") {
        await this.onList();
        return Response.json([{ Id: ALIVE, State: "running" }, { Id: ENDED, State: "exited" }]);
      }
      this.connections++;
      const body = new ReadableStream({ start: (stream) => void (this.#stream = stream) });
      // The head of an answer leaves with the first bytes of its body.
      this.#stream?.enqueue(new TextEncoder().encode("\n"));
      return new Response(body);
    });
  }

  /** Writes to the stream of events. */
  say(text: string): void {
    this.#stream?.enqueue(new TextEncoder().encode(text));
  }

  /** Ends the stream of events. */
  hangUp(): void {
    this.#stream?.close();
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.hangUp();
    } catch {
      // The client has gone already.
    }
    await this.#server.shutdown();
    await Deno.remove(this.#directory, { recursive: true });
  }
}
