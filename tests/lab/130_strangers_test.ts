/** Who may not join, what it is told, and that the good peer notices nothing. */

import { equal, match, ok } from "node:assert/strict";
import { addressOf, type Host, Lab, pair } from "../helpers/lab.ts";
import { sender, started } from "../helpers/tools.ts";
import { until } from "../helpers/until.ts";

const PORT = "6783";
const NOISE_BYTES = "1000000";
const REASON_MS = 10_000;
/** What is promised for connections that say nothing, and three seconds to count them. */
const IDLE_MS = 48_000;

/** Waits for words in `status connections` of the host or, for one that was dialled, in its log. */
async function tells(host: Host, pattern: RegExp): Promise<void> {
  await until(
    async () => pattern.test((await host.connections()).join("\n") + host.log()),
    REASON_MS,
    `${host.name} saying ${pattern}`,
  );
}

function descriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

Deno.test("strangers", async (t) => {
  using lab = new Lab();
  const { hosts: [good, peer], containers: [near] } = await pair(lab, { password: "rosebud" });
  const pid = good.routerPid();
  const before = descriptors(pid);
  const outside = lab.host();

  const served = async (): Promise<void> => {
    equal(good.routerPid(), pid);
    equal(await near.ping(addressOf(2), 3), 3);
    ok((await peer.connections()).some((line) => /established/.test(line)));
  };

  await using idle = started(outside, "idle-tcp", good.address, PORT, "200");
  await idle.says(/^open [1-9]/m);
  const idleSince = performance.now();

  await t.step("another password is refused with the reason on both sides", async () => {
    const wrong = lab.host();
    await wrong.launch({ password: "another one", peers: [good.address] });
    await tells(wrong, /password/i);
    await tells(good, /password/i);
    await served();
    await wrong.weft("stop");
  });

  await t.step("a peer without a password learns that one is needed", async () => {
    const plain = lab.host();
    await plain.launch({ peers: [good.address] });
    await tells(plain, /password/i);
    await served();
    await plain.weft("stop");
  });

  await t.step("a peer with a password is refused by one that has none", async () => {
    const [open, secret] = [lab.host(), lab.host()];
    await open.launch();
    await secret.launch({ password: "rosebud", peers: [open.address] });
    await tells(secret, /password/i);
    await tells(open, /password/i);
    await secret.weft("stop");
    await open.weft("stop");
  });

  await t.step("another protocol and noise on TCP change nothing", async () => {
    const request =
      `printf 'GET / HTTP/1.1\\r\\nHost: example.org\\r\\n\\r\\n' | nc -w 2 ${good.address} ${PORT}`;
    await outside.run(["sh", "-c", request], { mayFail: true });
    const noise = await sender(outside, "noise-tcp", good.address, PORT, NOISE_BYTES);
    match(noise.stdout, /closed/);
    await tells(good, new RegExp(outside.address.replaceAll(".", "\\.")));
    await served();
  });

  await t.step("noise on UDP changes nothing", async () => {
    await sender(outside, "noise-udp", good.address, PORT, NOISE_BYTES);
    await served();
  });

  await t.step("the same noise is not told again and again", () => {
    const lines = good.log().split("\n").filter((line) => line.includes(outside.address));
    ok(lines.length < 40, `${lines.length} lines about ${outside.address}`);
  });

  await t.step(
    "two hundred connections that say nothing are gone, with their descriptors",
    async () => {
      const left = Math.max(1000, IDLE_MS - (performance.now() - idleSince));
      await until(() => /open 0\n$/.test(idle.output), left, "the last idle connection closing");
      await until(() => descriptors(pid) <= before, 5000, `${before} descriptors again`);
      await served();
    },
  );
});
