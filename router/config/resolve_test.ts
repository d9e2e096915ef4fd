import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { parseLaunch } from "./parse.ts";
import { type ConfigSystem, resolveConfig, type Resolved } from "./resolve.ts";
import { UsageError } from "./usage_error.ts";

const LONG = "a password that is long enough";

function resolve(
  words: readonly string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
): Resolved {
  const system: ConfigSystem = {
    env: (name) => env[name],
    cwd: "/srv/me",
    hostname: () => "here",
    readTextFile: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error("no such file");
      return text;
    },
  };
  return resolveConfig(parseLaunch(words, system.env), system);
}

Deno.test("resolveConfig() has all defaults when nothing is given", () => {
  const { config, mode, notes } = resolve([]);
  deepEqual(config, {
    runtimeDir: "/run/weft",
    stateDir: "/var/lib/weft",
    socket: "/run/weft/weft.sock",
    pidFile: "/run/weft/router.pid",
    logFile: "/run/weft/router.log",
    name: undefined,
    nickname: "here",
    host: undefined,
    port: 6783,
    passwords: [],
    trustedSubnets: [],
    discovery: true,
    connectionLimit: 200,
    targets: [],
    resume: false,
    overlay: undefined,
    bridge: undefined,
    tap: "weft-tap",
    mtuBytes: undefined,
    logLevel: "info",
    libsodium: "auto",
    priority: "realtime",
    spinUs: 200,
    rehearsal: true,
    rekeyMs: undefined,
    statusAddress: { host: "127.0.0.1", port: 6782 },
    httpAddress: undefined,
    network: undefined,
    ipam: {
      range: { address: 0x0a20_0000, length: 12 },
      rangeGiven: false,
      defaultSubnet: { address: 0x0a20_0000, length: 12 },
      init: { kind: "founding" },
    },
    dns: {
      domain: "weave.local.",
      listen: undefined,
      dockerBridge: "docker0",
      ttlS: 1,
      fallbackTimeoutMs: 5000,
      resolvConf: "/etc/resolv.conf",
      upstreams: [],
    },
  });
  deepEqual(mode, { foreground: false, detached: false });
  deepEqual(notes, []);
  ok(Object.isFrozen(config));
});

Deno.test("resolveConfig() takes what is given", () => {
  const { config } = resolve([
    "10.0.0.1/16",
    "--host=::1",
    "--port=7000",
    "--name=2:0:0:0:0:1",
    "--nickname=there",
    "--no-discovery",
    "--conn-limit=0",
    "--mtu=8914",
    "--log-level=warning",
    "--bridge=br0",
    "--overlay=sleeve",
    "--no-restart",
    "--no-libsodium",
    "--priority=nice",
    "--spin=50",
    "--no-rehearsal",
    "--trusted-subnets=10.1.0.0/16, 10.2.0.0/16",
    "192.0.2.1",
    "[2001:db8::1]:7000",
  ]);
  equal(config.network, "10.0.0.1/16");
  equal(config.host, "::1");
  equal(config.port, 7000);
  equal(config.name, 0x0200_0000_0001);
  equal(config.nickname, "there");
  equal(config.discovery, false);
  equal(config.connectionLimit, 0);
  equal(config.mtuBytes, 8914);
  equal(config.logLevel, "warn");
  equal(config.bridge, "br0");
  equal(config.overlay, "sleeve");
  equal(config.libsodium, "never");
  equal(config.priority, "nice");
  equal(config.spinUs, 50);
  equal(config.rehearsal, false);
  deepEqual(config.trustedSubnets, ["10.1.0.0/16", "10.2.0.0/16"]);
  deepEqual(config.targets, ["192.0.2.1", "[2001:db8::1]:7000"]);
});

Deno.test("resolveConfig() moves all places by flag or variable", () => {
  equal(resolve(["--runtime-dir=r/"]).config.socket, "/srv/me/r/weft.sock");
  equal(resolve([], { WEFT_STATE_DIR: "/s" }).config.stateDir, "/s");
  equal(resolve(["--state-dir", "/t"], { WEFT_STATE_DIR: "/s" }).config.stateDir, "/t");
});

