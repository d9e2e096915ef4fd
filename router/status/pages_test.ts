import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parseEndpoint } from "../../base/mod.ts";
import type { TunnelState } from "../../switch/mod.ts";
import { connectionRows, type Tunnels } from "./connection_rows.ts";
import { connectionsPage } from "./connections.ts";
import {
  FOUR,
  joined,
  link,
  ONE,
  peer,
  route,
  snapshot,
  target,
  THREE,
  TWO,
} from "./example_test.ts";
import { type ConnectionRow, METRICS_TYPE, metricsText, reportJson, STATUS_PAGES } from "./mod.ts";
import { peersPage } from "./peers.ts";
import { routerPage } from "./router.ts";
import { targetsPage } from "./targets.ts";

Deno.test("routerPage.text() is as Weave Net's when links are in all states", () => {
  const text = routerPage.text(snapshot({
    encryption: true,
    discovery: false,
    trustedSubnets: ["10.98.0.2/32", "192.168.0.0/16"],
    targets: ["a", "b"],
    connections: [
      link({ encrypted: true }),
      target(),
      target(),
      target({ state: "connecting" }),
      link({ state: "pending" }),
      target({ state: "retrying" }),
    ],
    peers: joined().peers,
  }));
  equal(
    text,
    [
      "        Version: 1.2.3 (version check update disabled)",
      "",
      "        Service: router",
      "       Protocol: weave 2",
      "           Name: 02:00:00:00:00:01(host1)",
      "     Encryption: enabled",
      "  PeerDiscovery: disabled",
      "        Targets: 2",
      "    Connections: 6 (1 established, 1 pending, 1 retrying, 2 failed, 1 connecting)",
      "          Peers: 2 (with 2 established, 1 pending connections)",
      " TrustedSubnets: 10.98.0.2/32, 192.168.0.0/16",
      "         Bridge: weft mtu=1376",
      "         Cipher: libsodium 1.0.18",
      "",
    ].join("\n"),
  );
});

Deno.test("peersPage.text() shows no control characters that a peer put into its label", () => {
  const nickname = "x\x1b[2J\nforged\u009b";
  const text = peersPage.text(snapshot({ peers: [peer(ONE, nickname)] }));
  equal(text, "02:00:00:00:00:01(x?[2J?forged?)\n");
});

Deno.test("routerPage.text() leaves zero counts out and says each warning", () => {
  const text = routerPage.text(snapshot({ warnings: ["no password: data is sent in clear"] }));
  match(text, /^ {5}Encryption: disabled$/m);
  match(text, /^ {4}Connections: 0$/m);
  match(text, /^ {10}Peers: 1$/m);
  match(text, /^ TrustedSubnets: none$/m);
  match(text, /^ {8}Warning: no password: data is sent in clear$/m);
  ok(!text.includes("Cipher"));
});

Deno.test("connectionsPage.text() is as Weave Net's without a password", () => {
  const retryAt = Date.UTC(2026, 10, 22, 6, 30, 13, 901);
  const text = connectionsPage.text(snapshot({
    connections: [
      link(),
      link({ outbound: true, address: "192.0.2.3:6783", state: "pending", mtuBytes: 65535 }),
      link({ overlay: undefined, mtuBytes: undefined, state: "pending", reason: "no UDP" }),
      target({ state: "retrying", reason: "no route to host" }),
      target({ reason: "connection refused", retryAt }),
      target({ reason: "cannot connect to ourself" }),
      target({ state: "connecting" }),
    ],
  }));
  equal(
    text,
    [
      "<- 192.0.2.2:36987       established sleeve 02:00:00:00:00:02(host2) mtu=1438 since=1970-01-01T00:00:00Z",
      "-> 192.0.2.3:6783        pending     sleeve 02:00:00:00:00:02(host2) mtu=65535 since=1970-01-01T00:00:00Z",
      '<- 192.0.2.2:36987       pending     none   02:00:00:00:00:02(host2) since=1970-01-01T00:00:00Z reason="no UDP"',
      "-> 192.0.2.9:6783        retrying    no route to host ",
      "-> 192.0.2.9:6783        failed      connection refused, retry: 2026-11-22 06:30:13.901 +0000 UTC ",
      "-> 192.0.2.9:6783        failed      cannot connect to ourself, retry: never ",
      "-> 192.0.2.9:6783        connecting   ",
      "",
    ].join("\n"),
  );
});

