import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, fromHex, toHex, utf8 } from "../base/mod.ts";
import { portableCrypto } from "../tests/helpers/mesh_world.ts";
import encrypted from "../tests/vectors/live-encrypted.decoded.json" with { type: "json" };
import plain from "../tests/vectors/live-plain.decoded.json" with { type: "json" };
import {
  Connection,
  type ConnectionOutput,
  DRAIN_MS,
  HEARTBEAT_MS,
  INTRODUCTION_MS,
  READ_TIMEOUT_MS,
  SILENT_MS,
  STALLED_MS,
} from "./connection.ts";
import { decodeFeatures, encodeFeatures, type Features } from "./features.ts";
import type { HandshakeOptions } from "./handshake.ts";
import { tcpNonce } from "./secret_stream.ts";
import { decodeTopology } from "./topology_wire.ts";
import type { MeshCrypto } from "./types.ts";
import { gossipMessage, parseMessage, withLength } from "./wire.ts";

const FEATURES: Features = {
  name: 0x020000000001,
  nickname: "host1",
  uid: 1n,
  connId: 2n,
  shortId: 3,
  trusted: false,
  overlays: ["sleeve"],
  weft: true,
  liveness: true,
  digest: true,
};

function connection(options: Partial<HandshakeOptions> = {}): Connection {
  return new Connection({
    crypto: portableCrypto,
    outbound: false,
    passwords: [],
    password: 0,
    features: encodeFeatures(FEATURES),
    ...options,
  });
}

function drain(subject: Connection): ConnectionOutput[] {
  const outputs: ConnectionOutput[] = [];
  for (let out = subject.poll(); out !== undefined; out = subject.poll()) outputs.push(out);
  return outputs;
}

/** Two connections joined in memory; returns what each wanted besides sending. */
function join(a: Connection, b: Connection, now = 0): [ConnectionOutput[], ConnectionOutput[]] {
  const seen: [ConnectionOutput[], ConnectionOutput[]] = [[], []];
  for (let moved = true; moved;) {
    moved = false;
    for (const [from, to, log] of [[a, b, seen[0]], [b, a, seen[1]]] as const) {
      for (const output of drain(from)) {
        moved = true;
        if (output.kind === "send") to.handle({ kind: "received", bytes: output.bytes }, now);
        else log.push(output);
      }
    }
  }
  return seen;
}

function opened(passwords: Uint8Array[] = []): [Connection, Connection] {
  const pair: [Connection, Connection] = [
    connection({ outbound: true, passwords }),
    connection({ passwords }),
  ];
  for (const side of pair) side.handle({ kind: "start" }, 0);
  const seen = join(...pair);
  assert.deepEqual(seen.map((each) => each.map((o) => o.kind)), [["introduced"], ["introduced"]]);
  return pair;
}

Deno.test("Connection carries messages both ways in order when introduced", () => {
  for (const passwords of [[], [utf8("p")]]) {
    const [a, b] = opened(passwords);
    const messages = [1, 2, 3].map((n) => Uint8Array.of(9, n));
    for (const message of messages) a.handle({ kind: "send", message }, 0);
    b.handle({ kind: "send", message: Uint8Array.of(8) }, 0);
    const [atA, atB] = join(a, b);
    assert.deepEqual(atB, messages.map((message) => ({ kind: "message", message })));
    assert.deepEqual(atA, [{ kind: "message", message: Uint8Array.of(8) }]);
  }
});

Deno.test("Connection keeps bytes that come before it may start", () => {
  const late = connection();
  const early = connection({ outbound: true });
  early.handle({ kind: "start" }, 0);
  join(early, late);
  assert.equal(late.deadline(), undefined);
  late.handle({ kind: "start" }, 5_000);
  const [seen] = join(early, late, 5_000);
  assert.equal(seen[0]?.kind, "introduced");
  const flooded = connection();
  flooded.handle({ kind: "received", bytes: new Uint8Array(200_000) }, 0);
  assert.equal(drain(flooded)[0]?.kind, "closed");
});

