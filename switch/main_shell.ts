/**
 * The main thread's side of the data plane: starts the worker, tells it the state, hears its reports.
 *
 * @module
 */

import { Bug, type Logger, type PeerName } from "../base/mod.ts";
import { EventFd } from "../ffi/mod.ts";
import {
  type Configure,
  type CounterName,
  COUNTERS,
  type FromWorker,
  type PairKeys,
  type Priority,
  type Ready,
  type ToWorker,
  type WorkerStart,
} from "./contract.ts";

/** Where the worker's entry lies: beside this file, or in a bundle (`deno task bundle`) beside the program's folder. */
const WORKER = import.meta.url.endsWith(".ts") ? "./worker_shell.ts" : "../switch/worker_shell.js";

/** How a switch is started. */
export interface SwitchOptions {
  /** Our own name. */
  readonly self: PeerName;
  /** Name of the TAP device, which is a port of the bridge already. */
  readonly tap: string;
  /** MTU of the bridge, in bytes of IP packet. */
  readonly mtuBytes: number;
  /** MAC addresses of our bridge and TAP. */
  readonly ownMacs: readonly number[];
  /** Local underlay address, `undefined` for all. */
  readonly host: string | undefined;
  /** UDP port. */
  readonly port: number;
  /** "never" takes the portable cipher even if the library is there. */
  readonly libsodium: "auto" | "never";
  /** clear: there is no password, so pairs need no keys; default sealed. */
  readonly pairs?: "sealed" | "clear" | undefined;
  /** What to ask the scheduler for; default normal. */
  readonly priority?: Priority;
  /** So long the loop looks for a frame that is likely to come before it sleeps, in microseconds; default 0. */
  readonly spinUs?: number;
  /** Whether the ways of frames are kept warm between them; default not. */
  readonly rehearsal?: boolean;
  /** Takes each report but `log`, in order. `failed` is the last one. */
  readonly onEvent: (event: FromWorker) => void;
  /** Where the worker's lines go. */
  readonly log: Logger;
}

/** A running data plane. */
export interface Switch {
  /** What the worker said when it was ready. */
  readonly ready: Ready;
  /** Replaces the whole forwarding state. */
  configure(state: Omit<Configure, "kind" | "version">): void;
  /** Hands over the key of a link; before the `configure` that names it. */
  keys(link: number, key: Uint8Array): void;
  /** Hands over what becomes of the keys of a pair. Their bytes are copied: the caller wipes its own. */
  pairKeys(message: PairKeys): void;
  /** Hands over an overlay control message that came over TCP. */
  control(link: number, index: number, tag: number, body: Uint8Array): void;
  /** Reads all counters. */
  counters(): Record<CounterName, number>;
  /** Ends the worker and waits until it has given everything back. */
  stop(): Promise<void>;
}

/** What is posted to start the worker: its options and the port over which everything else goes. */
export interface WorkerBoot extends WorkerStart {
  /** The worker's end of the channel. */
  readonly channel: MessagePort;
}

/**
 * Starts the data plane.
 *
 * @returns when the loop runs
 * @throws {Error} with one line that says what failed and what to do: TAP missing or taken, port in use
 */
export async function startSwitch(options: SwitchOptions): Promise<Switch> {
  const eventFd = EventFd.open();
  const shared = new SharedArrayBuffer(COUNTERS.length * 8);
  const cells = new Float64Array(shared);
  const { port1: port, port2: channel } = new MessageChannel();
  const worker = new Worker(new URL(WORKER, import.meta.url), { type: "module" });
  const started = Promise.withResolvers<Ready>();
  const ended = Promise.withResolvers<void>();
  let ready: Ready | undefined;
  let over = false;
  let version = 0;

  function release(): void {
    if (over) return;
    over = true;
    port.close();
    worker.terminate();
    eventFd[Symbol.dispose]();
    ended.resolve();
  }

  function failed(message: string): void {
    if (over) return;
    release();
    if (ready === undefined) started.reject(new Error(message));
    else options.onEvent({ kind: "failed", message });
  }

  port.onmessage = ({ data }: MessageEvent<FromWorker>): void => {
    if (data.kind === "log") options.log[data.level](data.message);
    else if (data.kind === "failed") failed(data.message);
    else if (data.kind === "stopped") release();
    else if (data.kind === "ready") {
      ready = data;
      started.resolve(data);
    } else options.onEvent(data);
  };
  worker.onerror = (event): void => {
    event.preventDefault();
    failed(`The data plane has crashed: ${event.message}`);
  };

  function post(message: ToWorker): void {
    if (over) return;
    // The order matters: whoever is woken must find the message.
    port.postMessage(message);
    eventFd.signal();
  }

  const { self, tap, mtuBytes, ownMacs, host, libsodium } = options;
  const boot: WorkerBoot = {
    kind: "start",
    self,
    tap,
    mtuBytes,
    ownMacs,
    host,
    port: options.port,
    libsodium,
    pairs: options.pairs ?? "sealed",
    priority: options.priority ?? "normal",
    spinUs: options.spinUs ?? 0,
    rehearsal: options.rehearsal ?? false,
    eventFd: eventFd.fd,
    counters: shared,
    channel,
  };
  worker.postMessage(boot, [channel]);
  await started.promise;

  return {
    get ready(): Ready {
      if (ready === undefined) throw new Bug("The data plane is not ready");
      return ready;
    },
    configure: (state) => post({ kind: "configure", version: ++version, ...state }),
    keys: (link, key) => post({ kind: "keys", link, key }),
    pairKeys: post,
    control: (link, index, tag, body) => post({ kind: "control", link, index, tag, body }),
    counters: () =>
      Object.fromEntries(COUNTERS.map((name, i) => [name, cells[i] ?? 0])) as Record<
        CounterName,
        number
      >,
    async stop(): Promise<void> {
      post({ kind: "stop" });
      await ended.promise;
    },
  };
}
