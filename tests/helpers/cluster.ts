/**
 * Several hosts in any shape, one container on each, and the questions that a lab asks of all of them.
 *
 * @module
 */

import { addressOf, type Host, type Lab, type LaunchOptions } from "./lab.ts";
import type { Background, Namespace } from "./namespace.ts";
import { copies, receiver, sender } from "./tools.ts";
import { pause, until } from "./until.ts";

/** How long routers may take to find each other on a busy machine: three times what is promised. */
const READY_MS = 30_000;
/** After the last expected copy: time for one too many. */
const QUIET_MS = 400;
const GROUP = "239.1.2.3";
const BROADCAST = "10.2.1.255";
const PORT = "5007";

/** Two hosts by their position: the first connects to the second. */
export type Edge = readonly [number, number];

/** Hosts and containers; container i is on host i and has `addressOf(i)`. */
export interface Cluster {
  /** The hosts. */
  readonly hosts: readonly Host[];
  /** The containers. */
  readonly containers: readonly Namespace[];
}

/** Launches hosts that connect as told and to nobody else, and waits until all know all. */
export async function cluster(
  lab: Lab,
  size: number,
  edges: readonly Edge[],
  options: LaunchOptions = {},
): Promise<Cluster> {
  const hosts = Array.from({ length: size }, () => lab.host());
  const containers = hosts.map(() => lab.container());
  const args = ["--no-discovery", ...options.args ?? []];
  await Promise.all(hosts.map((host) => host.launch({ ...options, args })));
  await Promise.all([
    ...hosts.map((host, i) => host.connect(...peersOf(hosts, edges, i))),
    ...hosts.map((host, i) => host.attach(container(containers, i), `${addressOf(i)}/24`)),
  ]);
  await settled(hosts, edges);
  return { hosts, containers };
}

/** Addresses that a host connects to. */
export function peersOf(hosts: readonly Host[], edges: readonly Edge[], of: number): string[] {
  return edges.filter(([from]) => from === of).map(([, to]) => hosts[to]?.address ?? "");
}

/** Waits until each host sees exactly these connections, all established at both ends, and nobody else. */
export async function settled(
  hosts: readonly Host[],
  edges: readonly Edge[],
  deadlineMs = READY_MS,
): Promise<void> {
  await until(
    async () => {
      const views = await Promise.all(hosts.map((host) => host.peers()));
      const wrong = views.flatMap((view, i) => {
        const links = view.flatMap(({ connections }) => connections);
        const works = links.filter(({ established }) => established).length;
        const right = view.length === hosts.length && works === links.length &&
          works === 2 * edges.length;
        return right ? [] : [`host ${i}: ${view.length} peers, ${works}/${links.length} works`];
      });
      if (wrong.length > 0) throw new Error(wrong.join("; "));
      return true;
    },
    deadlineMs,
    `the same view of ${edges.length} connections on ${hosts.length} hosts`,
  );
}

/** Pings between all pairs at once. @returns those without an answer */
export async function silentPairs(
  containers: readonly Namespace[],
  ...options: string[]
): Promise<string[]> {
  const pairs = containers.flatMap((from, i) =>
    containers.flatMap((_, j) => i < j ? [{ from, i, j }] : [])
  );
  const silent = await Promise.all(pairs.map(async ({ from, i, j }) => {
    return await from.ping(addressOf(j), 1, ...options) === 1 ? [] : [`${i}-${j}`];
  }));
  return silent.flat();
}

/** Waits until all pairs answer. @returns after how many ms */
export async function allTalk(
  containers: readonly Namespace[],
  deadlineMs = READY_MS,
): Promise<number> {
  const start = performance.now();
  await until(
    async () => {
      const silent = await silentPairs(containers);
      if (silent.length > 0) throw new Error(`no answer: ${silent.join(" ")}`);
      return true;
    },
    deadlineMs,
    `answers between all of ${containers.length} containers`,
  );
  return Math.round(performance.now() - start);
}

/** A receiver of group and broadcast datagrams in each container. */
export class Ears implements AsyncDisposable {
  readonly #heard: readonly Background[];
  readonly #containers: readonly Namespace[];

  private constructor(containers: readonly Namespace[], heard: readonly Background[]) {
    this.#containers = containers;
    this.#heard = heard;
  }

  /** Begins to listen. */
  static async open(containers: readonly Namespace[]): Promise<Ears> {
    const heard = containers.map((at, i) =>
      receiver(at, "datagrams-in", PORT, GROUP, addressOf(i))
    );
    return new Ears(containers, await Promise.all(heard));
  }

  /**
   * Sends a stream to the group and one to the broadcast address.
   *
   * @returns what each of the others got other than once, a line each
   */
  async wrongCopies(from: number, count: number): Promise<string[]> {
    const at = container(this.#containers, from);
    const [group, all] = [`group${from}`, `all${from}`];
    await Promise.all([
      sender(at, "datagrams-out", GROUP, PORT, group, `${count}`),
      sender(at, "datagrams-out", BROADCAST, PORT, all, `${count}`),
    ]);
    const others = this.#heard.filter((_, i) => i !== from);
    const last = [`${group}-${count - 1}\n`, `${all}-${count - 1}\n`];
    const arrived = ({ output }: Background): boolean =>
      last.every((text) => output.includes(text));
    await until(() => others.every(arrived), 10_000, `the last copies of ${from}`).catch(() => {});
    await pause(QUIET_MS);
    return this.#heard.flatMap((heard, i) => {
      if (i === from) return [];
      const got = copies(heard.output);
      return [group, all].flatMap((text) => Array.from({ length: count }, (_, n) => `${text}-${n}`))
        .filter((text) => got[text] !== 1).map((text) =>
          `${i} got ${text} ${got[text] ?? 0} times`
        );
    });
  }

  /** Ends the receivers. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#heard.map((process) => process.stop()));
  }
}

/** Writes a figure that was measured to the output of the test. */
export function figure(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`figure: ${text}\n`));
}

/** How long a lab goes on, in ms: what `WEFT_SOAK_SECONDS` says, else a short time. */
export function soakMs(shortMs: number): number {
  const seconds = Number(Deno.env.get("WEFT_SOAK_SECONDS") ?? NaN);
  return Number.isFinite(seconds) ? seconds * 1000 : shortMs;
}

function container(containers: readonly Namespace[], index: number): Namespace {
  const found = containers[index];
  if (found === undefined) throw new Error(`Cannot find container ${index} of the cluster`);
  return found;
}
