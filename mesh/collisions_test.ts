import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parseIp, type PeerName } from "../base/mod.ts";
import { Collisions } from "./collisions.ts";
import type { Features } from "./features.ts";
import type { Live } from "./live.ts";
import { Topology } from "./topology.ts";
import { type ConnectionEntry, encodeTopology, type PeerEntry } from "./topology_wire.ts";

const [US, TWIN, LEFT, RIGHT] = [0x02_01, 0x02_02, 0x02_03, 0x02_04] as const;
const [A, B, C] = [11n, 12n, 13n] as const;

/** A table with what watches it. */
function watched(): { table: Topology; collisions: Collisions; hear: Hear; meet: Meet } {
  const table = new Topology({ name: US, nickname: "us", uid: 1n, random: () => 0.5 });
  const collisions = new Collisions(table);
  const hear: Hear = (now, uid, version, more = {}) => {
    const bytes = encodeTopology([entry(uid, version, more)]);
    for (const payload of bytes) table.apply(payload);
    return collisions.look(now).length;
  };
  const meet: Meet = (now, uid, address, name = TWIN, rival = undefined) => {
    const features = { name, nickname: `host${uid}`, uid, shortId: undefined };
    collisions.met(
      features as Features,
      { ip: parseIp(address), port: 40_000 },
      rival as Live,
      now,
    );
    table.introduce(features);
    return collisions.look(now).length;
  };
  return { table, collisions, hear, meet };
}

type Hear = (now: number, uid: bigint, version: bigint, more?: Partial<PeerEntry>) => number;
type Meet = (now: number, uid: bigint, address: string, name?: PeerName, rival?: unknown) => number;

function entry(uid: bigint, version: bigint, more: Partial<PeerEntry>): PeerEntry {
  const nickname = `host${uid}`;
  return { name: TWIN, nickname, uid, version, shortId: undefined, connections: [], ...more };
}

function to(peer: PeerName, address: string): ConnectionEntry {
  return { peer, address, outbound: false, established: true };
}

Deno.test("Collisions.look() is sure when two UIDs jump over each other again and again", () => {
  const { hear, collisions } = watched();
  const news: number[] = [];
  for (let i = 0; i < 8; i++) news.push(hear(i * 1_000, i % 2 === 0 ? A : B, BigInt(5 + i)));
  deepEqual(news, [0, 0, 0, 0, 0, 1, 0, 0]);
  const [collision] = collisions.status(8_000, 100);
  equal(collision?.name, TWIN);
  deepEqual(collision?.holders.map(({ nickname }) => nickname), ["host11", "host12"]);
  equal(collision?.since, 5_100);
  match(
    collision?.text ?? "",
    /^2 routers have the name \S+: "host11" .*UID 11.*"host12" .*UID 12.*--name/,
  );
});

Deno.test("Collisions.look() sees both although one of them never wins the tie", () => {
  const { hear } = watched();
  let news = 0;
  // Both tell the same version: the table keeps that of the higher UID.
  for (let i = 0; i < 8; i++) {
    news += hear(i * 1_000, B, BigInt(5 + i));
    news += hear(i * 1_000 + 10, A, BigInt(5 + i));
  }
  equal(news, 1);
});

Deno.test("Collisions.look() takes a restart for what it is, old news included", () => {
  const { hear, collisions } = watched();
  hear(0, A, 47n);
  hear(10, B, 1n);
  hear(20, B, 48n);
  // From three neighbours who had heard more or less of the earlier run.
  hear(30, A, 48n);
  hear(40, A, 50n);
  hear(50, B, 51n);
  hear(1_500, A, 52n);
  for (let i = 0; i < 50; i++) hear(3_000 + i * 1_000, B, BigInt(53 + i));
  deepEqual(collisions.status(60_000, 0), []);
});

Deno.test("Collisions.look() takes a router that crashes again and again for one", () => {
  const { hear, meet, collisions } = watched();
  for (let i = 0; i < 40; i++) {
    meet(i * 5_000, A + BigInt(i), "192.0.2.2");
    for (let j = 0; j < 4; j++) hear(i * 5_000 + j * 1_000, A + BigInt(i), BigInt(10 * i + j));
  }
  deepEqual(collisions.status(200_000, 0), []);
});

Deno.test("Collisions.met() is sure when one introduces itself before and after another", () => {
  const { meet, collisions } = watched();
  equal(meet(0, A, "192.0.2.2"), 0);
  equal(meet(1_000, B, "192.0.2.3"), 0);
  equal(meet(2_000, A, "192.0.2.2"), 1);
  const [collision] = collisions.status(2_000, 0);
  deepEqual(collision?.holders.map(({ address }) => address), ["192.0.2.2", "192.0.2.3"]);
  match(collision?.text ?? "", /at 192\.0\.2\.2.*at 192\.0\.2\.3/);
});

