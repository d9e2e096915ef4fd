import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { NoRouterError, NotFoundError } from "./client.ts";
import { CommandError } from "./command.ts";
import { exitCodeOf, lineOf } from "./exit_codes.ts";
import { fakeIo } from "./fake_io_test.ts";
import { main } from "./main.ts";

function noRouter(): never {
  throw new NoRouterError("/run/weft/weft.sock");
}

Deno.test("main() ends with 7 and one line when no router answers", async () => {
  for (const words of [["status"], ["attach", "10.2.1.1/24", "web"], ["connect", "a"]]) {
    const { io, out, err } = fakeIo(noRouter);
    equal(await main(words, io), 7);
    match(err(), /^[^\n]*not present[^\n]*was it launched\?[^\n]*\n$/);
    equal(out(), "");
  }
});

Deno.test("main() ends with 1 and the router's words when it refuses", async () => {
  const { io, err } = fakeIo(() => {
    throw new CommandError('Cannot attach 10.2.1.1/24: held by "web"');
  });
  equal(await main(["attach", "10.2.1.1/24", "other"], io), 1);
  equal(err(), 'Cannot attach 10.2.1.1/24: held by "web"\n');
});

Deno.test("main() ends with 1 and the usage when a word is unknown", async () => {
  const { io, err } = fakeIo();
  equal(await main(["lunch"], io), 1);
  match(err(), /^Unknown command "lunch"\nUsage: /);
});

Deno.test("main() lets a fault of ours through, with its stack", async () => {
  const { io } = fakeIo(() => {
    throw new TypeError("x is not a function");
  });
  await rejects(main(["status"], io), TypeError);
});

Deno.test("main() prints a page as it is, and the first with empty lines around it", async () => {
  const first = fakeIo(() => "Version: 1\n");
  equal(await main(["status"], first.io), 0);
  equal(first.out(), "\nVersion: 1\n\n");
  const second = fakeIo(() => "-> a\n");
  await main(["status", "connections"], second.io);
  equal(second.out(), "-> a\n");
  deepEqual(second.calls, [["/status/connections"]]);
});

Deno.test("main() says that a status page is unknown, with the usage", async () => {
  const { io, err } = fakeIo(() => {
    throw new NotFoundError("/status/lunch");
  });
  equal(await main(["status", "lunch"], io), 1);
  match(err(), /^Unknown status "lunch"\nUsage: weft status/);
});

Deno.test("main() says that a service may be off when the router has no such call", async () => {
  const { io, err } = fakeIo((path) => {
    throw new NotFoundError(path);
  });
  equal(await main(["forget", "192.0.2.1"], io), 1);
  match(err(), /^Cannot ask the router for \/forget: addresses or names are off.*another version/);
});

Deno.test("main() says so before it says that no router runs", async () => {
  const { io, err } = fakeIo(noRouter);
  equal(await main(["status", "bar"], io), 1);
  match(err(), /^Unknown status "bar"\nUsage: weft status/);
});

Deno.test("main() prints JSON when it is asked for", async () => {
  const { io, out, calls } = fakeIo(() => '{"a":1}');
  await main(["status", "--json"], io);
  equal(out(), '{\n  "a": 1\n}\n');
  deepEqual(calls, [["/status", "json"]]);
});

Deno.test("main() attaches with addresses and options in any order and prints plain addresses", async () => {
  const answer = () => '{"id":"web","addresses":["10.2.1.1/24","10.2.2.1/24"]}';
  const { io, out, calls } = fakeIo(answer, { DOCKER_HOST: "unix:///d" });
  const words = ["10.2.1.1/24", "--no-multicast-route", "ip:10.2.2.1/24", "netns:blue"];
  equal(await main(["attach", ...words], io), 0);
  equal(out(), "10.2.1.1 10.2.2.1\n");
  deepEqual(calls, [["/attach", {
    container: "netns:/srv/me/blue",
    addresses: ["10.2.1.1/24", "ip:10.2.2.1/24"],
    dockerHost: "unix:///d",
    multicastRoute: false,
    dns: true,
    waitMs: undefined,
  }]]);
});

Deno.test("main() tells on standard error what the router notes", async () => {
  for (const words of [["attach", "192.0.2.9/24", "web"], ["expose"]]) {
    const answer = () => '{"addresses":["192.0.2.9/24"],"notes":["mind the gap"]}';
    const fake = fakeIo(answer);
    equal(await main(words, fake.io), 0);
    equal(fake.out(), "192.0.2.9\n");
    equal(fake.err(), "Note: mind the gap\n");
  }
});

