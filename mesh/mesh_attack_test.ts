import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, fromHex, must, parseEndpoint } from "../base/mod.ts";
import { portableCrypto, seededCrypto, testConfig } from "../tests/helpers/mesh_world.ts";
import live from "../tests/vectors/live-plain.decoded.json" with { type: "json" };
import { Connection, type ConnectionOutput } from "./connection.ts";
import { encodeFeatures } from "./features.ts";
import { MeshCore } from "./mesh.ts";
import type { MeshOutput } from "./mesh_io.ts";
import { encodeTopology, type PeerEntry } from "./topology_wire.ts";
import { gossipMessage, overlayMessage, parseMessage, unicastMessage } from "./wire.ts";

const STRANGER = 0x020000000063;

/** One core and one hand-made peer that is connected to it. */
class Attack {
  readonly core: MeshCore;
  readonly outputs: MeshOutput[] = [];
  readonly seen: ConnectionOutput[] = [];
  now = 0;
  #peer: Connection;
  readonly id: number;

  constructor(core = new MeshCore(testConfig(1), seededCrypto(1), 0)) {
    this.core = core;
    this.id = core.newId();
    this.#peer = new Connection({
      crypto: portableCrypto,
      outbound: true,
      passwords: [],
      password: 0,
      features: encodeFeatures({
        name: STRANGER,
        nickname: "stranger",
        uid: 1n,
        connId: BigInt(this.id),
        shortId: undefined,
        trusted: false,
        overlays: ["sleeve"],
        weft: false,
        liveness: false,
        digest: false,
      }),
    });
    this.feed({ kind: "accepted", id: this.id, remote: parseEndpoint("192.0.2.1:40000") });
    this.#peer.handle({ kind: "start" }, 0);
    this.#move();
  }

  get closed(): string | undefined {
    const down = this.outputs.find((o) => o.kind === "event" && o.event.kind === "linkDown");
    return down?.kind === "event" && down.event.kind === "linkDown" ? down.event.reason : undefined;
  }

  feed(input: Parameters<MeshCore["handle"]>[0]): void {
    this.core.handle(input, this.now);
    for (let out = this.core.poll(); out !== undefined; out = this.core.poll()) {
      this.outputs.push(out);
      if (out.kind !== "send" || out.id !== this.id) continue;
      this.#peer.handle({ kind: "received", bytes: out.bytes }, this.now);
    }
  }

  send(message: Uint8Array): void {
    this.#peer.handle({ kind: "send", message }, this.now);
    this.#move();
  }

  wait(ms: number): void {
    const end = this.now + ms;
    for (let at = this.core.deadline() ?? end; at <= end; at = this.core.deadline() ?? end + 1) {
      this.now = Math.max(this.now, at);
      this.feed({ kind: "tick" });
    }
    this.now = end;
    this.#move();
  }

  #move(): void {
    for (let out = this.#peer.poll(); out !== undefined; out = this.#peer.poll()) {
      if (out.kind === "send") this.feed({ kind: "received", id: this.id, bytes: out.bytes });
      else this.seen.push(out);
    }
  }
}

Deno.test("MeshCore keeps the times of Weave Net towards a peer without our features", () => {
  const attack = new Attack();
  const up = attack.outputs.find((o) => o.kind === "event" && o.event.kind === "linkUp");
  assert.equal(up?.kind === "event" && up.event.kind === "linkUp" && up.event.link.lively, false);
  const heartbeats: number[] = [];
  for (attack.now = 1_000; attack.closed === undefined; attack.now += 1_000) {
    const before = attack.outputs.length;
    attack.feed({ kind: "tick" });
    const sends = attack.outputs.slice(before).filter((o) => o.kind === "send");
    if (sends.some((o) => o.bytes.length === 5)) heartbeats.push(attack.now);
  }
  assert.deepEqual(heartbeats, [30_000]);
  assert.equal(attack.closed, "silent for 60 s");
});

Deno.test("MeshCore closes a link with a reason when an envelope or topology does not parse", () => {
  const bad = [
    fromHex("04"),
    fromHex("04ff"),
    gossipMessage("topology", STRANGER, fromHex("ff")),
    unicastMessage("topology", STRANGER, testConfig(1).name, new Uint8Array()),
  ];
  for (const message of bad) {
    const attack = new Attack();
    assert.equal(attack.closed, undefined);
    attack.send(message);
    assert.match(attack.closed ?? "", /Cannot parse|it sent topology as unicast/);
    assert.ok(attack.outputs.some((o) => o.kind === "close" && o.id === attack.id));
  }
});

Deno.test("MeshCore ignores what it does not know and overlay control out of range", () => {
  const attack = new Attack();
  for (const hex of ["", "01", "02", "030586", "07", "0700", "08", "ff0102"]) {
    attack.send(fromHex(hex));
  }
  attack.send(overlayMessage(1, 1, new Uint8Array()));
  attack.send(overlayMessage(255, 3, new Uint8Array(1)));
  attack.send(gossipMessage("unknown", STRANGER, fromHex("0102")));
  assert.equal(attack.closed, undefined);
  const events = attack.outputs.filter((o) => o.kind === "event").map((o) => o.event.kind);
  assert.equal(events.includes("overlayControl"), false);
  attack.send(overlayMessage(0, 1, new Uint8Array()));
  assert.equal(attack.outputs.at(-1)?.kind === "event", true);
});

