/** Names are answered on the bridge of Docker, which may come after the router, and may change its address. */

import { equal, match } from "node:assert/strict";
import { type Host, Lab } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

const READY_MS = 15_000;
const [FIRST, SECOND] = ["198.51.100.1", "198.51.100.2"];

async function answersAt(host: Host): Promise<string | undefined> {
  return /^ *Address: (.*)$/m.exec((await host.weft("status")).stdout)?.[1];
}

Deno.test("names are answered on the bridge of Docker when it comes after the router", async () => {
  using lab = new Lab();
  const host = lab.host();
  await host.launch();
  equal(await answersAt(host), "none");

  host.ip("link", "add", "docker0", "type", "bridge");
  host.ip("addr", "add", `${FIRST}/24`, "dev", "docker0");
  host.ip("link", "set", "docker0", "up");
  await until(async () => await answersAt(host) === `${FIRST}:53`, READY_MS, "Docker's address");
  match((await host.weft("dns-args")).stdout, new RegExp(`--dns=${FIRST}`));

  host.ip("addr", "del", `${FIRST}/24`, "dev", "docker0");
  host.ip("addr", "add", `${SECOND}/24`, "dev", "docker0");
  await until(async () => await answersAt(host) === `${SECOND}:53`, READY_MS, "its other address");
});
