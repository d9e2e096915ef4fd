/** A router whose log, directories and callers are not what they should be. */

import { equal, match } from "node:assert/strict";
import { Lab, WEFT } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

const READY_MS = 30_000;
/** Nobody in particular, who can read the tree wherever it lies; to connect to a socket takes the right to write to it. */
const NOBODY = [
  ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
  ...["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"],
];

Deno.test("a router works on when nobody can write its log", async () => {
  using lab = new Lab();
  const host = lab.host();
  const line = `exec '${WEFT}' launch --foreground 2>/dev/full`;
  await using router = host.start(["sh", "-c", line], { env: host.env });
  const serves = async (): Promise<boolean> =>
    (await host.tryWeft(["status", "targets"])).code === 0;
  await until(serves, READY_MS, "a router without a log");
  equal((await host.tryWeft(["stop"])).code, 0);
  equal((await router.done()).code, 0);
});

Deno.test("reset takes one directory for all that a router keeps", async () => {
  using lab = new Lab();
  const host = lab.host();
  const env = { WEFT_STATE_DIR: host.runtimeDir };
  await host.launch({ env });
  const { code, stderr } = await host.tryWeft(["reset"], { env });
  equal(code, 0, stderr);
});

Deno.test("who may see the socket and not use it hears that it is root's", async () => {
  using lab = new Lab();
  const host = lab.host();
  await host.launch();
  for (const directory of [lab.directory, host.runtimeDir]) Deno.chmodSync(directory, 0o755);
  const { code, stderr } = await host.run([...NOBODY, WEFT, "status"], {
    env: host.env,
    mayFail: true,
  });
  equal(code, 1);
  match(stderr, /weft\.sock is root's; try sudo/);
});
