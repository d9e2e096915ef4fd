/** What is left when an attach or an expose fails half way: nothing, or what is still in use. */

import { deepEqual, equal, match } from "node:assert/strict";
import { Lab } from "../helpers/lab.ts";

const ID = "5a".repeat(32);

/** An engine that knows one container. */
function engine(path: string, pid: number, more: Record<string, unknown>): Deno.HttpServer {
  return Deno.serve({ path, onListen: () => {} }, ({ url }) => {
    const container = { Id: ID, Name: "/web", State: { Running: true, Pid: pid }, HostConfig: {} };
    return url.endsWith("/json") && url.includes("/web/")
      ? Response.json({ ...container, ...more })
      : new Response(null, { status: 404 });
  });
}

Deno.test("a container keeps its address when its name cannot be registered", async () => {
  using lab = new Lab();
  const host = lab.host();
  const container = lab.container();
  await using process = container.start(["sleep", "60"]);
  const [pid = 0] = container.pids();
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
  const [pid = 0] = container.pids();
  const [socket, HostsPath] = [`${lab.directory}/engine.sock`, `${lab.directory}/hosts`];
  await Deno.writeTextFile(HostsPath, "");
  await using _engine = engine(socket, pid, { HostsPath });
  const env = { DOCKER_HOST: `unix://${socket}` };
  await host.launch({ env });
  for (const address of ["10.2.1.1/24", "10.2.2.1/24"]) {
    await host.tryWeft(["attach", "--rewrite-hosts", address, "web"], { env });
  }
  const lines = (await Deno.readTextFile(HostsPath)).split("\n");
  deepEqual(lines.slice(1, 3), ["10.2.1.1 web", "10.2.2.1 web"]);
  await process.stop();
});
