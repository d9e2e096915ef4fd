import { deepEqual, equal } from "node:assert/strict";
import { type DnsSettings, dnsSettings } from "./dns_options.ts";
import { parseLaunch } from "./parse.ts";
import { Taker } from "./taker.ts";

function settings(words: string[], env: Record<string, string> = {}): DnsSettings | undefined {
  return dnsSettings(new Taker(parseLaunch(words, (name) => env[name])), "/srv/me");
}

Deno.test("dnsSettings() takes what is given", () => {
  deepEqual(
    settings([
      "--dns-domain=Example.ORG",
      "--dns-listen-address=192.0.2.1:5353",
      "--docker-bridge=br0",
      "--dns-ttl=30",
      "--dns-fallback-timeout=500ms",
      "--dns-upstream=192.0.2.7, [2001:db8::7]:5353,2001:db8::8",
      "--resolv-conf=r.conf",
    ]),
    {
      domain: "example.org.",
      listen: "192.0.2.1:5353",
      dockerBridge: "br0",
      ttlS: 30,
      fallbackTimeoutMs: 500,
      resolvConf: "/srv/me/r.conf",
      upstreams: ["192.0.2.7:53", "[2001:db8::7]:5353", "[2001:db8::8]:53"],
    },
  );
});

Deno.test("dnsSettings() is off with --no-dns", () => {
  equal(settings(["--no-dns"]), undefined);
  equal(settings([], { WEFT_NO_DNS: "1" }), undefined);
});

Deno.test("dnsSettings() takes the domain with or without its last dot", () => {
  equal(settings(["--dns-domain=example.org."])?.domain, "example.org.");
});

Deno.test("dnsSettings() listens on all addresses when only a port is given", () => {
  equal(settings(["--dns-listen-address=:53"])?.listen, "0.0.0.0:53");
});
