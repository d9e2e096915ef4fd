import assert from "node:assert/strict";
import fc from "fast-check";
import { must, type PeerName, toHex } from "../../base/mod.ts";
import {
  type KeyNode,
  KeyWorld,
  nameOf,
  portableKeyCrypto,
  toyKeyCrypto,
} from "../../tests/helpers/key_world.ts";
import { dice } from "../../tests/helpers/underlay.ts";
import { type M1, type M2, parseKeyMessage, writeKeyMessage } from "./codec.ts";
import type { KeysOutput } from "./io.ts";

/** A message as somebody on the way has seen it. */
interface Seen {
  readonly from: PeerName;
  readonly to: PeerName;
  readonly payload: Uint8Array;
}

/** Two peers that agreed, and all that they sent. */
function agreed(): { world: KeyWorld; one: KeyNode; two: KeyNode; seen: Seen[] } {
  const world = new KeyWorld();
  const seen: Seen[] = [];
  world.delays = (from, to, payload) => {
    seen.push({ from, to, payload: payload.slice() });
    return [1];
  };
  const [one, two] = [world.start(1), world.start(2)];
  world.meet();
  world.run(5_000);
  return { world, one, two, seen };
}

function touches(node: KeyNode): KeysOutput[] {
  return node.outputs.filter((out) => out.kind !== "send" && out.kind !== "state");
}

function request(crypto = toyKeyCrypto(77)): M1 {
  return {
    kind: "M1",
    sidI: crypto.randomBytes(8),
    uidI: 99n,
    uidR: 1n,
    suites: 3,
    rxI: 5,
    eI: crypto.generateKeyPair().publicKey,
  };
}

Deno.test("KeyAgreement touches no key for what is replayed, reflected or sent under other names", () => {
  const { world, one, two, seen } = agreed();
  const three = world.start(3);
  world.meet();
  world.run(5_000);
  const before = [one, two, three].map(touches);
  const names = [one, two, three].map((node) => node.name);
  for (const { payload } of [...seen, ...seen.toReversed()]) {
    for (const from of names) {
      for (const to of names) world.node(to)?.feed({ kind: "received", from, payload });
    }
    world.run(20);
  }
  world.run(60_000);
  assert.deepEqual([one, two, three].map(touches), before);
  for (const [node, n] of [[one, 2], [two, 1], [three, 1]] as const) {
    assert.equal(node.state(n), "ready");
  }
});

Deno.test("KeyAgreement touches no key for what was changed on the way", () => {
  const { seen } = agreed();
  for (const [index, { payload }] of seen.slice(0, 3).entries()) {
    for (let at = 0; at < payload.length; at++) {
      const world = new KeyWorld();
      let count = 0;
      world.delays = (_from, _to, bytes) => {
        if (count++ === index) bytes[at] = (bytes[at] ?? 0) ^ 0x10;
        return count > 3 ? [] : [1];
      };
      const nodes = [world.start(1), world.start(2)];
      world.meet();
      world.run(900);
      // I has seen a good M2 when only M3 was changed.
      const installs = nodes.map((node) => node.of("install").length);
      assert.deepEqual(installs, index === 2 ? [1, 0] : [0, 0], `byte ${at} of M${index + 1}`);
    }
  }
});

Deno.test("KeyAgreement answers only peers of the topology that know its UID", () => {
  const world = new KeyWorld();
  const one = world.start(1);
  world.meet(7);
  const good = request();
  const ask = (change: Partial<M1>, from = 7): number => {
    const before = one.of("send").filter((out) => out.payload[0] === 2).length;
    const payload = writeKeyMessage({ ...good, ...change });
    one.feed({ kind: "received", from: nameOf(from), payload });
    return one.of("send").filter((out) => out.payload[0] === 2).length - before;
  };
  world.run(12_000); // its own run is over
  assert.equal(ask({}, 8), 0);
  assert.equal(ask({}, 1), 0);
  assert.equal(ask({ uidR: 2n }), 0);
  assert.equal(ask({ uidI: 98n }), 0);
  assert.equal(ask({ suites: 4 }), 0);
  assert.equal(one.state(7), "failed: no common cipher");
  assert.equal(ask({ eI: new Uint8Array(32) }), 0);
  assert.equal(ask({}), 1);
  assert.equal(ask({}), 1);
});

Deno.test("KeyAgreement refuses a public key of low order, its own, and a suite it did not offer", () => {
  const answer = (change: (m2: M2, m1: M1) => Partial<M2>): KeyNode => {
    const world = new KeyWorld();
    let m1: M1 | undefined;
    world.delays = (_from, _to, payload) => {
      const message = parseKeyMessage(payload);
      if (message.kind === "M1") m1 = message;
      if (message.kind !== "M2") return [1];
      payload.set(writeKeyMessage({ ...message, ...change(message, must(m1, "M1")) }));
      return [1];
    };
    const one = world.start(1);
    world.start(2);
    world.meet();
    world.run(900);
    return one;
  };
  const bad = answer(() => ({ eR: new Uint8Array(32) }));
  assert.deepEqual([bad.of("install"), bad.state(2)], [[], "failed: its public key is bad"]);
  assert.deepEqual(answer((_, m1) => ({ eR: m1.eI })).of("install"), []);
  for (const suite of [0, 3, 4, 8]) assert.deepEqual(answer(() => ({ suite })).of("install"), []);
  assert.equal(answer(() => ({})).of("install").length, 1);
});

