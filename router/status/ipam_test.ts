import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parseCidr } from "../../base/mod.ts";
import { addresses, snapshot } from "./example_test.ts";
import { ipamPage } from "./ipam.ts";
import { metricsText } from "./metrics.ts";
import { reportJson } from "./report.ts";
import { routerPage } from "./router.ts";

Deno.test("ipamPage.text() is as Weave Net's, ourselves first", () => {
  equal(
    ipamPage.text(snapshot({ ipam: addresses() })),
    [
      "02:00:00:00:00:01(host1)                     4 IPs (25.0% of total) (3 active)",
      "02:00:00:00:00:02(host2)                     4 IPs (25.0% of total) ",
      "02:00:00:00:00:03()                          8 IPs (50.0% of total) - unreachable!",
      "",
    ].join("\n"),
  );
});

Deno.test("ipamPage.text() is empty before there is a ring, and a line when it is off", () => {
  equal(ipamPage.text(snapshot({ ipam: addresses({ entries: [] }) })), "");
  match(ipamPage.text(snapshot()), /off/);
});

Deno.test("routerPage.text() has a part about addresses", () => {
  const ipam = addresses({ state: "idle", warnings: ["look here"] });
  const text = routerPage.text(snapshot({ ipam }));
  const part = [
    "",
    "        Service: ipam",
    "         Status: idle",
    "          Range: 10.5.0.0/28",
    "  DefaultSubnet: 10.5.0.0/29",
    "        Warning: look here",
    "",
  ].join("\n");
  ok(text.endsWith(part), text);
});

Deno.test("reportJson() has addresses in the structure of Weave Net", () => {
  const subnet = parseCidr("10.5.0.0/29");
  const ipam = addresses({
    paxos: { elector: true, knownNodes: 1, quorum: 2 },
    pendingAllocates: [{ ident: "c", subnet, reason: "" }],
    pendingClaims: [{ ident: "c", cidr: subnet, reason: "" }],
  });
  const { IPAM } = JSON.parse(reportJson(snapshot({ ipam })));
  deepEqual(IPAM.Paxos, { Elector: true, KnownNodes: 1, Quorum: 2 });
  equal(IPAM.RangeNumIPs, 16);
  equal(IPAM.ActiveIPs, 3);
  deepEqual(IPAM.Entries[1], {
    Token: "10.5.0.2",
    Size: 4,
    Peer: "02:00:00:00:00:01",
    Nickname: "host1",
    IsKnownPeer: true,
    Version: 0,
  });
  deepEqual(IPAM.PendingClaims, [{ Ident: "c", CIDR: { Addr: "10.5.0.0", PrefixLen: 29 } }]);
  deepEqual(IPAM.PendingAllocates, ["c 10.5.0.0/29"]);
});

Deno.test("metricsText() counts addresses, and has no series of what is off", () => {
  const text = metricsText(snapshot({ ipam: addresses() }));
  match(text, /^weave_ips\{state="local-used"\} 3$/m);
  match(text, /^weave_max_ips 16$/m);
  match(text, /^weave_ipam_unreachable_count 1$/m);
  match(text, /^weave_ipam_unreachable_percentage 50$/m);
  ok(!metricsText(snapshot()).includes("weave_ips"));
});
