/**
 * Snapshots for the tests of the pages.
 *
 * @module
 */

import { parseCidr, parseIpv4 } from "../../base/mod.ts";
import { COUNTERS } from "../../switch/mod.ts";
import type { ConnectionRow, StatusSnapshot } from "./snapshot.ts";

/** Four routers. */
export const [ONE, TWO, THREE, FOUR] = [1, 2, 3, 4].map((n) => 0x0200_0000_0000 + n) as [
  number,
  number,
  number,
  number,
];

/** Returns a peer without connections. */
export function peer(name: number, nickname: string): StatusSnapshot["peers"][number] {
  return { name, nickname, uid: "1", version: "1", shortId: undefined, connections: [] };
}

/** Returns a route for frames. */
export function route(
  name: number,
  nextHop: number | undefined,
  edges: number[],
): StatusSnapshot["forwarding"][number] {
  return { name, nextHop, edges, uid: 1n, shortId: undefined };
}

/** Returns a link to the second router. */
export function link(more: Partial<ConnectionRow> = {}): ConnectionRow {
  return {
    id: 1,
    outbound: false,
    address: "192.0.2.2:36987",
    state: "established",
    peer: TWO,
    nickname: "host2",
    encrypted: undefined,
    oldPassword: false,
    reason: undefined,
    retryAt: undefined,
    since: 0,
    overlay: "sleeve",
    mtuBytes: 1438,
    trusted: false,
    ...more,
  };
}

/** Returns a target that is not linked. */
export function target(more: Partial<ConnectionRow> = {}): ConnectionRow {
  return link({
    id: undefined,
    outbound: true,
    address: "192.0.2.9:6783",
    state: "failed",
    peer: undefined,
    nickname: undefined,
    overlay: undefined,
    mtuBytes: undefined,
    ...more,
  });
}

/** Returns a router that knows nobody. */
export function snapshot(more: Partial<StatusSnapshot> = {}): StatusSnapshot {
  return {
    version: "1.2.3",
    pid: 4711,
    logFile: "/run/weft/router.log",
    stateDir: "/var/lib/weft",
    since: 0,
    name: ONE,
    nickname: "host1",
    uid: "12650391640433031826",
    port: 6783,
    encryption: false,
    cipher: "libsodium 1.0.18",
    priority: { wanted: "realtime", got: "realtime", reason: undefined },
    discovery: true,
    trustedSubnets: [],
    bridge: "weft",
    mtuBytes: 1376,
    warnings: [],
    targets: [],
    connections: [],
    peers: [{
      name: ONE,
      nickname: "host1",
      uid: "12650391640433031826",
      version: "2",
      shortId: 953,
      connections: [],
    }],
    pairs: [],
    collisions: [],
    forwarding: [route(ONE, ONE, [])],
    macs: [],
    terminations: 0,
    ipam: undefined,
    dns: undefined,
    counters: Object.fromEntries(
      COUNTERS.map((name) => [name, 0]),
    ) as StatusSnapshot["counters"],
    ...more,
  };
}

/** Returns a router with two peers and a link to one of them. */
export function joined(): StatusSnapshot {
  const end = (peer: number, nickname: string, address: string, established: boolean) => ({
    peer,
    nickname,
    address,
    outbound: address.endsWith(":6783"),
    established,
  });
  const peers = [
    {
      name: ONE,
      nickname: "host1",
      uid: "1",
      version: "3",
      shortId: 1,
      connections: [end(TWO, "host2", "192.0.2.2:36987", true)],
    },
    {
      name: TWO,
      nickname: "host2",
      uid: "2",
      version: "3",
      shortId: undefined,
      connections: [
        end(ONE, "host1", "192.0.2.1:6783", true),
        end(THREE, "host3", "192.0.2.3:51383", false),
      ],
    },
  ];
  return snapshot({
    peers,
    connections: [link()],
    targets: ["192.0.2.2", "there.example.org"],
    forwarding: [
      route(ONE, ONE, [TWO]),
      route(TWO, TWO, [ONE]),
      route(THREE, undefined, []),
    ],
    macs: [{ mac: 0x26f4_a62b_9590, peer: TWO, nickname: "host2", lastSeen: 0 }],
  });
}

/** Returns addresses that three peers share; one of them is not there. */
export function addresses(
  more: Partial<NonNullable<StatusSnapshot["ipam"]>> = {},
): NonNullable<StatusSnapshot["ipam"]> {
  const entry = (token: string, size: number, [peer, nickname]: readonly [number, string]) => ({
    token: parseIpv4(token),
    size,
    free: size,
    peer,
    nickname,
    reachable: peer !== THREE,
    version: 0,
  });
  return {
    state: "ready",
    range: parseCidr("10.5.0.0/28"),
    defaultSubnet: parseCidr("10.5.0.0/29"),
    active: 3,
    warnings: [],
    paxos: undefined,
    entries: [
      entry("10.5.0.0", 2, [TWO, "host2"]),
      entry("10.5.0.2", 4, [ONE, "host1"]),
      entry("10.5.0.6", 8, [THREE, ""]),
      entry("10.5.0.14", 2, [TWO, "host2"]),
    ],
    pendingClaims: [],
    pendingAllocates: [],
    locked: { peers: [{ name: THREE, label: "" }], addresses: 8, percent: 50 },
    ...more,
  };
}

/** Returns two names that live and one that was removed. */
export function names(): NonNullable<StatusSnapshot["dns"]> {
  const entry = (hostname: string, container: string, tombstone = 0) => ({
    hostname,
    container,
    origin: ONE,
    ip: parseIpv4("10.5.0.9"),
    version: 0,
    tombstone,
  });
  return {
    domain: "weave.local.",
    ttlSeconds: 1,
    listening: ["172.17.0.1:53"],
    problem: undefined,
    upstream: [{ address: "192.0.2.53", state: "up" }],
    counters: {
      queries: 7,
      local: 5,
      forwarded: 2,
      ignored: 0,
      dropped: 0,
      unsent: 0,
      cached: 1,
      joined: 0,
      attempts: 1,
      failed: 0,
      strays: 0,
    },
    names: { live: 2, own: 2, warnings: [] },
    entries: [
      entry("db.example.org.", "weave:extern"),
      entry("foo.weave.local.", "0123456789abcdef"),
      entry("gone.weave.local.", "c", 1),
    ],
  };
}
