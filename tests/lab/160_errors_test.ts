/** What a user reads when something cannot be: one line with the remedy, and the exit code. */

import { equal, match } from "node:assert/strict";
import { Lab, WEFT } from "../helpers/lab.ts";
import type { Output } from "../helpers/namespace.ts";
import { receiver } from "../helpers/tools.ts";

/** One line on standard error, nothing on standard output. */
function refused(output: Output, code: number, pattern: RegExp): void {
  const said = output.stderr.trim();
  equal(output.code, code, said);
  match(said, pattern);
  equal(said.split("\n").length, 1, said);
  equal(output.stdout, "");
}

Deno.test("errors that a user sees", async (t) => {
  using lab = new Lab();
  const host = lab.host();
  const [first, second] = [lab.container(), lab.container()];

  await t.step("router not running", async () => {
    refused(await host.tryWeft(["status"]), 7, /not running.*launch/);
    refused(await host.tryWeft(["attach", "10.2.1.1/24", `netns:${first.path}`]), 7, /launch/);
  });

  await t.step("not root", async () => {
    // May read everything, since the tree can lie anywhere, but is nobody.
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const reads = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"];
    const output = await host.run([...nobody, ...reads, WEFT, "launch"], {
      env: host.env,
      mayFail: true,
    });
    refused(output, 1, /root/);
  });

  await t.step("no /dev/net/tun", async () => {
    const hide = `mount -t tmpfs none /dev/net && exec "$0" launch`;
    const output = await host.run(["unshare", "-m", "sh", "-c", hide, WEFT], {
      env: host.env,
      mayFail: true,
    });
    refused(output, 1, /\/dev\/net\/tun/);
  });

  await t.step("port in use", async () => {
    await using _taken = await receiver(host, "tcp-in", "6783", "1");
    refused(await host.tryWeft(["launch"]), 1, /6783.*in use|in use.*6783/);
  });

  await t.step("UDP port in use", async () => {
    await using _taken = await receiver(host, "datagrams-in", "6783");
    refused(await host.tryWeft(["launch"]), 1, /6783.*in use|in use.*6783/);
  });

  await t.step("bad values of launch", async () => {
    refused(await host.tryWeft(["launch", "--port", "99999"]), 1, /99999/);
    refused(await host.tryWeft(["launch", "--mtu", "many"]), 1, /many/);
  });

  await host.launch();

  await t.step("bad CIDR", async () => {
    const output = await host.tryWeft(["expose", "10.2.1.300/24"]);
    refused(output, 1, /10\.2\.1\.300\/24/);
    const attach = await host.tryWeft(["attach", "10.2.1.1/33", `netns:${first.path}`]);
    refused(attach, 1, /10\.2\.1\.1\/33/);
  });

  await t.step("unknown container", async () => {
    refused(await host.tryWeft(["attach", "10.2.1.1/24", "pid:4194999"]), 1, /pid:4194999|4194999/);
    refused(await host.tryWeft(["attach", "10.2.1.1/24", "netns:/run/netns/none"]), 1, /none/);
    const named = await host.tryWeft(["attach", "10.2.1.1/24", "nosuch"], {
      env: { DOCKER_HOST: `unix://${lab.directory}/none.sock` },
    });
    equal(named.code, 1);
    match(named.stderr, /nosuch/);
  });

  await t.step("address that another container holds", async () => {
    await host.attach(first, "10.2.1.1/24");
    const output = await host.tryWeft(["attach", "10.2.1.1/24", `netns:${second.path}`]);
    refused(output, 1, /10\.2\.1\.1.*(held|owned)/);
    equal(second.ip("-o", "link").includes("ethwe"), false);
  });

  await t.step("unknown command and unknown option", async () => {
    const command = await host.tryWeft(["lunch"]);
    equal(command.code, 1);
    match(command.stderr, /lunch/);
    const option = await host.tryWeft(["launch", "--no-such"]);
    equal(option.code, 1);
    match(option.stderr, /--no-such/);
  });

  await t.step("help and version work without a router", async () => {
    await host.weft("stop");
    const help = await host.weft("help");
    match(help.stdout, /launch/);
    match((await host.weft("version")).stdout, /\d+\.\d+/);
  });
});