Deno.test("Connection sends a heartbeat every 30 s and closes after 60 s of silence", () => {
  const [a] = opened();
  assert.equal(a.deadline(), HEARTBEAT_MS);
  a.handle({ kind: "tick" }, HEARTBEAT_MS);
  assert.deepEqual(drain(a), [{ kind: "send", bytes: fromHex("0000000100") }]);
  a.handle({ kind: "tick" }, READ_TIMEOUT_MS);
  const reason = "silent for 60 s";
  assert.deepEqual(drain(a), [{ kind: "closed", reason, nextPassword: undefined }]);
  assert.equal(a.deadline(), undefined);
});

/** Ticks whenever it is due until a time. @returns when it sent, and the last reason why it closed */
function tickUntil(
  subject: Connection,
  until: number,
  from = 0,
): [number[], string | undefined] {
  const sent: number[] = [];
  let reason: string | undefined;
  let now = from;
  for (;;) {
    now = Math.max(now, subject.deadline() ?? Infinity);
    if (now >= until) break;
    subject.handle({ kind: "tick" }, now);
    for (const output of drain(subject)) {
      if (output.kind === "send") sent.push(now);
      else if (output.kind === "closed") reason = `${output.reason} at ${now}`;
    }
  }
  return [sent, reason];
}

/** One heartbeat of the remote. */
const HEARTBEAT = { kind: "received", bytes: fromHex("0000000100") } as const;

Deno.test("Connection waits longer for the first word when it is lively: the path may be slow", () => {
  const [a] = opened();
  a.handle({ kind: "lively", overlayWorks: false }, 0);
  assert.equal(tickUntil(a, 60_000)[1], "silent for 5 s at 25000");
});

Deno.test("Connection sends each second and closes after 5 s or 10 s of silence when it is lively", () => {
  for (const [overlayWorks, patience] of [[false, SILENT_MS], [true, STALLED_MS]] as const) {
    const [a] = opened();
    a.handle({ kind: "lively", overlayWorks }, 0);
    a.handle(HEARTBEAT, 0);
    const [sent, reason] = tickUntil(a, 60_000);
    assert.deepEqual(sent.slice(0, 3), [1_000, 2_000, 3_000]);
    assert.equal(reason, `silent for ${patience / 1000} s at ${patience}`);
  }
});

Deno.test("Connection sends its heartbeat with what comes shortly before it is due when it is lively", () => {
  const [a, real] = opened();
  const answers = (subject: Connection, now: number): boolean => {
    subject.handle(HEARTBEAT, now);
    return drain(subject).some(({ kind }) => kind === "send");
  };
  a.handle({ kind: "lively", overlayWorks: true }, 0);
  assert.deepEqual([answers(a, 599), answers(a, 600), answers(a, 601)], [false, true, false]);
  assert.equal(a.deadline(), 1_725, "the remote, which sends each second, begins");
  assert.equal(answers(a, 1_600), true);
  // When nothing comes it begins itself.
  assert.deepEqual(tickUntil(a, 5_000, 1_600)[0], [2_725, 3_725, 4_725]);
  assert.equal(answers(real, HEARTBEAT_MS - 1), false);
});

Deno.test("Connection judges by what the overlay does now when it is lively", () => {
  const [a] = opened();
  a.handle({ kind: "lively", overlayWorks: true }, 0);
  a.handle(HEARTBEAT, 0);
  tickUntil(a, 6_500);
  a.handle({ kind: "lively", overlayWorks: false }, 6_500);
  // A verdict that is overdue at once waits for what is in the socket, as one that comes late does.
  assert.equal(tickUntil(a, 9_000, 6_500)[1], "silent for 5 s at 7500");
});

Deno.test("Connection counts single bytes as life when it is lively, for 60 s", () => {
  const [a] = opened();
  a.handle({ kind: "lively", overlayWorks: false }, 0);
  a.handle({ kind: "received", bytes: fromHex("00000100") }, 0);
  let reason: string | undefined;
  for (let now = 4_000; reason === undefined; now += 4_000) {
    reason = tickUntil(a, now, now - 4_000)[1];
    a.handle({ kind: "received", bytes: fromHex("09") }, now);
  }
  assert.equal(reason, "silent for 60 s at 60000");
});

Deno.test("Connection reads what waits in the socket before it judges when it was away", () => {
  const [a] = opened();
  a.handle({ kind: "lively", overlayWorks: false }, 0);
  a.handle({ kind: "tick" }, 20_000);
  assert.equal(drain(a).some((output) => output.kind === "closed"), false);
  a.handle({ kind: "received", bytes: fromHex("0000000100") }, 20_001);
  assert.equal(tickUntil(a, 60_000, 20_001)[1], "silent for 5 s at 25001");
});