Deno.test("resolveConfig() reads several passwords from a file", () => {
  const { config, notes } = resolve(["--password-file", "pw"], {}, {
    "/srv/me/pw": `${LONG}\r\n\nanother one, as long\n`,
  });
  deepEqual(config.passwords, [LONG, "another one, as long"]);
  deepEqual(notes, []);
});

Deno.test("resolveConfig() prefers the option to the variable, and the file to both eras' variables", () => {
  const env = {
    WEFT_PASSWORD: "from weft, long enough",
    WEAVE_PASSWORD: "from weave, long enough",
  };
  deepEqual(resolve([], env).config.passwords, ["from weft, long enough"]);
  deepEqual(resolve(["--password", LONG], env).config.passwords, [LONG]);
  deepEqual(resolve(["--password-file", "/f"], env, { "/f": LONG }).config.passwords, [LONG]);
  deepEqual(resolve([], { WEAVE_PASSWORD: LONG }).config.passwords, [LONG]);
  deepEqual(resolve([], { WEFT_PASSWORD: "" }).config.passwords, []);
});

Deno.test("resolveConfig() turns the status address off when it is empty", () => {
  equal(resolve(["--status-addr="]).config.statusAddress, undefined);
  equal(resolve([], { WEFT_STATUS_ADDR: "" }).config.statusAddress, undefined);
  deepEqual(resolve(["--status-addr", ":80"]).config.statusAddress, { host: "0.0.0.0", port: 80 });
  deepEqual(resolve(["--status-addr", "[::1]:80"]).config.statusAddress, { host: "::1", port: 80 });
});

Deno.test("resolveConfig() logs more when Weave Net's variable asks for it", () => {
  equal(resolve([], { WEAVE_DEBUG: "1" }).config.logLevel, "debug");
  equal(resolve(["-debug"]).config.logLevel, "debug");
});

const HARMLESS: readonly string[][] = [
  ["--without-dns"],
  ["--with-dns"],
  ["--proxy=false"],
  ["--plugin=false"],
  ["--no-restart"],
  ["--no-default-ipalloc"],
  ["--no-rewrite-hosts"],
  ["--awsvpc=false"],
];
for (const words of HARMLESS) {
  Deno.test(`resolveConfig() accepts ${words.join(" ")}, which changes nothing`, () => {
    resolve(words);
  });
}

