import { deepEqual, throws } from "node:assert/strict";
import { createLogger, parseCidr } from "../../base/mod.ts";
import { IpamStore } from "../../container/ipam/store_shell.ts";
import { readProc } from "../../ffi/mod.ts";
import type { RouterConfig } from "../../router/config/mod.ts";
import { Services } from "../../router/services_shell.ts";
import { Store } from "../../router/store.ts";

const RANGE = parseCidr("10.32.0.0/12");
const SELF = 0x02_0000_000001;
// The C library is loaded once and stays.
readProc("/proc/version");

Deno.test("Services leaves nothing open when a part does not start", async () => {
  const stateDir = Deno.makeTempDirSync();
  const ipam = { range: RANGE, defaultSubnet: RANGE, init: { kind: "founding" } };
  const config = { ipam, dns: { domain: "weave.local." }, nickname: "host1", stateDir };
  Deno.writeTextFileSync(`${stateDir}/names.db`, "this is no database, and long ".repeat(100));
  const log = createLogger("router", { level: "error", write: () => {}, now: () => new Date(0) });
  using store = Store.open(stateDir);
  const start = (): Services =>
    new Services({
      config: config as unknown as RouterConfig,
      log,
      self: SELF,
      bridge: "no-such-bridge",
      targets: [],
      store,
      mesh: () => undefined,
      isBusy: () => false,
    });
  throws(start, /names\.db/);
  // What is closed is closed behind the error.
  await new Promise((resolve) => setTimeout(resolve, 0));
  const opened = IpamStore.open(stateDir, { self: SELF, range: RANGE, date: () => new Date(0) });
  opened.store[Symbol.dispose]();
  deepEqual(opened.setAside, undefined);
  Deno.removeSync(stateDir, { recursive: true });
});