Deno.test("connectionsPage.text() says how each link is sealed when there is a password", () => {
  const text = connectionsPage.text(snapshot({
    encryption: true,
    connections: [
      link({ encrypted: true, mtuBytes: 1414 }),
      link({ encrypted: false, trusted: true }),
      link({ encrypted: true, oldPassword: true }),
    ],
  }));
  deepEqual(text.split("\n").slice(0, 3), [
    "<- 192.0.2.2:36987       established encrypted   sleeve 02:00:00:00:00:02(host2) encrypted=true mtu=1414 since=1970-01-01T00:00:00Z",
    "<- 192.0.2.2:36987       established unencrypted sleeve 02:00:00:00:00:02(host2) mtu=1438 trusted=true since=1970-01-01T00:00:00Z",
    "<- 192.0.2.2:36987       established encrypted   sleeve 02:00:00:00:00:02(host2) encrypted=true mtu=1438 password=old since=1970-01-01T00:00:00Z",
  ]);
});

Deno.test("peersPage.text() lists each peer with its connections", () => {
  equal(
    peersPage.text(joined()),
    [
      "02:00:00:00:00:01(host1)",
      "   <- 192.0.2.2:36987       02:00:00:00:00:02(host2)              established",
      "02:00:00:00:00:02(host2)",
      "   -> 192.0.2.1:6783        02:00:00:00:00:01(host1)              established",
      "   <- 192.0.2.3:51383       02:00:00:00:00:03(host3)              pending",
      "",
    ].join("\n"),
  );
});

Deno.test("targetsPage.text() is a target a line, nothing without one", () => {
  equal(targetsPage.text(joined()), "192.0.2.2\nthere.example.org\n");
  equal(targetsPage.text(snapshot()), "");
});

Deno.test("json() of every page can be written as JSON and names peers as text", () => {
  const pages = Object.fromEntries(
    STATUS_PAGES.map((page) => [page.name, JSON.parse(JSON.stringify(page.json(joined())))]),
  );
  equal(pages[""].name, "02:00:00:00:00:01");
  equal(pages[""].forwarding[2].nextHop, null);
  equal(pages["connections"][0].peer, "02:00:00:00:00:02");
  equal(pages["connections"][0].mtuBytes, 1438);
  equal(pages["peers"][1].connections[0].peer, "02:00:00:00:00:01");
  deepEqual(pages["targets"], ["192.0.2.2", "there.example.org"]);
});

const { overlay: _overlay, mtuBytes: _mtu, trusted: _trusted, ...BARE } = link();

function tunnel(more: Partial<TunnelState> = {}): TunnelState {
  return {
    kind: "tunnel",
    link: 7,
    index: 0,
    overlay: "weft-vxlan",
    state: "established",
    reason: undefined,
    mtuBytes: 1400,
    remote: undefined,
    ...more,
  };
}

/** Tunnels of one link. */
function tunnels(best: TunnelState | undefined, preferred = best): Tunnels {
  return {
    best: (id) => id === 7 ? best : undefined,
    preferred: (id) => id === 7 ? preferred : undefined,
  };
}

Deno.test("connectionRows() joins tunnels and sorts links before targets, by address", () => {
  const rows = connectionRows(
    [
      target({ address: "192.0.2.10:1" }),
      target({ address: "192.0.2.9:1" }),
      { ...BARE, id: 7, address: "192.0.2.20:1" },
      { ...BARE, id: 8, address: "192.0.2.3:1", state: "pending" },
    ],
    tunnels(tunnel()),
    { "weft-vxlan": "fastdp" },
    0,
  );
  deepEqual(rows.map(({ address, overlay, mtuBytes }) => [address, overlay, mtuBytes]), [
    ["192.0.2.3:1", undefined, undefined],
    ["192.0.2.20:1", "fastdp", 1400],
    ["192.0.2.9:1", undefined, undefined],
    ["192.0.2.10:1", undefined, undefined],
  ]);
});

