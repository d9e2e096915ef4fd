/**
 * The router of Weave Net, if somebody has built one (docs/performance.md says how it is run).
 *
 * @module
 */

import { join } from "node:path";
import type { Host } from "../../../helpers/lab.ts";
import { runSync } from "../../../helpers/namespace.ts";
import { until } from "../../../helpers/until.ts";
import { programVersion } from "../programs.ts";
import { ADDRESSES, attach, type End, type Ends, MTU, type Site } from "../site.ts";
import type { Variant } from "./variant.ts";

const VARIABLE = "WEFT_BENCH_WEAVE_ROUTER";
/** The bridge that it makes. */
const BRIDGE = "weave";
const READY_MS = 20_000;
const PASSWORD = "a password for a minute";

const router = Deno.env.get(VARIABLE) ?? "";

/** With and without a password, and one with weft at the other end. */
export const weave: readonly Variant[] = [variant(true), variant(false), mixed()];

function variant(encrypted: boolean): Variant {
  return {
    name: encrypted ? "weave" : "weave-plain",
    title: `Weave Net, sleeve${encrypted ? "" : ", no password"}`,
    cipher: encrypted ? "XSalsa20-Poly1305" : "none",
    layer: 2,
    hops: 0,
    needs: router === "" ? [] : [router],
    version: () => programVersion(router, "--version"),
    refuses: () => router === "" ? `${VARIABLE} names no router of Weave Net` : undefined,
    open: (site) => {
      const ends = site.bareContainers();
      const configuration = [
        `--no-fastdp --no-dns --docker-api=, ${encrypted ? "with" : "without"} a password`,
        `bridge "${BRIDGE}" with MTU ${MTU}, containers with "ethtool -K ethwe tx off", without which TCP hangs`,
      ];
      return { ends, configuration, start: () => start(site, ends, encrypted) };
    },
  };
}

/** A cluster on the move: one host runs weft, the other does not yet. */
function mixed(): Variant {
  return {
    ...variant(true),
    name: "weft-weave",
    title: "weft and Weave Net, sleeve",
    open: (site) => {
      const ends = site.bareContainers();
      const configuration = [
        `weft launch --mtu ${MTU} at one end; at the other as the two of Weave Net, with a password`,
      ];
      return { ends, configuration, start: () => startMixed(site, ends) };
    },
  };
}

async function startMixed(site: Site, ends: Ends): Promise<readonly string[]> {
  const [ours, theirs] = site.outer;
  const args = ["--mtu", `${MTU}`, "--no-discovery", "--status-addr="];
  await ours.launch({ args, peers: [], password: PASSWORD });
  await ours.attach(ends[0].at, `${ADDRESSES[0]}/24`);
  launch(site, theirs, 2, [`--password=${PASSWORD}`, ours.address]);
  await prepare(theirs, ends[1]);
  return [];
}

async function start(site: Site, ends: Ends, encrypted: boolean): Promise<readonly string[]> {
  const [a, b] = site.outer;
  const more = encrypted ? [`--password=${PASSWORD}`] : [];
  launch(site, a, 1, more);
  launch(site, b, 2, [...more, a.address]);
  await Promise.all(site.outer.map((host, i) => prepare(host, ends[i as 0 | 1])));
  return [];
}

/** Waits for a router, and joins a container to its bridge. */
async function prepare(host: Host, end: End): Promise<void> {
  await until(() => answers(host), READY_MS, `an answer of the router on ${host.name}`);
  for (const device of [BRIDGE, "vethwe-bridge", "vethwe-pcap"]) {
    host.ip("link", "set", device, "up");
  }
  attach(host, BRIDGE, end);
  await end.at.run(["ethtool", "-K", end.device, "tx", "off"]);
}

/** It looks at process 1 and at the host's name, and remembers peers in its working directory. */
function launch(site: Site, host: Host, number: number, more: readonly string[]): void {
  const directory = join(site.directory, `router${number}`);
  Deno.mkdirSync(directory);
  const script = `hostname bench${number}; cd ${directory}; exec "$@"`;
  site.daemon(host, [
    ...["unshare", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"],
    ...["sh", "-c", script, "sh", router, `--name=02:00:00:00:00:0${number}`, "--no-fastdp"],
    ...["--docker-api=", "--no-dns", "--http-addr=127.0.0.1:6784", `--db-prefix=${directory}/db`],
    ...["--ipalloc-range=10.32.0.0/12", ...more],
  ]);
}

function answers(host: Host): boolean {
  const request = "GET /status HTTP/1.0\\r\\n\\r\\n";
  const ask = `printf '${request}' | nc -w 1 127.0.0.1 6784`;
  const { stdout } = runSync(["ip", "netns", "exec", host.name, "sh", "-c", ask], {
    mayFail: true,
  });
  return stdout.includes("200 OK");
}
