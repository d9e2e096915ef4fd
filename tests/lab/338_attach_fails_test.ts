/** What is left when an attach or an expose fails half way: nothing, or what is still in use. */

import { deepEqual, equal, match } from "node:assert/strict";
import { Lab } from "../helpers/lab.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { until } from "../helpers/until.ts";

const ID = "5a".repeat(32);
const READY_MS = 10_000;

/** An engine that knows one container. */
function engine(path: string, pid: number, more: Record<string, unknown>): Deno.HttpServer {
  return Deno.serve({ path, onListen: () => {} }, ({ url }) => {
    const container = { Id: ID, Name: "/web", State: { Running: true, Pid: pid }, HostConfig: {} };
    return url.endsWith("/json") && url.includes("/web/")
      ? Response.json({ ...container, ...more })
      : new Response(null, { status: 404 });
  });
}

/** A process that was just started may not be in its namespace yet. */
function pidIn(container: Namespace): Promise<number> {
  return until(() => container.pids()[0], READY_MS, "its process");
}

Deno.test("a container keeps its address when its name cannot be registered", async () => {
  using lab = new Lab();
  const host = lab.host();
  const container = lab.container();
  await using process = container.start(["sleep", "60"]);
  const pid = await pidIn(container);
  const socket = `${lab.directory}/engine.sock`;
  await using _engine = engine(socket, pid, {
    Config: { Hostname: "web.", Domainname: "weave.local" },
  });
  const env = { DOCKER_HOST: `unix://${socket}` };
  await host.launch({ env });
  const { code, stdout, stderr } = await host.tryWeft(["attach", "web"], { env });
  equal(code, 0, stderr);
  match(container.ip("-o", "-4", "address"), new RegExp(` ${stdout.trim()}/`));
  const { owned } = JSON.parse(await host.api.get("/ip"));
  deepEqual(owned, [{ containerid: ID, addrs: [`${stdout.trim()}/12`] }]);
  match(stderr, /web\.\.weave\.local/);
  await process.stop();
});

Deno.test("a name is not registered for an address that the host did not get", async () => {
  using lab = new Lab();
  const host = lab.host();
  await host.launch();
  host.ip("link", "delete", "weft");
  const { code, stderr } = await host.tryWeft(["expose", "-h", "host.weave.local"]);
  equal(code, 1);
  match(stderr, /weft/);
  equal((await host.weft("status", "dns")).stdout, "");
  equal(JSON.parse(await host.api.get("/ip")).owned, null);
});

Deno.test("an address is not left to the host when its name is refused", async () => {
  using lab = new Lab();
  const host = lab.host();
  await host.launch();
  const { code, stderr } = await host.tryWeft(["expose", "-h", "host.example.org"]);
  equal(code, 1);
  match(stderr, /not in the domain/);
  equal((await host.weft("ps")).stdout, "");
  equal(JSON.parse(await host.api.get("/ip")).owned, null);
});

Deno.test("a hosts file has all addresses of its container, not those of the last attach alone", async () => {
  using lab = new Lab();
  const host = lab.host();
  const container = lab.container();
  await using process = container.start(["sleep", "60"]);
  const pid = await pidIn(container);
  const [socket, HostsPath] = [`${lab.directory}/engine.sock`, `${lab.directory}/hosts`];
  await Deno.writeTextFile(HostsPath, "");
  await using _engine = engine(socket, pid, { HostsPath });
  const env = { DOCKER_HOST: `unix://${socket}` };
  await host.launch({ env });
  for (const address of ["10.2.1.1/24", "10.2.2.1/24"]) {
    const { code, stderr } = await host.tryWeft(["attach", "--rewrite-hosts", address, "web"], {
      env,
    });
    equal(code, 0, stderr);
  }
  const lines = (await Deno.readTextFile(HostsPath)).split("\n");
  deepEqual(lines.slice(1, 3), ["10.2.1.1 web", "10.2.2.1 web"]);
  await process.stop();
});