const LABELS = { "weft-vxlan": "fastdp", "weft-shuttle": "shuttle" };
const PENDING = tunnel({ state: "pending" });
const REASONS: readonly [string, Partial<ConnectionRow>, Tunnels, string | undefined][] = [
  ["nothing of the best link", {}, tunnels(tunnel()), undefined],
  [
    "why a better overlay is not used",
    {},
    tunnels(
      tunnel({ index: 1, overlay: "sleeve" }),
      tunnel({ state: "failed", reason: "too old" }),
    ),
    "fastdp does not work: too old",
  ],
  ["that UDP is missing", { state: "pending" }, tunnels(PENDING), "nothing has come over UDP yet"],
  [
    "what the tunnel says",
    { state: "pending" },
    tunnels({ ...PENDING, reason: "silence" }),
    "silence",
  ],
  [
    "why shuttle is not used, or not yet",
    {},
    tunnels(
      tunnel({ index: 1, overlay: "sleeve" }),
      tunnel({ overlay: "weft-shuttle", state: "pending", reason: "there is no key yet" }),
    ),
    "shuttle does not work: there is no key yet",
  ],
  [
    "that there is no overlay yet",
    { state: "pending" },
    tunnels(undefined),
    "no overlay is chosen yet",
  ],
];
for (const [what, row, known, expected] of REASONS) {
  Deno.test(`connectionRows() says ${what}`, () => {
    const rows = connectionRows([{ ...BARE, id: 7, ...row }], known, LABELS, 0);
    equal(rows[0]?.reason, expected);
  });
}

Deno.test("connectionRows() asks whether UDP is blocked when a link has been pending for 3 s", () => {
  const remote = parseEndpoint("192.0.2.2:6783");
  const said = (address: string, known: Tunnels, now: number): string | undefined =>
    connectionRows([{ ...BARE, id: 7, state: "pending", since: 0, address }], known, {}, now)[0]
      ?.reason;
  const asked = tunnels({ ...PENDING, remote });
  equal(said("192.0.2.2:36987", asked, 2_999), "nothing has come over UDP yet");
  equal(
    said("192.0.2.2:36987", asked, 3_000),
    "no answer over UDP from 192.0.2.2:6783: is it blocked?",
  );
  const unheard = tunnels(PENDING);
  equal(
    said("192.0.2.2:36987", unheard, 3_000),
    "nothing over UDP from 192.0.2.2: is it blocked?",
  );
  equal(
    said("[2001:db8::2]:36987", unheard, 3_000),
    "nothing over UDP from 2001:db8::2: is it blocked?",
  );
});

Deno.test("connectionRows() tells trust from a missing password", () => {
  const rows = [true, false, undefined].map((encrypted) =>
    connectionRows([{ ...BARE, encrypted }], tunnels(undefined), {}, 0)[0]?.trusted
  );
  deepEqual(rows, [false, true, false]);
});

Deno.test("json() and metrics tell how frames to each peer go", () => {
  const pair = {
    peer: TWO,
    nickname: "host2",
    overlay: "shuttle",
    cipher: "AES-256-GCM",
    mtuBytes: 1389,
    reason: undefined,
    since: 0,
  } as const;
  const fallen = { ...pair, peer: THREE, nickname: "host3", overlay: "sleeve" } as const;
  const state = snapshot({
    pairs: [
      pair,
      { ...fallen, cipher: undefined, mtuBytes: undefined, reason: "no common password" },
    ],
  });
  const json = JSON.parse(JSON.stringify(routerPage.json(state)));
  deepEqual(json.pairs, [
    {
      peer: "02:00:00:00:00:02",
      nickname: "host2",
      overlay: "shuttle",
      cipher: "AES-256-GCM",
      mtu: 1389,
      since: "1970-01-01T00:00:00.000Z",
    },
    {
      peer: "02:00:00:00:00:03",
      nickname: "host3",
      overlay: "sleeve",
      reason: "no common password",
      since: "1970-01-01T00:00:00.000Z",
    },
  ]);
  match(metricsText(state), /^weft_pairs{overlay="shuttle"} 1$/m);
  match(metricsText(state), /^weft_pairs{overlay="sleeve"} 1$/m);
  match(metricsText(snapshot()), /^weft_pairs{overlay="shuttle"} 0$/m);
});

