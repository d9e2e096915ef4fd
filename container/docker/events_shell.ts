/**
 * Hears from a container engine how its containers fare, and compares with what it knows: events alone get lost.
 *
 * ```
 *   connect ──> GET /events (stays open) ──> start, die, destroy
 *      ^  \──> GET /containers/json ──> the list: at each connect, and every minute
 *      └── pause, growing to 20 s, when the engine is away
 * ```
 *
 * @module
 */

/** What has happened to one container. */
export interface EngineEvent {
  /** What. */
  readonly kind: "start" | "die" | "destroy";
  /** Full id. */
  readonly id: string;
  /** When, unix seconds. */
  readonly at: number;
}

/** How {@link watchEngine} works. */
export interface WatchOptions {
  /** Value of `DOCKER_HOST`; without it Docker's socket and podman's are tried. */
  readonly dockerHost: string | undefined;
  /** Hears of each event. */
  onEvent(event: EngineEvent): void;
  /** Is asked right before the list is; what it returns is handed to `onList`. */
  beforeList(): ReadonlySet<string>;
  /** Gets all containers that exist, with whether each runs. */
  onList(running: ReadonlyMap<string, boolean>, before: ReadonlySet<string>, at: number): void;
  /** Hears that an engine answers, or no longer does. */
  onState(connected: boolean): void;
  /** Hears what one of the others threw; the watch goes on. */
  onError(error: unknown): void;
}

/** A running watch. */
export interface EngineWatch {
  /** Ends it. */
  stop(): void;
}

const SOCKETS = ["/var/run/docker.sock", "/run/podman/podman.sock"];
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 20_000;
const LIST_INTERVAL_MS = 60_000;
const LIST_TIMEOUT_MS = 10_000;
const FILTERS = encodeURIComponent(
  JSON.stringify({ type: ["container"], event: ["start", "die", "destroy"] }),
);

/** Starts to watch; an engine that is not there is tried again and again. */
export function watchEngine(options: WatchOptions): EngineWatch {
  const watch = new Watch(options);
  void watch.run();
  return { stop: () => watch.stop() };
}

class Watch {
  readonly #options: WatchOptions;
  readonly #ending = new AbortController();
  #wake: (() => void) | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS;
    while (!this.#ending.signal.aborted) {
      for (const path of socketsOf(this.#options.dockerHost)) {
        if (await this.#follow(path)) {
          pauseMs = FIRST_PAUSE_MS;
          break;
        }
      }
      await this.#pause(pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }

  stop(): void {
    this.#ending.abort();
    this.#wake?.();
  }

  /** @returns whether an engine answered */
  async #follow(path: string): Promise<boolean> {
    const { signal } = this.#ending;
    let connected = false;
    let timer: ReturnType<typeof setInterval> | undefined;
    try {
      using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
      const url = `http://localhost/events?filters=${FILTERS}`;
      const response = await fetch(url, { client, signal });
      if (!response.ok || response.body === null) {
        await response.body?.cancel();
        return false;
      }
      connected = true;
      this.#tell(() => this.#options.onState(true));
      await this.#list(client);
      timer = setInterval(() => void this.#listQuietly(client), LIST_INTERVAL_MS);
      for await (const line of linesOf(response.body)) {
        const event = parseEvent(line);
        if (event !== undefined) this.#tell(() => this.#options.onEvent(event));
      }
    } catch {
      // Away, refused or ended: whichever it is, it is tried again.
    } finally {
      clearInterval(timer);
      if (connected && !signal.aborted) this.#tell(() => this.#options.onState(false));
    }
    return connected;
  }

  async #listQuietly(client: Deno.HttpClient): Promise<void> {
    try {
      await this.#list(client);
    } catch {
      // The stream of events ends as well, or the next list comes in a minute.
    }
  }

  async #list(client: Deno.HttpClient): Promise<void> {
    const before = this.#tell(() => this.#options.beforeList());
    if (before === undefined) return;
    const at = Date.now() / 1000;
    const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]);
    const response = await fetch("http://localhost/containers/json?all=1", { client, signal });
    const running = parseList(await response.text());
    if (!response.ok || running === undefined) return;
    this.#tell(() => this.#options.onList(running, before, at));
  }

  /** An error of who listens is none of the engine's: nobody would hear of it, and the stream be begun anew. */
  #tell<T>(act: () => T): T | undefined {
    try {
      return act();
    } catch (error) {
      this.#options.onError(error);
      return undefined;
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#ending.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function socketsOf(dockerHost: string | undefined): readonly string[] {
  if (dockerHost === undefined || dockerHost === "") return SOCKETS;
  const path = /^unix:\/\/(\/.+)$/.exec(dockerHost)?.[1];
  return path === undefined ? [] : [path];
}

async function* linesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** Docker says `id`, podman `ID`; both have `Actor`. */
function parseEvent(line: string): EngineEvent | undefined {
  const event = parseJson(line) as {
    Action?: string;
    status?: string;
    Actor?: { ID?: string };
    id?: string;
    time?: number;
    timeNano?: number;
  } | undefined;
  const kind = event?.Action ?? event?.status;
  const id = event?.Actor?.ID ?? event?.id;
  if (id === undefined || (kind !== "start" && kind !== "die" && kind !== "destroy")) return;
  const at = event?.timeNano === undefined ? event?.time : event.timeNano / 1e9;
  return { kind, id, at: at ?? Date.now() / 1000 };
}

function parseList(text: string): Map<string, boolean> | undefined {
  const list = parseJson(text);
  if (!Array.isArray(list)) return undefined;
  return new Map(
    list.map(({ Id, State }) => [String(Id), State === "running" || State === "paused"]),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
