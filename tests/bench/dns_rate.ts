/**
 * How many queries a second the name server answers, how long each takes, and what it costs.
 *
 * ```
 *   deno run -A tests/bench/dns_rate.ts [--rate=5000] [--seconds=5] [--names=1000]
 *
 *   deno run -A tests/bench/dns_rate.ts --server=10.32.0.1:53      a running server that knows web0, web1 ... of weave.local
 *   deno run -A tests/bench/dns_rate.ts --serve=echo --at=10.32.0.1:5300      the server of datagrams as they are, alone
 *
 *   server: this program again, in a process of its own       client: asks for names at an even pace, by UDP on loopback
 * ```
 *
 * Prints what was asked and answered, the times in ms, and the processor time of the server for one query, with that of a
 * server that sends each datagram back as it is: what the runtime's sockets cost alone.
 *
 * @module
 */

import { createLogger, formatIp, parseEndpoint } from "../../base/mod.ts";
import type { NameAddress } from "../../container/dns/records.ts";
import { startDns } from "../../container/dns/server_shell.ts";
import { ask, tableOf } from "../helpers/dns.ts";
import { argument } from "../helpers/run_size.ts";

const HOST = "127.0.0.1";
const TICKS_PER_SECOND = 100;
/** Queries that are sent together. */
const STEP_MS = 2;

const rate = Number(argument("rate") ?? 5_000);
const seconds = Number(argument("seconds") ?? 5);
const count = Number(argument("names") ?? 1_000);
const serve = argument("serve");

const server = argument("server");

if (server !== undefined) await measureRunning(server);
else if (serve === "names") serveNames();
else if (serve === "echo") await serveEcho();
else for (const kind of ["names", "echo"]) await measure(kind);

function serveNames(): void {
  const entries = Array.from({ length: count }, (_, i) => {
    const ips = [`10.32.${i >> 8}.${i & 255}`];
    return [`web${i}.weave.local.`, ips] as const;
  });
  const table = tableOf(Object.fromEntries(entries));
  const byName = new Map<string, readonly NameAddress[]>();
  for (const [name] of entries) byName.set(name, table.addressesOf(name));
  const names = { ...table, addressesOf: (name: string) => byName.get(name) ?? [] };
  const write = (): void => {};
  const server = startDns({
    domain: "weave.local.",
    ttlSeconds: 1,
    listen: [`${HOST}:0`],
    resolvConf: undefined,
    servers: [],
    timeoutMs: 2_000,
  }, { log: createLogger("dns", { level: "error", write, now: () => new Date() }), names });
  say(String(server.port));
}

async function serveEcho(): Promise<void> {
  const { ip, port } = parseEndpoint(argument("at") ?? `${HOST}:0`);
  const socket = Deno.listenDatagram({ transport: "udp", hostname: formatIp(ip), port });
  say(String((socket.addr as Deno.NetAddr).port));
  const buffer = new Uint8Array(4096);
  for (;;) {
    const [bytes, from] = await socket.receive(buffer);
    await socket.send(bytes, from);
  }
}

async function measureRunning(server: string): Promise<void> {
  const { ip, port } = parseEndpoint(server);
  const to = { transport: "udp" as const, hostname: formatIp(ip), port };
  await load(to, rate, 2);
  const { sent, times } = await load(to, rate, seconds);
  say(told(sent, times));
}

function told(sent: number, times: number[]): string {
  times.sort((a, b) => a - b);
  const at = (part: number): string => (times[Math.floor(times.length * part)] ?? NaN).toFixed(2);
  return `asked ${sent}, answered ${times.length} in ${seconds} s: p50 ${at(0.5)} ms, ` +
    `p99 ${at(0.99)} ms, p99.9 ${at(0.999)} ms`;
}

async function measure(kind: string): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", import.meta.filename ?? "", `--serve=${kind}`, `--names=${count}`],
    stdout: "piped",
  }).spawn();
  try {
    const reader = child.stdout.getReader();
    const port = Number(new TextDecoder().decode((await reader.read()).value));
    const to = { transport: "udp" as const, hostname: HOST, port };
    await reader.cancel();
    // The first ones are for the compiler.
    await load(to, rate, 2);
    const before = processorMs(child.pid);
    const { sent, times } = await load(to, rate, seconds);
    const cost = (processorMs(child.pid) - before) * 1000 / times.length;
    say(`${kind.padEnd(6)} ${told(sent, times)}; server ${cost.toFixed(1)} us a query`);
  } finally {
    child.kill("SIGKILL");
    await child.status;
  }
}

/** Asks at an even pace, whether answers come or not. */
async function load(to: Deno.NetAddr, perSecond: number, duration: number): Promise<Load> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  const begun = new Float64Array(65_536);
  const times: number[] = [];
  const reading = (async (): Promise<void> => {
    const buffer = new Uint8Array(4096);
    for (;;) {
      const got = await socket.receive(buffer).catch(() => undefined);
      if (got === undefined) return;
      const [bytes] = got;
      times.push(performance.now() - (begun[(bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)] ?? 0));
    }
  })();
  const queries = Array.from({ length: count }, (_, i) => ask(`web${i}.weave.local`, "A"));
  const start = performance.now();
  const total = perSecond * duration;
  let sent = 0;
  while (sent < total) {
    const due = Math.min(total, Math.floor((performance.now() - start) * perSecond / 1000));
    for (; sent < due; sent++) {
      const bytes = queries[sent % count] ?? new Uint8Array();
      const id = sent & 0xffff;
      bytes[0] = id >> 8;
      bytes[1] = id & 255;
      begun[id] = performance.now();
      await socket.send(bytes, to);
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  socket.close();
  await reading;
  return { sent, times };
}

interface Load {
  readonly sent: number;
  readonly times: number[];
}

function processorMs(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 1000 / TICKS_PER_SECOND;
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}
