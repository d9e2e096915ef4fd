/**
 * What addresses and names cost on live routers: three hosts in namespaces.
 *
 * ```
 *   deno task bench:addresses [--requests=600] [--containers=12] [--rate=5000] [--seconds=10] [--flows=500M,0]
 *
 *   requests     POST /ip/ID over the sockets of all three, 12 in flight at each; times are the caller's
 *   attach       a container without an address, over the socket and by the command
 *   names        queries from a container to the server of its host: alone, beside a TCP flow of 500 Mbit/s of the same
 *                router, and beside one that takes all it can get; and then, in the same conditions, datagrams to a server
 *                that sends them back as they are: what the asking program and the machine take alone
 * ```
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { formatIpv4, must, parseIpv4 } from "../../base/mod.ts";
import { type Asked, askForAddresses, spread } from "../helpers/address_load.ts";
import { type Host, Lab } from "../helpers/lab.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { argument } from "../helpers/run_size.ts";

const IN_FLIGHT = 12;
const READY_MS = 30_000;
const NAMES = 1000;
const [DNS_PORT, ECHO_PORT] = [53, 5300];
const FIRST_ADDRESS = parseIpv4("192.0.2.0");
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));
const DNS_RATE = fileURLToPath(new URL("./dns_rate.ts", import.meta.url));

const requests = Number(argument("requests") ?? 600);
const containers = Number(argument("containers") ?? 12);
const rate = Number(argument("rate") ?? 5_000);
const seconds = Number(argument("seconds") ?? 10);
/** As iperf3 has them; 0: no limit. */
const FLOWS = (argument("flows") ?? "500M,0").split(",");

using lab = new Lab();
const hosts = [lab.host(), lab.host(), lab.host()] as const;
await hosts[0].launch({ password: "rosebud" });
for (const host of hosts.slice(1)) {
  await host.launch({ password: "rosebud", peers: [hosts[0].address] });
}
await hosts[0].established(2, READY_MS);
if (requests > 0) await measureRequests();
if (containers > 0) await measureAttach();
await measureNames();

async function measureRequests(): Promise<void> {
  const asked = await askForAddresses(hosts, { count: requests, inFlight: IN_FLIGHT });
  const addresses = new Set(asked.map(({ address }) => address));
  say(`requests  ${asked.length}, ${addresses.size} different addresses: ${spread(asked)}`);
}

async function measureAttach(): Promise<void> {
  const ways = {
    "attach   ": (host: Host, at: Namespace): Promise<unknown> =>
      host.api.post("/attach", { container: `netns:${at.path}`, addresses: [] }),
    "command  ": (host: Host, at: Namespace): Promise<unknown> => host.attach(at),
  };
  for (const [name, attach] of Object.entries(ways)) {
    const times: Asked[] = [];
    for (let i = 0; i < containers; i++) {
      const host = must(hosts[i % hosts.length], "host");
      const at = lab.container();
      const start = performance.now();
      await attach(host, at);
      times.push({ ident: at.name, host, gone: false, ms: performance.now() - start });
    }
    say(`${name} ${containers} containers, one after the other: ${spread(times)}`);
  }
}

async function measureNames(): Promise<void> {
  const [host, other] = hosts;
  const [asker, source, sink] = [lab.container(), lab.container(), lab.container()];
  await host.attach(asker);
  await host.attach(source);
  const { stdout } = await other.weft("attach", `netns:${sink.path}`);
  const target = stdout.trim();
  const server = (await host.weft("expose")).stdout.trim();
  for (let i = 0; i < NAMES; i++) {
    await host.api.post("/dns/add", {
      addresses: [formatIpv4(FIRST_ADDRESS + i % 256)],
      fqdn: `web${i}.weave.local`,
    });
  }
  const command = [Deno.execPath(), "run", "-A", "--quiet", "--config", CONFIG, DNS_RATE];
  await using echo = host.start([...command, "--serve=echo", `--at=${server}:${ECHO_PORT}`]);
  await echo.says(/^[0-9]+$/m);
  const ask = async (port: number): Promise<string> => {
    const args = [`--server=${server}:${port}`, `--rate=${rate}`, `--seconds=${seconds}`];
    const { stdout } = await asker.run([...command, ...args, `--names=${NAMES}`], {
      timeoutMs: 1000 * seconds + READY_MS,
    });
    return stdout.trim();
  };
  const targets = [["names", DNS_PORT], ["echo ", ECHO_PORT]] as const;
  for (const [what, port] of targets) say(`${what}     alone: ${await ask(port)}`);
  for (
    const [mbits, [what, port]] of FLOWS.flatMap((flow) => targets.map((to) => [flow, to] as const))
  ) {
    await using _sink = sink.start(["iperf3", "-s", "-1", "--forceflush"]);
    await _sink.says(/listening/);
    const flow = ["iperf3", "-c", target, "-t", `${seconds + 6}`, "-b", mbits, "-f", "m"];
    const words = source.run(flow, { timeoutMs: 1000 * seconds + READY_MS, mayFail: true });
    const line = await ask(port);
    const said = await words;
    const got = /([\d.]+ Mbits\/sec) +receiver/.exec(said.stdout)?.[1] ?? said.stdout + said.stderr;
    say(`${what}     beside TCP of ${got} (${mbits === "0" ? "all" : mbits}): ${line}`);
  }
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
