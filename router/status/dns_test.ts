import { deepEqual, equal, match, ok } from "node:assert/strict";
import { dnsPage } from "./dns.ts";
import { names, snapshot } from "./example_test.ts";
import { metricsText } from "./metrics.ts";
import { reportJson } from "./report.ts";
import { routerPage } from "./router.ts";

Deno.test("dnsPage.text() is as Weave Net's and leaves out what was removed", () => {
  equal(
    dnsPage.text(snapshot({ dns: names() })),
    [
      "db.example.org. 10.5.0.9        weave:extern 02:00:00:00:00:01",
      "foo          10.5.0.9        0123456789ab 02:00:00:00:00:01",
      "",
    ].join("\n"),
  );
  match(dnsPage.text(snapshot()), /off/);
});

Deno.test("routerPage.text() has a part about names, with what is wrong", () => {
  const dns = { ...names(), upstream: [], problem: "Cannot listen on 172.17.0.1:53: taken" };
  const part = [
    "",
    "        Service: dns",
    "         Domain: weave.local.",
    "        Address: 172.17.0.1:53",
    "       Upstream: none",
    "            TTL: 1",
    "        Entries: 2",
    "        Warning: Cannot listen on 172.17.0.1:53: taken",
    "",
  ].join("\n");
  ok(routerPage.text(snapshot({ dns })).endsWith(part));
});

Deno.test("reportJson() has names in the structure of Weave Net, removed ones too", () => {
  const { DNS } = JSON.parse(reportJson(snapshot({ dns: names() })));
  equal(DNS.Address, "172.17.0.1:53");
  deepEqual(DNS.Upstream, ["192.0.2.53"]);
  equal(DNS.Entries.length, 3);
  deepEqual(DNS.Entries[2], {
    Hostname: "gone.weave.local.",
    Origin: "02:00:00:00:00:01",
    ContainerID: "c",
    Address: "10.5.0.9",
    Version: 0,
    Tombstone: 1,
  });
});

Deno.test("metricsText() counts our names and the queries", () => {
  const text = metricsText(snapshot({ dns: names() }));
  match(text, /^weave_dns_entries 2$/m);
  match(text, /^weft_dns_queries_total 7$/m);
});
