/**
 * A network namespace of a lab, and processes in it.
 *
 * @module
 */

import { until } from "./until.ts";

/** What a finished command left. */
export interface Output {
  /** Exit code; 124 if it ran out of time. */
  readonly code: number;
  /** Standard output. */
  readonly stdout: string;
  /** Standard error. */
  readonly stderr: string;
}

/** How a command is run. */
export interface RunOptions {
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** After this it is ended; 30 s if not given. */
  readonly timeoutMs?: number;
  /** Any exit code is fine; otherwise one above 0 throws. */
  readonly mayFail?: boolean;
}

const TIMEOUT_MS = 30_000;

/** Runs a command and waits for it. @throws {Error} with its words if it fails and may not */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Output> {
  const { code, stdout, stderr } = await command(args, options).output();
  return finished(args, { code, stdout: text(stdout), stderr: text(stderr) }, options);
}

/** Runs a command and blocks until it is done. @throws {Error} with its words if it fails and may not */
export function runSync(args: readonly string[], options: RunOptions = {}): Output {
  const { code, stdout, stderr } = command(args, options).outputSync();
  return finished(args, { code, stdout: text(stdout), stderr: text(stderr) }, options);
}

/** A command that goes on while the test does something else. Dispose it, or `stop()` it. */
export class Background implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #args: readonly string[];
  readonly #reading: Promise<unknown>;
  #output = "";

  /** Starts it; standard output and error are collected together. */
  constructor(args: readonly string[], options: RunOptions = {}) {
    this.#args = args;
    this.#child = command(args, { timeoutMs: 120_000, ...options }).spawn();
    this.#reading = Promise.all([this.#read(this.#child.stdout), this.#read(this.#child.stderr)]);
  }

  /** All it has said so far. */
  get output(): string {
    return this.#output;
  }

  /** Waits until it has said something. @throws {Error} after the deadline */
  async says(pattern: RegExp, deadlineMs = 10_000): Promise<void> {
    const what = `${this.#args.join(" ")} saying ${pattern}`;
    try {
      await until(() => pattern.test(this.#output), deadlineMs, what);
    } catch (error) {
      throw new Error(`${(error as Error).message}; it said: ${this.#output}`);
    }
  }

  /** Waits until it ends by itself. */
  async done(): Promise<Output> {
    const { code } = await this.#child.status;
    await this.#reading;
    return { code, stdout: this.#output, stderr: "" };
  }

  /** Ends it and returns all it said. */
  async stop(): Promise<string> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It has ended by itself.
    }
    await this.done();
    return this.#output;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) this.#output += piece;
  }
}

/** One network namespace. Its lab removes it. */
export class Namespace {
  /** Name, as `ip netns` shows it. */
  readonly name: string;

  /** Makes it; the loopback device is up. */
  constructor(name: string) {
    this.name = name;
    runSync(["ip", "netns", "add", name]);
    runSync(["ip", "-n", name, "link", "set", "lo", "up"]);
    // A bridge that hands frames to iptables hides faults, and drops what it does not like.
    const bridge =
      "for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 >$f; done";
    runSync(["ip", "netns", "exec", name, "sh", "-c", bridge]);
  }

  /** Where it can be opened. */
  get path(): string {
    return `/run/netns/${this.name}`;
  }

  /** Runs `ip` in it. @throws {Error} if it fails */
  ip(...args: string[]): string {
    return runSync(["ip", "-n", this.name, ...args]).stdout;
  }

  /** Runs a command in it. @throws {Error} if it fails and may not */
  run(args: readonly string[], options: RunOptions = {}): Promise<Output> {
    return run(["ip", "netns", "exec", this.name, ...args], options);
  }

  /** Starts a command in it. */
  start(args: readonly string[], options: RunOptions = {}): Background {
    return new Background(["ip", "netns", "exec", this.name, ...args], options);
  }

  /** Sends some echo requests; returns how many were answered. `options` are those of ping(8). */
  async ping(address: string, count = 1, ...options: string[]): Promise<number> {
    const args = ["ping", "-n", "-c", `${count}`, "-i", "0.05", "-W", "1", ...options, address];
    const { stdout } = await this.run(args, { mayFail: true });
    return Number(/, (\d+) received/.exec(stdout)?.[1] ?? 0);
  }

  /** Process ids in it. */
  pids(): number[] {
    const { stdout } = runSync(["ip", "netns", "pids", this.name], { mayFail: true });
    return stdout.split("\n").filter((line) => line !== "").map(Number);
  }

  /** Ends what runs in it and removes it. */
  remove(): void {
    for (const pid of this.pids()) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It was faster.
      }
    }
    runSync(["ip", "netns", "delete", this.name], { mayFail: true });
  }
}

function command(args: readonly string[], options: RunOptions): Deno.Command {
  const seconds = (options.timeoutMs ?? TIMEOUT_MS) / 1000;
  return new Deno.Command("timeout", {
    args: ["-k", "2", `${seconds}`, ...args],
    env: { NO_COLOR: "1", ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

function finished(args: readonly string[], output: Output, options: RunOptions): Output {
  if (output.code === 0 || options.mayFail === true) return output;
  const words = `${output.stdout}${output.stderr}`.trim();
  throw new Error(`Cannot run ${args.join(" ")}: exit code ${output.code}: ${words}`);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