Deno.test("main() attaches with names, a hosts file and a wait as they were given", async () => {
  const { io, calls } = fakeIo(() => '{"addresses":[]}');
  const options = ["--rewrite-hosts", "--add-host", "a:192.0.2.1", "--add-host=b:192.0.2.2"];
  equal(await main(["attach", "web", "--without-dns", "--wait=1.5", ...options], io), 0);
  deepEqual(calls, [["/attach", {
    container: "web",
    addresses: [],
    dockerHost: undefined,
    multicastRoute: true,
    dns: false,
    waitMs: 1500,
    hosts: ["a:192.0.2.1", "b:192.0.2.2"],
  }]]);
});

Deno.test("main() primes, takes over and explains by the calls of Weave Net, and its own", async () => {
  const cases: readonly [string[], string, unknown[], string][] = [
    [["prime"], "", ["/ring"], ""],
    [["prime", "--without", "a", "--without=b"], "", ["/ring?without=a&without=b"], ""],
    [
      ["rmpeer", "::1"],
      '{"addresses":4}',
      ["DELETE", "/peer/%3A%3A1"],
      "4 IPs taken over from ::1\n",
    ],
    [
      ["rmpeer", "--force", "a"],
      '{"addresses":0}',
      ["DELETE", "/peer/a?force=true"],
      "0 IPs taken over from a\n",
    ],
    [["ipam", "explain"], "because\n", ["/ipam/explain"], "because\n"],
    [
      ["ipam", "repair", "theirs", "host2"],
      '{"text":"done"}',
      ["/ipam/repair", { choice: "theirs host2" }],
      "done\n",
    ],
  ];
  for (const [words, answer, call, printed] of cases) {
    const { io, out, calls } = fakeIo(() => answer);
    equal(await main(words, io), 0);
    deepEqual(calls, [call]);
    equal(out(), printed);
  }
});

Deno.test("main() adds, removes and looks up names", async () => {
  const body = { addresses: ["192.0.2.1"], fqdn: "a.weave.local" };
  const cases: readonly [string[], unknown[]][] = [
    [["dns-add", "192.0.2.1", "-h", "a.weave.local"], ["/dns/add", body]],
    [
      ["dns-remove", "netns:blue"],
      ["/dns/remove", {
        addresses: [],
        fqdn: undefined,
        container: "netns:/srv/me/blue",
        dockerHost: undefined,
      }],
    ],
    [["dns-lookup", "a"], ["/dns/lookup/a", "json"]],
  ];
  for (const [words, call] of cases) {
    const { io, out, calls } = fakeIo(() => '{"addresses":["192.0.2.1"]}');
    equal(await main(words, io), 0);
    deepEqual(calls, [call]);
    equal(out(), words[0] === "dns-lookup" ? "192.0.2.1\n" : "");
  }
});

Deno.test("main() refuses what no router could mean", async () => {
  for (
    const words of [
      ["dns-add", "192.0.2.1"],
      ["dns-add", "web", "db"],
      ["ipam", "guess"],
      ["ipam", "repair"],
      ["attach", "web", "--wait=long"],
    ]
  ) {
    const { io, calls } = fakeIo();
    equal(await main(words, io), 1);
    deepEqual(calls, []);
  }
});

Deno.test("main() detaches, exposes and hides, and prints an empty line for nothing", async () => {
  for (
    const [words, path] of [
      [["detach", "10.2.1.1/24", "web"], "/detach"],
      [["expose", "10.2.1.1/24"], "/expose"],
      [["hide", "10.2.1.1/24"], "/hide"],
    ] as const
  ) {
    const { io, out, calls } = fakeIo(() => '{"addresses":[]}');
    equal(await main(words, io), 0);
    equal(out(), "\n");
    equal(calls[0]?.[0], path);
  }
});

Deno.test("main() connects and forgets without a word", async () => {
  const { io, out, calls } = fakeIo();
  equal(await main(["connect", "--replace", "a", "b:7000"], io), 0);
  equal(await main(["forget", "a"], io), 0);
  equal(out(), "");
  deepEqual(calls, [["/connect", "peer=a&peer=b%3A7000&replace=true"], ["/forget", "peer=a"]]);
});

Deno.test("main() takes connect without a peer only to replace all", async () => {
  const { io } = fakeIo();
  equal(await main(["connect"], io), 1);
  equal(await main(["connect", "--replace"], io), 0);
});

