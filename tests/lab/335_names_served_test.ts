/** The name server of a router, asked from a container: all kinds of questions, dead servers of the host, noise. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { must } from "../../base/mod.ts";
import { figure } from "../helpers/cluster.ts";
import type { Told } from "../helpers/dns.ts";
import { type Host, Lab } from "../helpers/lab.ts";
import type { Background, Namespace } from "../helpers/namespace.ts";
import { residentBytes } from "../helpers/process.ts";
import { until } from "../helpers/until.ts";

/** 200,000 at an acceptance. */
const NOISE = Number(Deno.env.get("WEFT_NOISE") ?? 10_000);
const READY_MS = 30_000;
const LONG_MS = 60_000;
const MANY = 60;
const [DEAD, GOOD] = ["192.0.2.251", "192.0.2.252"];
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

type Answer = Told & { readonly ms: number };

function program(name: string, ...args: string[]): string[] {
  const path = fileURLToPath(new URL(`../helpers/${name}`, import.meta.url));
  return [Deno.execPath(), "run", "-A", "--quiet", "--config", CONFIG, path, ...args];
}

/** Asks from a namespace. @returns an answer for each question */
async function put(at: Namespace, server: string, ...questions: string[]): Promise<Answer[]> {
  const { stdout } = await at.run(program("dns_query.ts", server, ...questions), {
    timeoutMs: LONG_MS,
  });
  return stdout.trim().split("\n").map((line) => JSON.parse(line));
}

async function upstream(host: Host, address: string, ...mode: string[]): Promise<Background> {
  host.ip("addr", "add", `${address}/32`, "dev", "lo");
  const server = host.start(program("dns_upstream.ts", address, ...mode));
  await server.says(/^ready$/m);
  return server;
}

