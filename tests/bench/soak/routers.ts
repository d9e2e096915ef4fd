/**
 * Two sealed routers that tell of garbage and change keys often, and what can be asked about them.
 *
 * @module
 */

import { type Host, type Lab, WEFT } from "../../helpers/lab.ts";
import type { Background } from "../../helpers/namespace.ts";
import { byShuttle } from "../../helpers/shuttle_lab.ts";
import { until } from "../../helpers/until.ts";
import { memoryOf } from "../end_to_end/cpu.ts";
import { ADDRESSES, type Ends, MTU, Site } from "../end_to_end/site.ts";
import { type Collections, collections } from "./gc_log.ts";
import { type Counters, deviceDrops, type HostCounts, since, udpErrors } from "./ledger.ts";

const PASSWORD = "a password for some minutes";
const READY_MS = 45_000;
const SETTLED_MS = 15_000;
const TAP = "weft-tap";

/** What both hosts have counted so far. */
export type BothCounts = readonly [HostCounts, HostCounts];

/** Both routers, with a container each. */
export class SoakedRouters {
  /** Where traffic enters and leaves. */
  readonly ends: Ends;
  /** Their hosts. */
  readonly hosts: readonly [Host, Host];
  readonly #daemons: readonly [Background, Background];
  readonly #startedAt: number;

  private constructor(site: Site, ends: Ends, daemons: readonly [Background, Background]) {
    this.ends = ends;
    this.hosts = site.outer;
    this.#daemons = daemons;
    this.#startedAt = performance.now();
  }

  /** Starts them and waits until frames go by shuttle. @param rekeySeconds age of a key that is replaced */
  static async start(lab: Lab, rekeySeconds: number): Promise<SoakedRouters> {
    const site = new Site(lab, "soak", 0);
    const ends = site.bareContainers();
    const [first, second] = site.outer;
    const daemon = (host: Host, ...peers: string[]): Background =>
      site.daemon(host, words(...peers), {
        ...host.env,
        WEFT_PASSWORD: PASSWORD,
        WEFT_TEST_REKEY_SECONDS: `${rekeySeconds}`,
        WEFT_V8_FLAGS: "--trace-gc",
      });
    const daemons = [daemon(first), daemon(second, first.address)] as const;
    const routers = new SoakedRouters(site, ends, daemons);
    try {
      await Promise.all(site.outer.map((host, i) => ready(host, ends, i as 0 | 1)));
      await byShuttle(site.outer);
    } catch (error) {
      throw new Error(`${(error as Error).message} (it said: ${site.lastWords()})`);
    }
    return routers;
  }

  /** Returns what has been counted so far, when nothing is under way but heartbeats. */
  async counters(): Promise<BothCounts> {
    let last = await this.#counters();
    const still = async (): Promise<BothCounts | undefined> => {
      const now = await this.#counters();
      // The hosts are asked one after the other: nothing may have been sent meanwhile.
      const same = now.every(({ router }, i) =>
        ["udpSent", "udpReceived"].every((name) => router[name] === last[i as 0 | 1].router[name])
      );
      last = now;
      return same ? now : undefined;
    };
    return await until(still, SETTLED_MS, "a moment in which no datagram is under way");
  }

  async #counters(): Promise<BothCounts> {
    const of = async (host: Host): Promise<HostCounts> => {
      const status = JSON.parse(await host.api.get("/report", "json"));
      const router: Counters = status.Router.CaptureStats;
      const [pid] = host.pids();
      const devices = Deno.readTextFileSync(`/proc/${pid}/net/dev`);
      const underlay = host === this.hosts[0] ? "right" : "left";
      const lost = deviceDrops(devices, underlay);
      return {
        router,
        tapQueueDrops: deviceDrops(devices, TAP).tx,
        socketDrops: udpErrors(Deno.readTextFileSync(`/proc/${pid}/net/snmp`)) + lost.rx + lost.tx,
      };
    };
    return [await of(this.hosts[0]), await of(this.hosts[1])];
  }

  /** Returns the resident memory of both. */
  rssBytes(): [number, number] {
    const [first, second] = this.hosts;
    return [memoryOf(first.pids()), memoryOf(second.pids())];
  }

  /** Returns how many keys both have taken so far. */
  keys(): [number, number] {
    const count = ({ output }: Background): number => [...output.matchAll(/ new key /g)].length;
    return [count(this.#daemons[0]), count(this.#daemons[1])];
  }

  /** Ends them. @returns the collections of each between two moments of `performance.now()` */
  async stop([from, to]: readonly [number, number]): Promise<[Collections[], Collections[]]> {
    const of = async (i: 0 | 1): Promise<Collections[]> => {
      await this.hosts[i].weft("stop");
      // What V8 writes is whole only when the process has ended.
      const { stdout } = await this.#daemons[i].done();
      return collections(stdout, from - this.#startedAt, to - this.#startedAt);
    };
    return [await of(0), await of(1)];
  }
}

/** Returns what was counted between two looks. */
export function countsBetween(before: BothCounts, after: BothCounts): BothCounts {
  const of = (i: 0 | 1): HostCounts => ({
    router: since(before[i].router, after[i].router),
    tapQueueDrops: after[i].tapQueueDrops - before[i].tapQueueDrops,
    socketDrops: after[i].socketDrops - before[i].socketDrops,
  });
  return [of(0), of(1)];
}

function words(...peers: readonly string[]): string[] {
  // Keys are told of at this level.
  const settings = ["--log-level=debug", "--no-discovery", `--mtu=${MTU}`, "--status-addr="];
  // Linux shares the CPUs out between sessions first (sched(7), autogroup). A router has one of its own, whoever starts it;
  // in that of the programs at the ends its raised priority would be at their cost.
  return ["setsid", WEFT, "launch", "--foreground", ...settings, ...peers];
}

async function ready(host: Host, ends: Ends, i: 0 | 1): Promise<void> {
  await until(() => host.api.get("/status"), READY_MS, `an answer of the router on ${host.name}`);
  await host.attach(ends[i].at, `${ADDRESSES[i]}/24`);
}