Deno.test("json() of the peers has the way to each", () => {
  const peers = peersPage.json({
    ...joined(),
    peers: [
      ...joined().peers,
      { ...peer(THREE, "host3") },
      { ...peer(FOUR, "host4") },
    ],
    forwarding: [
      route(ONE, ONE, [TWO]),
      route(TWO, TWO, [ONE, THREE]),
      route(THREE, TWO, [TWO]),
      route(FOUR, undefined, []),
    ],
  }) as Record<string, unknown>[];
  deepEqual(peers.map(({ nickname, nextHop, hops }) => [nickname, nextHop, hops]), [
    ["host1", null, 0],
    ["host2", "02:00:00:00:00:02", 1],
    ["host3", "02:00:00:00:00:02", 2],
    ["host4", null, null],
  ]);
});

Deno.test("json() and metrics tell of names that are borne twice", () => {
  const collision = {
    name: TWO,
    holders: [{ uid: "7", nickname: "b", address: "192.0.2.2", ourself: false, neighbours: [ONE] }],
    since: 0,
    text: "2 routers have the name",
  };
  const state = snapshot({ collisions: [collision], warnings: [collision.text] });
  const json = JSON.parse(JSON.stringify(routerPage.json(state)));
  deepEqual(json.collisions, [{
    ...collision,
    name: "02:00:00:00:00:02",
    since: "1970-01-01T00:00:00.000Z",
    holders: [{ ...collision.holders[0], neighbours: ["02:00:00:00:00:01"] }],
  }]);
  match(routerPage.text(state), /^ {8}Warning: 2 routers have the name$/m);
  match(metricsText(state), /^weft_name_collisions 1$/m);
  match(metricsText(state), /^weft_warnings 1$/m);
});

Deno.test("metricsText() has Weave Net's names and both values of encryption", () => {
  const text = metricsText(snapshot({
    connections: [link({ encrypted: true }), target(), target()],
    terminations: 3,
  }));
  match(text, /^weave_connections{encryption="",state="established",type="sleeve"} 0$/m);
  match(text, /^weave_connections{encryption="yes",state="established",type="sleeve"} 1$/m);
  match(text, /^weave_connections{encryption="",state="failed",type="unknown"} 2$/m);
  match(text, /^weave_connections{encryption="yes",state="failed",type="unknown"} 0$/m);
  match(text, /^weave_connection_terminations_total 3$/m);
  match(text, /^weft_drop_bad_tag_total 0$/m);
  match(text, /^weft_mac_entries 0$/m);
  match(METRICS_TYPE, /0\.0\.4/);
  for (const line of text.trimEnd().split("\n")) match(line, /^(# (HELP|TYPE) \w+ .+|\S+ \d+)$/);
});

Deno.test("reportJson() has the structure of Weave Net's report", () => {
  const text = reportJson(joined());
  match(text, /^\{\n {4}"Ready": true,/);
  const report = JSON.parse(text);
  const { Router: router } = report;
  equal(report.Version, "1.2.3");
  deepEqual(report.Daemon, {
    Pid: 4711,
    RestartPolicy: "no",
    LogFile: "/run/weft/router.log",
    DataDir: "/var/lib/weft",
  });
  equal(router.Name, "02:00:00:00:00:01");
  deepEqual(router.Connections, [{
    Address: "192.0.2.2:36987",
    Outbound: false,
    State: "established",
    Info: "sleeve 02:00:00:00:00:02(host2)",
    Attrs: { mtu: 1438, name: "sleeve" },
  }]);
  deepEqual(router.UnicastRoutes, [
    { Dest: "02:00:00:00:00:01", Via: "00:00:00:00:00:00" },
    { Dest: "02:00:00:00:00:02", Via: "02:00:00:00:00:02" },
  ]);
  deepEqual(router.BroadcastRoutes, [
    { Source: "02:00:00:00:00:01", Via: ["02:00:00:00:00:02"] },
    { Source: "02:00:00:00:00:02", Via: null },
    { Source: "02:00:00:00:00:03", Via: null },
  ]);
  deepEqual(router.MACs, [{
    Mac: "26:f4:a6:2b:95:90",
    Name: "02:00:00:00:00:02",
    NickName: "host2",
    LastSeen: "1970-01-01T00:00:00.000Z",
  }]);
  deepEqual(router.TrustedSubnets, []);
});

Deno.test("reportJson() writes empty lists as null and a UID without rounding", () => {
  const text = reportJson(snapshot());
  match(text, /"UID": 12650391640433031826,/);
  const { Router: router } = JSON.parse(text);
  equal(router.Targets, null);
  equal(router.MACs, null);
  equal(router.Connections, null);
});