Deno.test("a container asks the name server of its host", async (t) => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host()] as const;
  const [host, other] = hosts;
  const resolvConf = `${lab.directory}/resolv.conf`;
  Deno.writeTextFileSync(
    resolvConf,
    `search example.org\nnameserver ${DEAD}\nnameserver ${GOOD}\n`,
  );
  await using dead = await upstream(host, DEAD, "silent");
  await using good = await upstream(host, GOOD);
  await host.launch({ password: "rosebud", args: ["--resolv-conf", resolvConf] });
  await other.launch({ password: "rosebud", peers: [host.address] });
  await other.established(1, READY_MS);
  const container = lab.container();
  await host.weft("attach", `netns:${container.path}`);
  const server = (await host.weft("expose")).stdout.trim();

  // Names of the other host: they come by the mesh.
  await other.weft("dns-add", "192.0.2.77", "-h", "web.weave.local");
  for (let i = 0; i < MANY; i++) {
    await other.api.post("/dns/add", {
      addresses: [`192.0.2.${100 + i}`],
      fqdn: "many.weave.local",
    });
  }
  const all = async (): Promise<boolean> =>
    (await put(container, server, "many.weave.local A tcp"))[0]?.answers.length === MANY;
  await until(all, READY_MS, `${MANY} addresses of one name`);

  await t.step("names of the mesh: A, other types, unknown, mixed case, PTR", async () => {
    const told = await put(
      container,
      server,
      "web.weave.local A",
      "wEb.WEAVE.local A",
      "web A",
      "web.weave.local AAAA",
      "web.weave.local MX",
      "nope.weave.local A",
      "nope.weave.local AAAA",
      "77.2.0.192.in-addr.arpa PTR",
    );
    const short = told.map(({ rcode, question, answers }) => [rcode, question, ...answers]);
    deepEqual(short, [
      ["NOERROR", "web.weave.local A", "web.weave.local 1 A 192.0.2.77"],
      ["NOERROR", "wEb.WEAVE.local A", "wEb.WEAVE.local 1 A 192.0.2.77"],
      ["NOERROR", "web A", "web 1 A 192.0.2.77"],
      ["NOERROR", "web.weave.local AAAA"],
      ["NOERROR", "web.weave.local MX"],
      ["NXDOMAIN", "nope.weave.local A"],
      ["NXDOMAIN", "nope.weave.local AAAA"],
      [
        "NOERROR",
        "77.2.0.192.in-addr.arpa PTR",
        "77.2.0.192.in-addr.arpa 1 PTR web.weave.local",
      ],
    ]);
    deepEqual(told.map(({ id }) => id), told.map((_, i) => i + 1));
    for (const { flags } of told.slice(0, 3)) match(flags, /^qr aa .*ra$/);
  });

  await t.step(`a name with ${MANY} addresses: cut by UDP, whole by EDNS and TCP`, async () => {
    const name = "many.weave.local A";
    const [udp, edns, tcp] = await put(container, server, name, `${name} edns=4096`, `${name} tcp`);
    const cut = must(udp, "answer");
    match(cut.flags, /\btc\b/);
    ok(cut.length <= 512 && cut.answers.length > 0, `${cut.length} bytes`);
    for (const whole of [must(edns, "answer"), must(tcp, "answer")]) {
      equal(/\btc\b/.test(whole.flags), false);
      equal(new Set(whole.answers).size, MANY);
    }
    ok(edns?.edns, "an OPT record is answered with one");
    figure(`${cut.answers.length} of ${MANY} addresses in ${cut.length} bytes by UDP`);
  });

  await t.step("other names are asked of the host's servers; a dead one costs little", async () => {
    const names = ["one", "two", "three", "four"].map((name) => `${name}.example.net A`);
    const told = await put(container, server, ...names);
    const answers = told.map(({ answers }) => answers[0]?.replace(/ \d+ /, " "));
    deepEqual(answers, names.map((name) => `${name} 192.0.2.80`));
    for (const name of names) match(good.output, new RegExp(`^asked ${name}$`, "m"));
    figure(`one dead server of two: ${told.map(({ ms }) => ms).join(", ")} ms`);
    // Whatever is ours, or has no dot, is nobody else's business.
    await put(container, server, "hidden.weave.local A", "hidden A");
    equal(/hidden/.test(`${good.output}${dead.output}`), false);
  });

  await t.step("all servers of the host dead: an answer that says so", async () => {
    await good.stop();
    const [first, second] = await put(container, server, "five.example.net A", "six.example.net A");
    equal(first?.rcode, "SERVFAIL");
    equal(second?.rcode, "SERVFAIL");
    figure(`no server at all: SERVFAIL after ${first?.ms} and ${second?.ms} ms`);
    const [local] = await put(container, server, "web.weave.local A");
    equal(local?.answers.length, 1);
  });

  const pid = host.routerPid();
  const resident: number[] = [residentBytes(pid)];
  for (const round of ["", " once more"]) {
    await t.step(`${NOISE} datagrams of noise leave it serving${round}`, async () => {
      const counters = await countersOf(host);
      const [noise] = await put(container, server, `noise=${NOISE}`);
      const start = performance.now();
      const serves = async (): Promise<boolean> =>
        (await put(container, server, "web.weave.local A"))[0]?.answers?.length === 1;
      await until(serves, READY_MS, "an answer after the noise");
      const after = performance.now() - start;
      figure(`noise of ${noise?.ms} ms; an answer ${after.toFixed(0)} ms after it`);
      equal(host.routerPid(), pid);
      const now = await countersOf(host);
      // A veth pair keeps none: what was sent was taken, or the kernel had no room for it and says so.
      const accounted = now.queries + now.dropped - counters.queries - counters.dropped;
      ok(accounted >= NOISE, `${accounted} of ${NOISE} are known of`);
      resident.push(residentBytes(pid));
      const grown = (must(resident.at(-1), "size") - must(resident.at(-2), "size")) / 1e6;
      figure(`after ${NOISE} datagrams ${grown.toFixed(1)} MB more; ${JSON.stringify(now)}`);
    });
  }
});

async function countersOf(host: Host): Promise<{ queries: number; dropped: number }> {
  return JSON.parse(await host.api.get("/status", "json")).dns.counters;
}