Deno.test("Collisions.met() is sure when one speaks on its connection after another came", () => {
  const { meet, collisions } = watched();
  const rival = (heardAt: number) => ({
    link: { uid: A },
    connection: { heardAt },
    remote: { ip: parseIp("192.0.2.2"), port: 6783 },
  });
  meet(0, A, "192.0.2.2");
  equal(meet(10_000, B, "192.0.2.3", TWIN, rival(9_000)), 0);
  equal(meet(13_000, B, "192.0.2.3", TWIN, rival(9_000)), 0);
  equal(meet(18_000, B, "192.0.2.3", TWIN, rival(17_000)), 1);
  const [collision] = collisions.status(18_000, 0);
  deepEqual(collision?.holders.map(({ address }) => address), ["192.0.2.2", "192.0.2.3"]);
});

Deno.test("Collisions.met() is sure at once of another with our name, and never of ourselves", () => {
  const { meet, collisions } = watched();
  equal(meet(0, 1n, "192.0.2.1", US), 0);
  equal(meet(0, C, "192.0.2.9", US), 1);
  const [collision] = collisions.status(0, 0);
  match(
    collision?.text ?? "",
    /"us" \(this router, UID 1\) and "host13" \(at 192\.0\.2\.9, UID 13\)/,
  );
  equal(collision?.holders[0]?.ourself, true);
});

Deno.test("Collisions.look() is sure of another with our name that answers us", () => {
  const { table, hear } = watched();
  const news: number[] = [];
  for (let i = 0; i < 5; i++) {
    news.push(hear(i * 2_000, C, table.self.version + 1n, { name: US }));
  }
  deepEqual(news, [0, 0, 1, 0, 0]);
});

Deno.test("Collisions.look() takes an earlier run of ours for what it is", () => {
  const { hear, collisions } = watched();
  for (let i = 0; i < 60; i++) hear(i * 1_000, C, 50n, { name: US });
  hear(61_000, C, 51n, { name: US });
  deepEqual(collisions.status(62_000, 0), []);
});

Deno.test("Collisions.status() takes the address of each from its own neighbours", () => {
  const { table, hear, collisions } = watched();
  const neighbours = [
    entry(21n, 1n, { name: LEFT, nickname: "left", connections: [to(TWIN, "192.0.2.2:40000")] }),
    entry(22n, 1n, {
      name: RIGHT,
      nickname: "right",
      connections: [to(TWIN, "[2001:db8::3]:6783")],
    }),
  ];
  for (const payload of encodeTopology(neighbours)) table.apply(payload);
  for (let i = 0; i < 8; i++) {
    const connections = [to(i % 2 === 0 ? LEFT : RIGHT, "192.0.2.9:6783")];
    hear(i * 1_000, i % 2 === 0 ? A : B, BigInt(5 + i), { connections });
  }
  const [collision] = collisions.status(8_000, 0);
  deepEqual(collision?.holders.map(({ address }) => address), ["192.0.2.2", "2001:db8::3"]);
});

Deno.test("Collisions.status() names the neighbour of both where no address is sure", () => {
  const { table, hear, collisions } = watched();
  const middle = entry(21n, 1n, {
    name: LEFT,
    nickname: "left",
    connections: [to(TWIN, "192.0.2.2:40000")],
  });
  for (const payload of encodeTopology([middle])) table.apply(payload);
  for (let i = 0; i < 8; i++) {
    hear(i * 1_000, i % 2 === 0 ? A : B, BigInt(5 + i), {
      connections: [to(LEFT, "192.0.2.9:6783")],
    });
  }
  const text = collisions.status(8_000, 0)[0]?.text ?? "";
  match(text, /"host11" \(connected to "left", UID 11\)/);
  match(text, /"host12" \(connected to "left", UID 12\)/);
});

Deno.test("Collisions.status() forgets what gives no more evidence, and tells of it anew", () => {
  const { meet, collisions } = watched();
  for (const start of [0, 700_000]) {
    meet(start, A, "192.0.2.2");
    meet(start + 1_000, B, "192.0.2.3");
    equal(meet(start + 2_000, A, "192.0.2.2"), 1);
    equal(collisions.status(start + 500_000, 0).length, 1);
    equal(collisions.status(start + 690_000, 0).length, 0);
  }
});

Deno.test("Collisions.look() holds no more than its bounds whatever it hears", () => {
  const { table, collisions } = watched();
  for (let round = 0; round < 20; round++) {
    const entries = Array.from(
      { length: 300 },
      (_, i) => entry(BigInt(1 + round % 7), BigInt(round), { name: 0x0300 + i }),
    );
    for (const payload of encodeTopology(entries)) table.apply(payload);
    collisions.look(round * 2_000);
  }
  ok(collisions.status(40_000, 0).length <= 64);
});