Deno.test("Connection counts whole messages as life, not single bytes", () => {
  const [a] = opened();
  a.handle({ kind: "received", bytes: fromHex("00000001") }, 59_000);
  a.handle({ kind: "tick" }, READ_TIMEOUT_MS);
  assert.equal(drain(a).at(-1)?.kind, "closed");
  const [b] = opened();
  b.handle({ kind: "received", bytes: fromHex("0000000100") }, 59_000);
  b.handle({ kind: "tick" }, READ_TIMEOUT_MS);
  assert.equal(drain(b).some((output) => output.kind === "closed"), false);
});

Deno.test("Connection closes when the introduction takes more than 30 s, saying how far it came", () => {
  const cases: [string, Uint8Array[], RegExp][] = [
    ["", [], /before it said what it is$/],
    ["77656176650202", [], /perhaps it has a password and we have none$/],
    ["77656176650202", [utf8("p")], /perhaps we have a password and it has none$/],
    ["7765617665020200", [], /before its features came$/],
    ["7765617665020201" + "09".repeat(32), [utf8("p")], /perhaps no common password$/],
  ];
  for (const [hex, passwords, expected] of cases) {
    for (const ends of [false, true]) {
      const subject = connection({ passwords });
      subject.handle({ kind: "start" }, 0);
      subject.handle({ kind: "received", bytes: fromHex(hex) }, 10);
      if (ends) subject.handle({ kind: "ended", reason: "connection reset by peer" }, 20);
      else subject.handle({ kind: "tick" }, INTRODUCTION_MS);
      const last = drain(subject).at(-1);
      assert.match(last?.kind === "closed" ? last.reason : "", expected);
    }
  }
});

Deno.test("Connection lets the remote read a refusal for a second before it closes", () => {
  const subject = connection({ passwords: [utf8("p")] });
  subject.handle({ kind: "start" }, 0);
  subject.handle({ kind: "received", bytes: fromHex("7765617665020200") }, 100);
  const outputs = drain(subject);
  assert.deepEqual(outputs.map((output) => output.kind), ["send", "finish"]);
  // Our flag is out although theirs was wrong.
  assert.equal(outputs[0]?.kind === "send" && outputs[0].bytes[7], 1);
  subject.handle({ kind: "received", bytes: new Uint8Array(100_000) }, 200);
  assert.deepEqual(drain(subject), []);
  assert.equal(subject.deadline(), 100 + DRAIN_MS);
  subject.handle({ kind: "tick" }, 100 + DRAIN_MS);
  const reason = "we have a password and it has none";
  assert.deepEqual(drain(subject), [{ kind: "closed", reason, nextPassword: undefined }]);
});

Deno.test("Connection closes at once when a refused remote is gone too", () => {
  const subject = connection();
  subject.handle({ kind: "start" }, 0);
  subject.handle({ kind: "refuse", reason: "no" }, 0);
  subject.handle({ kind: "ended", reason: "connection reset by peer" }, 1);
  assert.deepEqual(drain(subject).at(-1), {
    kind: "closed",
    reason: "no",
    nextPassword: undefined,
  });
});

Deno.test("Connection closes when a record is forged, repeated or too long", () => {
  const forge: ((sent: Uint8Array) => Uint8Array)[] = [
    (sent) => concat(sent, sent),
    (sent) => sent.map((byte, i) => i === sent.length - 1 ? byte ^ 1 : byte),
    () => fromHex("00a00001"),
    () => fromHex("00000000"),
  ];
  for (const change of forge) {
    const [a, b] = opened([utf8("p")]);
    a.handle({ kind: "send", message: Uint8Array.of(0) }, 0);
    const [sent] = drain(a);
    assert.ok(sent?.kind === "send");
    b.handle({ kind: "received", bytes: change(sent.bytes) }, 0);
    assert.equal(drain(b).at(-1)?.kind, "closed");
  }
});