Deno.test("MeshCore tells a new neighbour everything at once and never with a forbidden tag", () => {
  const attack = new Attack();
  const messages = attack.seen.filter((o) => o.kind === "message").map((o) =>
    parseMessage(o.message)
  );
  assert.deepEqual(messages.map((m) => m.kind), ["gossip"]);
  attack.wait(120_000);
  for (const output of attack.seen) {
    if (output.kind !== "message") continue;
    assert.ok([0, 4, 5, 6, 7].includes(output.message[0] ?? 1));
  }
});

Deno.test("MeshCore bounds the peers that a neighbour can make it dial and forgets them", () => {
  const attack = new Attack();
  const far: PeerEntry[] = Array.from({ length: 500 }, (_, i) => ({
    name: i + 1,
    nickname: "",
    uid: 1n,
    version: 1n,
    shortId: undefined,
    connections: [{
      peer: 600 + i,
      address: `198.51.100.${i % 256}:${i + 1}`,
      outbound: i % 2 === 0,
      established: true,
    }],
  }));
  const mine: PeerEntry = {
    ...must(far[0], "entry"),
    name: STRANGER,
    uid: 1n,
    version: 9n,
    connections: far.map(({ name }) => ({
      peer: name,
      address: "nonsense",
      outbound: true,
      established: true,
    })),
  };
  attack.send(
    gossipMessage("topology", STRANGER, must(encodeTopology([mine, ...far])[0], "payload")),
  );
  attack.wait(2_000);
  assert.equal(attack.outputs.filter((o) => o.kind === "dial").length, 64);
  assert.equal(attack.core.topology.size, 2 + 1000);
  const alone = { ...mine, version: 10n, connections: [] };
  attack.send(gossipMessage("topology", STRANGER, must(encodeTopology([alone])[0], "payload")));
  attack.wait(2_000);
  assert.equal(attack.core.topology.size, 2);
});

Deno.test("MeshCore closes idle strangers after 30 s and lets 128 of them in", () => {
  const core = new MeshCore(testConfig(1), seededCrypto(1), 0);
  const closed = new Set<number>();
  const reasons = new Set<string>();
  const drain = (): void => {
    for (let out = core.poll(); out !== undefined; out = core.poll()) {
      if (out.kind === "close") closed.add(out.id);
      if (out.kind === "log") reasons.add(String(out.fields.reason));
    }
  };
  const ids: number[] = [];
  for (let i = 0; i < 130; i++) {
    const id = core.newId();
    ids.push(id);
    core.handle({ kind: "accepted", id, remote: parseEndpoint(`192.0.2.${i}:1`) }, 0);
    drain();
  }
  assert.deepEqual([...closed], ids.slice(128));
  for (let at = core.deadline() ?? 0; at < 40_000; at = core.deadline() ?? Infinity) {
    core.handle({ kind: "tick" }, at);
    drain();
    if (at < 30_000) assert.equal(closed.size, 2);
  }
  assert.equal(closed.size, 130);
  assert.deepEqual([...reasons], [
    "too many connections are being introduced",
    "no answer within 30 s: before it said what it is",
  ]);
});

Deno.test("MeshCore never throws when a neighbour sends mutated messages of a recorded conversation", () => {
  const recorded = (live.cases as { proto: string; seq?: number; plaintext?: string }[])
    .filter((c) => c.proto === "tcp" && (c.seq ?? 0) > 0).map((c) => fromHex(c.plaintext ?? ""));
  const mutation = fc.record({
    which: fc.nat(recorded.length - 1),
    at: fc.nat(),
    byte: fc.nat(255),
    cut: fc.option(fc.nat(400), { nil: undefined }),
    tail: fc.uint8Array({ maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(mutation, { maxLength: 12 }), (mutations) => {
      const attack = new Attack();
      for (const { which, at, byte, cut, tail } of mutations) {
        const message = concat(must(recorded[which], "message").slice(0, cut), tail);
        if (message.length > 1) message[1 + at % (message.length - 1)] = byte;
        attack.send(message);
        attack.wait(200);
      }
      attack.wait(5_000);
      attack.core.snapshot(attack.now, 0);
      attack.core.forwarding();
      assert.ok((attack.core.deadline() ?? Infinity) > attack.now);
    }),
    { numRuns: 100 },
  );
});

Deno.test("MeshCore never throws when accepted connections send arbitrary bytes", () => {
  const start = fc.constantFrom(
    "",
    "7765617665",
    "77656176650202",
    "7765617665020200",
    "7765617665010201",
  );
  fc.assert(
    fc.property(
      start,
      fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }),
      (hex, chunks) => {
        const core = new MeshCore(testConfig(1), seededCrypto(1), 0);
        const id = core.newId();
        core.handle({ kind: "accepted", id, remote: parseEndpoint("192.0.2.1:1") }, 0);
        for (const bytes of [fromHex(hex), ...chunks]) {
          core.handle(
            { kind: "received", id, bytes },
            1,
          );
        }
        core.handle({ kind: "ended", id, reason: undefined }, 2);
        core.handle({ kind: "tick" }, 40_000);
        assert.equal(core.snapshot(40_000, 0).connections.length, 1);
      },
    ),
    { numRuns: 150 },
  );
});