Deno.test("KeyAgreement keeps its keys and its other pairs when somebody asks without end", () => {
  const { world, one, two } = agreed();
  const strangers = Array.from({ length: 300 }, (_, i) => i + 10);
  const peers = [one, two].map(({ name, uid }) => ({ name, uid }));
  peers.push(...strangers.map((n) => ({ name: nameOf(n), uid: 99n })));
  one.feed({ kind: "peers", peers });
  world.run(30_000);
  const before = [
    touches(one),
    one.of("send").filter((out) => out.payload[0] === 2).length,
  ] as const;
  const crypto = toyKeyCrypto(5);
  for (let round = 0; round < 3; round++) {
    for (const n of strangers) {
      const payload = writeKeyMessage(request(crypto));
      one.feed({ kind: "received", from: nameOf(n), payload });
    }
  }
  assert.deepEqual(touches(one), before[0]);
  const answers = one.of("send").filter((out) => out.payload[0] === 2).length - before[1];
  assert.ok(answers > 0 && answers <= 256, `${answers} answers at once`);
  world.run(11_000);
  one.feed({ kind: "exhausted", peer: two.name });
  world.run(20_000);
  assert.equal(one.of("install").length, 2);
  assert.equal(one.state(2), "ready");
});

Deno.test("KeyAgreement never throws and touches no key for any bytes", () => {
  const { world, one, two, seen } = agreed();
  const before = touches(one);
  const any = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.tuple(fc.nat(), fc.nat(), fc.nat(255)).map(([which, at, byte]) => {
      const bytes = must(seen[which % seen.length], "message").payload.slice();
      bytes[at % bytes.length] = byte;
      return bytes;
    }),
  );
  fc.assert(fc.property(any, fc.nat(3), (payload, n) => {
    one.feed({ kind: "received", from: nameOf(n), payload });
    world.run(100);
  }));
  assert.deepEqual(touches(one), before);
  assert.equal(two.state(1), "ready");
});

Deno.test("KeyAgreement holds a bounded number of keys and ids however often it agrees", () => {
  const world = new KeyWorld();
  world.data = false;
  const roll = dice(3);
  const [one, two] = [world.start(1), world.start(2)];
  world.meet();
  for (let i = 0; i < 200; i++) {
    world.run(Math.floor(roll() * 20_000));
    if (roll() < 0.3) {
      world.start(1);
      world.meet();
    }
  }
  assert.ok(two.opens(1).length <= 8);
  assert.ok(one.opens(2).length <= 8);
});

/** So many bytes of a secret, or all of a shorter one, are in no message by chance. */
const RUN_BYTES = 8;

Deno.test("KeyAgreement sends nothing over relays that a key could be had from", () => {
  const secrets: Uint8Array[] = [];
  const noted = (bytes: Uint8Array): Uint8Array => {
    secrets.push(bytes.slice());
    return bytes;
  };
  const crypto = {
    ...portableKeyCrypto,
    generateKeyPair: (): { publicKey: Uint8Array; privateKey: Uint8Array } => {
      const pair = portableKeyCrypto.generateKeyPair();
      noted(pair.privateKey);
      return pair;
    },
    x25519: (ours: Uint8Array, theirs: Uint8Array): Uint8Array =>
      noted(portableKeyCrypto.x25519(ours, theirs)),
  };
  const world = new KeyWorld();
  const carried: string[] = [];
  world.delays = (_from, _to, payload) => {
    carried.push(toHex(payload));
    return [1];
  };
  const passwords = ["a password that is told to nobody"];
  const nodes = [1, 2].map((n) => world.start(n, { crypto, passwords }));
  world.meet();
  world.run(5_000);
  for (const node of nodes) {
    const { keys } = must(node.of("install")[0], "keys");
    for (const bytes of [keys.sendKey, keys.sendSalt, keys.receiveKey, keys.receiveSalt]) {
      noted(bytes);
    }
  }
  noted(new TextEncoder().encode(passwords[0]));
  assert.ok(carried.length >= 3 && secrets.length >= 13);
  assert.ok(secrets.every((secret) => secret.some((byte) => byte !== 0)), "none was wiped before");
  for (const secret of secrets) {
    const length = Math.min(RUN_BYTES, secret.length);
    for (let at = 0; at + length <= secret.length; at++) {
      const run = toHex(secret.slice(at, at + length));
      assert.ok(carried.every((payload) => !payload.includes(run)), "a part of a secret");
    }
  }
});