const REFUSED: readonly [string[], RegExp][] = [
  [["--ipalloc-range", "10.2.0.0"], /such as .*invalid CIDR address/],
  [["-iprange", "10.2.0.1/16"], /10.2.0.0\/16 .*bits after network prefix are not all zero/],
  [["--ipalloc-range", "10.2.0.0/31"], /smaller than minimum size 4/],
  [["--ipalloc-default-subnet", "192.0.2.0/24"], /out of bounds: .* 10.32.0.0\/12/],
  [["--ipalloc-range=", "-ipsubnet", "10.2.0.0/16"], /IP allocation is off/],
  [["--ipalloc-range=", "--ipalloc-init=observer"], /IP allocation is off/],
  [["--ipalloc-init=observer=1"], /consensus=N, seed=/],
  [["--ipalloc-init=seed"], /consensus=N, seed=/],
  [["--ipalloc-init=seed=a,b"], /six hex groups/],
  [["--ipalloc-init=consensus=many"], /consensus=N, seed=/],
  [["--ipalloc-init=guess"], /consensus=N, seed=/],
  [["--ipalloc-init=observer", "--init-peer-count=3"], /give one of them/],
  [["--init-peer-count=three"], /a number from 0/],
  [["--dns-domain", "a..b"], /a domain such as weave.local/],
  [["--dns-domain="], /a domain such as weave.local/],
  [["--dns-listen-address", "192.0.2.1"], /expected IP:PORT/],
  [["--dns-listen-address", "here:53"], /expected IP:PORT/],
  [["--dns-upstream", "192.0.2.1,x"], /expected IP or IP:PORT/],
  [["--dns-ttl", "-1"], /from 0/],
  [["--dns-fallback-timeout", "5"], /5s or 500ms/],
  [["--dns-fallback-timeout", "0s"], /5s or 500ms/],
  [["--resolv-conf="], /a file/],
  [["--proxy"], /not in this version/],
  [["--plugin=true"], /not in this version/],
  [["-H", "tcp://:1"], /-H: it is not in this version/],
  [["--http-addr", "/run/weft/other.sock"], /expected IP:PORT/],
  [["--token", "x"], /vendor that is gone/],
  [["--awsvpc"], /not supported/],
  [["--port", "99999"], /--port "99999": expected a number from 1 to 65535/],
  [["--port", "0"], /from 1 to 65535/],
  [["--priority", "high"], /--priority "high": expected realtime, nice or normal/],
  [["--spin", "2000"], /--spin "2000": expected a number from 0 to 1000/],
  [["--mtu", "many"], /--mtu "many"/],
  [["--mtu", "100"], /from 576/],
  [["--conn-limit=-1"], /"-1"/],
  [["--name", "01:00:00:00:00:01"], /multicast/],
  [["--name", "0:0:0:0:0:0"], /all zero/],
  [["--name", "box"], /six hex groups/],
  [["--nickname", "a\nb"], /label/],
  [["--host", "here"], /--host "here"/],
  [["--trusted-subnets", "10.0.0.1"], /CIDR|prefix/],
  [["--bridge", "a very long name"], /interface/],
  [["--log-level", "loud"], /debug, info, warning or error/],
  [["--status-addr", "here"], /IP:PORT/],
  [["--resume", "192.0.2.1"], /name none/],
  [["--password", LONG, "--password-file", "/f"], /give one of them/],
  [["--password="], /empty/],
  [["--password-file", "/none"], /"\/none": no such file/],
  [["10.0.0.300/16"], /invalid CIDR address/],
  [["10.0.0.0/8", "10.0.0.0/8"], /HOST or HOST:PORT/],
];
for (const [words, pattern] of REFUSED) {
  Deno.test(`resolveConfig() refuses ${JSON.stringify(words)} in one line`, () => {
    throws(
      () => resolve(words),
      (e) => e instanceof UsageError && pattern.test(e.message) && !e.message.includes("\n"),
    );
  });
}

Deno.test("resolveConfig() names the variable when its value cannot be", () => {
  throws(() => resolve([], { WEFT_PORT: "x" }), /WEFT_PORT "x"/);
  equal(resolve([], { WEFT_PORT: "" }).config.port, 6783);
});

Deno.test("resolveConfig() takes the priority from the environment", () => {
  equal(resolve([], { WEFT_PRIORITY: "normal" }).config.priority, "normal");
  throws(() => resolve([], { WEFT_PRIORITY: "low" }), /WEFT_PRIORITY "low"/);
});

Deno.test("resolveConfig() refuses an empty password file", () => {
  throws(
    () => resolve(["--password-file", "/f"], {}, { "/f": "\n" }),
    /empty; one password a line/,
  );
});

Deno.test("resolveConfig() takes the age of keys of a test from the environment alone", () => {
  const env = (value: string): Record<string, string> => ({ WEFT_TEST_REKEY_SECONDS: value });
  equal(resolve([], env("5")).config.rekeyMs, 5_000);
  equal(resolve([], env("")).config.rekeyMs, undefined);
  throws(() => resolve([], env("0")), /WEFT_TEST_REKEY_SECONDS "0": expected a number from 1/);
});

Deno.test("resolveConfig() refuses a runtime directory that no socket fits into", () => {
  equal(resolve([`--runtime-dir=/${"x".repeat(96)}`]).config.socket.length, 107);
  for (const directory of [`/${"x".repeat(97)}`, `/${"é".repeat(49)}`]) {
    throws(
      () => resolve([`--runtime-dir=${directory}`]),
      (error) => error instanceof UsageError && /107 bytes.*shorter/.test(error.message),
    );
  }
});