Deno.test("main() takes --json for a report, which is JSON as it is", async () => {
  const { io, out, calls } = fakeIo(() => "{}\n");
  equal(await main(["report", "--json"], io), 0);
  equal(out(), "{}\n");
  deepEqual(calls, [["/report", "json"]]);
});

Deno.test("main() hands the format of a report to the router and prints the answer as it is", async () => {
  const { io, out, calls } = fakeIo(() => "1.2.3");
  equal(await main(["report", "-f", "{{.Version}}"], io), 0);
  equal(out(), "1.2.3");
  deepEqual(calls, [["/report?format=%7B%7B.Version%7D%7D"]]);
});

Deno.test("main() shows both versions, its own alone without a router", async () => {
  const both = fakeIo(() => '{"version":"9.9"}');
  await main(["version"], both.io);
  match(both.out(), /^weft \d+\.\d+\.\d+\nrouter 9\.9\n$/);
  const alone = fakeIo(noRouter);
  equal(await main(["--version"], alone.io), 0);
  match(alone.out(), /^weft \S+\n$/);
});

Deno.test("main() stops what does not run with a note and success", async () => {
  const { io, out, err } = fakeIo(noRouter);
  equal(await main(["stop"], io), 0);
  match(err(), /not running/);
  equal(out(), "");
});

Deno.test("exitCodeOf() follows the table", () => {
  equal(exitCodeOf(new Error("x")), 1);
  equal(exitCodeOf(new CommandError("x", 3)), 3);
  equal(exitCodeOf(new NoRouterError("/s")), 7);
  equal(exitCodeOf(Object.assign(new Error("x"), { name: "AlreadyRunningError" })), 3);
});

Deno.test("lineOf() has words for all but our own faults", () => {
  equal(lineOf(new Error("x")), "x");
  equal(lineOf(new TypeError("x")), undefined);
});

Deno.test("main() prints the options of dns-args for what goes to docker run", async () => {
  const answer = (path: string): string =>
    path === "/status" ? '{"dns":{"domain":"weave.local."}}' : "172.17.0.1";
  for (
    const [words, expected] of [
      [[], "--dns=172.17.0.1 --dns-search=weave.local."],
      [["-ti", "nginx"], "--dns=172.17.0.1 --dns-search=weave.local."],
      [["--name", "web"], "--dns=172.17.0.1 --hostname=web.weave.local --dns-search=."],
      [["--name=web", "-h", "db", "--dns-search=x"], "--dns=172.17.0.1"],
    ] as const
  ) {
    const { io, out } = fakeIo(answer);
    equal(await main(["dns-args", ...words], io), 0);
    equal(out(), expected);
  }
});

Deno.test("main() prints nothing for dns-args where there is no name service", async () => {
  const { io, out } = fakeIo(() => '{"dns":null}');
  equal(await main(["dns-args", "--name", "web"], io), 0);
  equal(out(), "");
});

for (
  const [words, reason] of [
    [["prime"], /^Cannot prime: IP allocation is off here; .*--ipalloc-range\n$/],
    [["rmpeer", "host2"], /^Cannot take over "host2": IP allocation is off/],
    [["ipam", "explain"], /^Cannot explain: IP allocation is off/],
    [["ipam", "repair", "ours"], /^Cannot repair: IP allocation is off/],
    [["dns-lookup", "web"], /^Cannot look up a name: .*--no-dns\n$/],
  ] as const
) {
  Deno.test(`main() says which part is missing for ${words.join(" ")}`, async () => {
    const { io, out, err } = fakeIo(() => {
      throw new NotFoundError("404 page not found");
    });
    equal(await main(words, io), 1);
    equal(out(), "");
    match(err(), reason);
  });
}

Deno.test("main() asks for a container where there are addresses only", async () => {
  for (const verb of ["attach", "detach"]) {
    const { io, err, calls } = fakeIo();
    equal(await main([verb, "web", "10.2.1.1/24"], io), 1);
    match(err(), /^Cannot use "10\.2\.1\.1\/24" as a container: name one behind the addresses\n$/);
    deepEqual(calls, []);
  }
});

Deno.test("main() removes the names of an address without a name, and adds none", async () => {
  const { io, calls } = fakeIo();
  equal(await main(["dns-remove", "192.0.2.7"], io), 0);
  deepEqual(calls, [["/dns/remove", { addresses: ["192.0.2.7"], fqdn: undefined }]]);
  const adding = fakeIo();
  equal(await main(["dns-add", "192.0.2.7"], adding.io), 1);
  match(adding.err(), /^Cannot add a name: give one with -h/);
  deepEqual(adding.calls, []);
});
