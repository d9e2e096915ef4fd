/** What scripts for Weave Net use beside the commands: its calls on TCP, and containers that are started by `weft start`. */

import { equal, match } from "node:assert/strict";
import { Lab } from "../helpers/lab.ts";
import { receiver } from "../helpers/tools.ts";
import { until } from "../helpers/until.ts";

const API = "http://127.0.0.1:6784";
const READY_MS = 30_000;
const ID = "4f5e6d7c".repeat(8);

Deno.test("Weave Net's calls are answered on TCP where that was asked for, and no others", async () => {
  using lab = new Lab();
  const host = lab.host();
  const { stderr } = await host.launch({
    args: ["--http-addr", "127.0.0.1:6784", "--ipalloc-range", "10.9.0.0/24"],
  });
  match(stderr, /without a password/);
  const call = async (...words: string[]): Promise<[string, number]> => {
    const { stdout } = await host.run(["curl", "-s", "-w", "\n%{http_code}", ...words]);
    const end = stdout.lastIndexOf("\n");
    return [stdout.slice(0, end), Number(stdout.slice(end + 1))];
  };
  const [address, given] = await call("-X", "POST", `${API}/ip/somebody`);
  equal(given, 200);
  match(address, /^10\.9\.0\.\d+\/24$/);
  const name = `${API}/name/somebody/${address.split("/")[0]}`;
  equal((await call("-X", "PUT", "-d", "fqdn=some.weave.local", name))[1], 204);
  equal((await host.weft("dns-lookup", "some")).stdout, `${address.split("/")[0]}\n`);
  const bad = await call("-X", "POST", `${API}/expose/10.9.0.77/24?skipNAT=perhaps`);
  equal(bad[1], 400);
  equal(host.ip("-o", "-4", "addr").includes("10.9.0.77"), false);
  equal((await call("-X", "POST", `${API}/expose/10.9.0.77/24?skipNAT=true`))[1], 204);
  equal(host.ip("-o", "-4", "addr").includes("10.9.0.77"), true);
  equal((await call("-X", "POST", "-d", "{}", `${API}/stop`))[1], 404);
  equal((await call("-H", "Origin: http://example.org", `${API}/status`))[1], 403);
});

Deno.test("launch says that the address for Weave Net's calls is taken", async () => {
  using lab = new Lab();
  const host = lab.host();
  await using _taken = await receiver(host, "tcp-in", "6784", "1");
  const { code, stderr } = await host.tryWeft(["launch", "--http-addr", "127.0.0.1:6784"]);
  equal(code, 1);
  match(stderr, /^Cannot listen on 127\.0\.0\.1:6784, which --http-addr asks for: .*\n$/);
});

Deno.test("start has Docker start a container and attaches it", async () => {
  using lab = new Lab();
  const host = lab.host();
  await using sleeper = host.start(["unshare", "--net", "sh", "-c", "echo pid $$; exec sleep 600"]);
  await sleeper.says(/pid \d+\n/);
  const pid = Number(/pid (\d+)/.exec(sleeper.output)?.[1]);
  const socket = `${lab.directory}/docker.sock`;
  const inspected = {
    Id: ID,
    Name: "/web",
    State: { Pid: pid, Running: true },
    Config: { Hostname: "web", Domainname: "weave.local" },
  };
  const engine = Deno.serve(
    { path: socket, onListen: () => {} },
    ({ url }) =>
      url.includes("/events") ? new Response(new ReadableStream()) : Response.json(inspected),
  );
  try {
    const bin = `${lab.directory}/bin`;
    Deno.mkdirSync(bin);
    Deno.writeTextFileSync(`${bin}/docker`, '#!/bin/sh\n[ "$1" = start ] && echo "$2"\n', {
      mode: 0o755,
    });
    const env = { DOCKER_HOST: `unix://${socket}`, PATH: `${bin}:${Deno.env.get("PATH")}` };
    await host.launch({ env });
    const { code, stdout, stderr } = await host.tryWeft(
      ["start", "10.2.1.1/24", "net:10.32.7.0/24", "web"],
      { env },
    );
    equal(stdout, "web\n", stderr);
    equal(code, 0);
    match((await host.weft("ps")).stdout, /^4f5e6d7c4f5e \S+ 10\.2\.1\.1\/24 10\.32\.7\.\d+\/24$/m);
    await until(
      async () => (await host.weft("dns-lookup", "web")).stdout.includes("10.2.1.1"),
      READY_MS,
      "its name",
    );
    await host.weft("stop");
  } finally {
    await engine.shutdown();
  }
});