Deno.test("Connection ends in values only when bytes after the introduction are arbitrary", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (bytes, sealed) => {
      const [a] = opened(sealed ? [utf8("p")] : []);
      a.handle({ kind: "received", bytes }, 1);
      for (const output of drain(a)) {
        assert.ok(["message", "closed"].includes(output.kind));
        if (output.kind === "message") assert.equal(sealed, false);
      }
    }),
    { numRuns: 60 },
  );
});

interface LiveCase {
  from: string;
  proto: string;
  event?: string;
  hex?: string;
  seq?: number;
  plaintext?: string;
  length_on_wire?: number;
  tag?: number;
  channel?: string;
  source?: string;
  overlay_tag?: number;
  features?: Record<string, string>;
}

const DIALLER = "10.98.0.2";

for (const [name, live] of [["plain", plain], ["encrypted", encrypted]] as const) {
  const cases = (live.cases as unknown as LiveCase[]).filter((c) =>
    c.proto === "tcp" && c.event !== "RST"
  );
  const sessionKey = live.session_key === "" ? undefined : fromHex(live.session_key);

  for (const side of ["dialler", "listener"] as const) {
    Deno.test(`Connection reads the recorded ${name} conversation when it is the ${side}`, () => {
      const isRemote = (c: LiveCase): boolean => (c.from === DIALLER) !== (side === "dialler");
      const subject = connection({
        crypto: recordedCrypto(sessionKey),
        outbound: side === "dialler",
        passwords: name === "encrypted" ? [utf8("wEaVe")] : [],
      });
      subject.handle({ kind: "start" }, 0);
      const plaintexts: string[] = [];
      for (const c of cases.filter(isRemote)) {
        subject.handle({ kind: "received", bytes: recordedBytes(c, sessionKey) }, 1);
        for (const output of drain(subject)) {
          assert.notEqual(output.kind, "closed");
          if (output.kind === "message") plaintexts.push(toHex(output.message));
          if (output.kind !== "introduced") continue;
          const expected = cases.find((each) => isRemote(each) && each.event === "features");
          assert.equal(output.introduction.features.nickname, expected?.features?.["NickName"]);
          assert.equal(output.introduction.features.uid.toString(), expected?.features?.["UID"]);
        }
      }
      const messages = cases.filter((c) => isRemote(c) && (c.seq ?? 0) > 0);
      assert.ok(messages.length > 10);
      assert.deepEqual(plaintexts, messages.map((c) => c.plaintext));
    });
  }

  Deno.test(`parseMessage() understands every message of the recorded ${name} conversation`, () => {
    for (const c of cases.filter((each) => (each.seq ?? 0) > 0)) {
      const bytes = fromHex(c.plaintext ?? "");
      const message = parseMessage(bytes);
      assert.notEqual(message.kind, "unknown");
      if (message.kind === "overlay") assert.equal(message.tag, c.overlay_tag);
      if (message.kind !== "gossip" && message.kind !== "broadcast") continue;
      assert.equal(message.channel, c.channel);
      if (message.channel === "topology") assert.ok(decodeTopology(message.payload).length > 0);
      if (message.kind !== "gossip") continue;
      assert.deepEqual(gossipMessage(message.channel, message.source, message.payload), bytes);
    }
    const features = cases.filter((c) => c.event === "features");
    for (const c of features) {
      assert.deepEqual(Object.fromEntries(decodeFeatures(fromHex(c.plaintext ?? ""))), c.features);
    }
  });
}

/** The recorders' private keys are unknown, but what both sides derived from them is recorded. */
function recordedCrypto(sessionKey: Uint8Array | undefined): MeshCrypto {
  return {
    ...portableCrypto,
    sharedKey: () => new Uint8Array(32),
    sha256: (bytes) => sessionKey ?? portableCrypto.sha256(bytes),
  };
}

/** Makes the bytes of a recorded event anew. */
function recordedBytes(c: LiveCase, sessionKey: Uint8Array | undefined): Uint8Array {
  if (c.hex !== undefined) return fromHex(c.hex);
  const message = fromHex(c.plaintext ?? "");
  const nonce = tcpNonce(c.from === DIALLER, BigInt(c.seq ?? 0));
  const record = sessionKey === undefined
    ? message
    : portableCrypto.seal(message, nonce, sessionKey);
  assert.equal(record.length, c.length_on_wire);
  return withLength(record);
}
