import { deepEqual, equal, match, throws } from "node:assert/strict";
import { NoRouterError } from "../client.ts";
import { fakeIo } from "../fake_io_test.ts";
import { main } from "../main.ts";
import { planRun } from "./run.ts";

const SERVER = ["--dns=172.17.0.1", "--dns-search=weave.local."];
const ALWAYS = ["run", "-d", "-e", "WEAVE_CIDR=none"];

Deno.test("planRun() takes addresses from the words in front and leaves the rest to Docker", () => {
  const plan = planRun(
    ["--with-dns", "10.2.1.1/24", "net:default", "-ti", "ubuntu", "10.2.1.2/24"],
    [],
  );
  deepEqual(plan, {
    addresses: ["10.2.1.1/24", "net:default"],
    docker: [...ALWAYS, "-ti", "ubuntu", "10.2.1.2/24"],
    dns: false,
    hosts: [],
    notes: [],
  });
});

Deno.test("planRun() gives the container our name server and a name", () => {
  const { docker, dns, hosts } = planRun(
    ["--name", "web", "--add-host=a:192.0.2.1", "--add-host", "b:192.0.2.2", "nginx"],
    SERVER,
  );
  deepEqual(docker.slice(4, 7), [
    "--dns=172.17.0.1",
    "--hostname=web.weave.local",
    "--dns-search=.",
  ]);
  deepEqual(dns, true);
  deepEqual(hosts, ["a:192.0.2.1", "b:192.0.2.2"]);
});

const NAMED: readonly [string[], string[]][] = [
  [["nginx"], ["--dns-search=weave.local."]],
  [["--name=web", "-h", "db.example.org", "nginx"], ["--dns-search=."]],
  [["--dns-search", "example.org", "nginx"], []],
  [["--name=web", "--dns-search=x", "nginx"], ["--hostname=web.weave.local"]],
];
for (const [words, expected] of NAMED) {
  Deno.test(`planRun() adds ${expected.join(" ") || "no name"} to ${words.join(" ")}`, () => {
    deepEqual(planRun(words, SERVER).docker.slice(5, -words.length), expected);
  });
}

Deno.test("planRun() names a container where there is no address for names yet", () => {
  const { docker, dns } = planRun(["--name=web", "nginx"], ["", "--dns-search=weave.local."]);
  deepEqual(docker, [...ALWAYS, "--hostname=web.weave.local", "--name=web", "nginx"]);
  deepEqual(dns, true);
});

Deno.test("planRun() does not use a name that is too long", () => {
  const { docker, notes } = planRun(["--name", "x".repeat(60), "nginx"], SERVER);
  deepEqual(docker.some((word) => word.startsWith("--hostname")), false);
  deepEqual(notes.length, 1);
});

const OPTIONS: readonly string[][] = [
  ["--rm", "-it", "-e", "A=b", "-p", "80:80"],
  ["-itp", "80:80", "-p81:81", "--init", "--label=x"],
  ["--network", "host", "--"],
];
for (const options of OPTIONS) {
  Deno.test(`planRun() takes nothing out of the program's words behind ${options.join(" ")}`, () => {
    const own = ["nginx", "--name", "x", "--add-host", "c:192.0.2.3", "-h", "y"];
    const words = ["--name=web", "--add-host=a:192.0.2.1", ...options, ...own];
    const { docker, hosts } = planRun(words, SERVER);
    deepEqual(docker.slice(5, 7), ["--hostname=web.weave.local", "--dns-search=."]);
    deepEqual(hosts, ["a:192.0.2.1"]);
  });
}

Deno.test("planRun() leaves names and the hosts file alone when told so", () => {
  const { docker, dns, hosts } = planRun(
    ["--without-dns", "--no-rewrite-hosts", "--name=web", "nginx"],
    SERVER,
  );
  deepEqual(docker, [...ALWAYS, "--name=web", "nginx"]);
  deepEqual([dns, hosts], [false, undefined]);
});

Deno.test("planRun() needs something for Docker", () => {
  throws(() => planRun(["10.2.1.1/24"], SERVER), /name an image/);
});

const STATUS = JSON.stringify({ dns: { domain: "weave.local." } });

Deno.test("main() takes for options of run what stands before the first word of Docker's, nothing behind it", async () => {
  const { io, calls } = fakeIo((path) => path === "/status" ? STATUS : "172.17.0.1");
  // No test may start Docker.
  equal(await main(["run", "ubuntu", "mine", "--without-dns"], io), 1);
  deepEqual(calls, [["/status", "json"], ["/dns-address"]]);
});

Deno.test("main() starts no container that no router could attach", async () => {
  const { io, calls, err } = fakeIo(() => {
    throw new NoRouterError("/run/weft/weft.sock");
  });
  equal(await main(["run", "--without-dns", "ubuntu"], io), 7);
  equal(calls.length, 1);
  match(err(), /not running/);
});
