import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { type Millis, type PeerName, toHex, utf8 } from "../base/mod.ts";
import type { ForwardingPeer } from "../mesh/mod.ts";
import type { PairKeys } from "../switch/mod.ts";
import { toyKeyCrypto } from "../tests/helpers/key_world.ts";
import { PairKeysCore, type PairKeysInput, type PairKeysOutput, wipe } from "./pair_keys.ts";

const [ONE, TWO] = [0x0200_0000_0001, 0x0200_0000_0002] as const;

type Install = PairKeys & { readonly act: "install" };

/** The main thread of one router, its mesh and its data plane made of paper. */
class Main {
  readonly core: PairKeysCore;
  readonly told: PairKeys[] = [];
  readonly secrets: Uint8Array[] = [];
  readonly sent: Uint8Array[] = [];
  state = "none";
  now: Millis = 0;
  outbox: { readonly to: PeerName; readonly payload: Uint8Array }[] = [];

  constructor(readonly name: PeerName, readonly uid: bigint, passwords: readonly string[]) {
    this.core = new PairKeysCore({
      self: name,
      passwords: passwords.map(utf8),
      suites: ["AES-256-GCM", "ChaCha20-Poly1305"],
      crypto: toyKeyCrypto(Number(uid)),
    });
  }

  feed(input: PairKeysInput): void {
    this.core.handle(input, this.now);
    for (let out = this.core.poll(); out !== undefined; out = this.core.poll()) this.#perform(out);
  }

  /** What was installed, in order. */
  get installed(): Install[] {
    return this.told.filter((message): message is Install => message.act === "install");
  }

  /** What became of keys: the acts, in order. */
  get acts(): string[] {
    return this.told.map(({ act }) => act);
  }

  #perform(output: PairKeysOutput): void {
    if (output.kind === "state") {
      this.state = [output.state, output.reason].filter((word) => word !== undefined).join(": ");
    } else if (output.kind === "unicast") {
      this.sent.push(output.payload);
      this.outbox.push(output);
    } else {
      // What is posted to a thread is copied; then ours is overwritten.
      this.told.push(structuredClone(output.message));
      const { message } = output;
      if (message.act === "install") this.secrets.push(message.receiveKey, message.sendKey);
      wipe(message);
    }
  }
}

/** Two routers that reach each other; other peers are names in the topology. */
class World {
  now: Millis = 0;
  mains: Main[] = [];

  start(name: PeerName, uid: bigint, passwords: readonly string[] = ["secret"]): Main {
    const main = new Main(name, uid, passwords);
    this.mains = [...this.mains.filter((other) => other.name !== name), main];
    return main;
  }

  /** Tells all of all, or of those that are given. */
  topology(peers = this.mains.map(({ name, uid }) => ({ name, uid }))): void {
    const known: ForwardingPeer[] = peers.map(({ name, uid }) => ({
      name,
      uid,
      nextHop: name,
      edges: [],
      shortId: undefined,
    }));
    for (const main of this.mains) this.#feed(main, { kind: "topology", peers: known });
    this.carry();
  }

  /** Carries messages until there are none. */
  carry(): void {
    for (let busy = true; busy;) {
      busy = false;
      for (const main of this.mains) {
        for (const { to, payload } of main.outbox.splice(0)) {
          busy = true;
          const receiver = this.mains.find(({ name }) => name === to);
          if (receiver === undefined) continue;
          this.#feed(receiver, { kind: "received", from: main.name, payload });
        }
      }
    }
  }

  /** Says that the last keys of both were used, first by who was asked. */
  work(): void {
    const last = this.mains.map((main) => ({ main, keys: main.installed.at(-1) }));
    last.sort((a, b) => Number(a.keys?.sendNow ?? false) - Number(b.keys?.sendNow ?? false));
    for (const { main, keys } of last) {
      if (keys === undefined) continue;
      const { peer, receiveId } = keys;
      const news = { kind: "pairNews", peer, news: "worked", receiveId } as const;
      this.#feed(main, { kind: "news", news });
    }
    this.carry();
  }

  /** Lets time pass, from deadline to deadline. */
  run(ms: Millis): void {
    const end = this.now + ms;
    for (;;) {
      const due = Math.min(...this.mains.map(({ core }) => core.deadline() ?? Infinity));
      if (due > end) break;
      this.now = Math.max(this.now, due);
      for (const main of this.mains) this.#feed(main, { kind: "tick" });
      this.carry();
    }
    this.now = end;
  }

  #feed(main: Main, input: PairKeysInput): void {
    main.now = this.now;
    main.feed(input);
  }
}

function pair(one: readonly string[] = ["secret"], two = one): [World, Main, Main] {
  const world = new World();
  const mains = [world.start(ONE, 1n, one), world.start(TWO, 2n, two)] as const;
  return [world, ...mains];
}

/** The keys that the two would use with each other are the same, crosswise. */
function agree(one: Main, two: Main): boolean {
  const [a, b] = [one.installed.at(-1), two.installed.at(-1)];
  if (a === undefined || b === undefined) return false;
  return toHex(a.sendKey) === toHex(b.receiveKey) && toHex(a.receiveKey) === toHex(b.sendKey) &&
    a.sendId === b.receiveId && a.receiveId === b.sendId;
}

Deno.test("PairKeysCore gives both data planes one pair of keys when the mesh tells of the other", () => {
  const [world, one, two] = pair();
  world.topology();
  ok(agree(one, two));
  deepEqual([one.installed[0]?.sendNow, two.installed[0]?.sendNow], [false, true]);
  deepEqual([one.acts, two.acts], [["install"], ["install"]]);
  world.work();
  deepEqual([one.acts, two.acts], [["install", "use"], ["install"]]);
  deepEqual([one.state, two.state], ["ready", "ready"]);
});

Deno.test("wipe() leaves nothing of a key when the data plane has its copy", () => {
  const [world, one, two] = pair();
  world.topology();
  const secrets = [...one.secrets, ...two.secrets];
  equal(secrets.length, 4);
  ok(secrets.every((secret) => secret.every((byte) => byte === 0)));
  ok(one.installed[0]?.sendKey.some((byte) => byte !== 0));
});

Deno.test("PairKeysCore says nothing, ever, when there is no password", () => {
  const [world, one, two] = pair([]);
  world.topology();
  world.run(3_600_000);
  const news = { kind: "pairNews", peer: TWO, news: "wanted", receiveId: 0 } as const;
  one.feed({ kind: "news", news });
  deepEqual([one.sent, two.sent, one.told, one.core.deadline()], [[], [], [], undefined]);
});

Deno.test("PairKeysCore agrees when one of several passwords is common", () => {
  const [world, one, two] = pair(["new", "old"], ["older", "old"]);
  world.topology();
  ok(agree(one, two));
  world.work();
  deepEqual([one.state, two.state], ["ready", "ready"]);
});

Deno.test("PairKeysCore says that there is no common password, and installs nothing", () => {
  const [world, one, two] = pair(["mine"], ["yours"]);
  world.topology();
  equal(one.state, "failed: no common password");
  deepEqual([one.told, two.told], [[], []]);
});

Deno.test("PairKeysCore agrees anew, under other keys, when the other's process is another one", () => {
  const [world, one] = pair();
  world.topology();
  world.work();
  world.run(60_000);
  const again = world.start(TWO, 3n);
  world.topology();
  ok(agree(one, again));
  notEqual(
    toHex(one.installed[0]?.sendKey ?? utf8("")),
    toHex(one.installed[1]?.sendKey ?? utf8("")),
  );
  world.work();
  world.run(130_000);
  deepEqual(one.acts, ["install", "use", "install", "use", "retire"]);
  equal(one.state, "ready");
});

Deno.test("PairKeysCore retires keys when the peer has been out of the topology for two minutes", () => {
  const [world, one] = pair();
  world.topology();
  world.work();
  world.topology([{ name: ONE, uid: 1n }]);
  world.run(119_000);
  deepEqual(one.acts, ["install", "use"]);
  world.run(2_000);
  deepEqual(one.acts, ["install", "use", "stop", "retire"]);
});

Deno.test("PairKeysCore keeps keys when the peer is back in the topology soon", () => {
  const [world, one] = pair();
  world.topology();
  world.work();
  world.topology([{ name: ONE, uid: 1n }]);
  world.run(60_000);
  world.topology();
  world.run(120_000);
  deepEqual(one.acts, ["install", "use"]);
  equal(one.state, "ready");
});

Deno.test("PairKeysCore asks for the next key when the data plane says that this one is used up", () => {
  const [world, one] = pair();
  world.topology();
  world.work();
  const news = { kind: "pairNews", peer: TWO, news: "exhausted", receiveId: 0 } as const;
  one.feed({ kind: "news", news });
  world.run(1_000);
  equal(one.installed.length, 2);
});

Deno.test("PairKeysCore asks a silent peer less and less often", () => {
  const world = new World();
  const one = world.start(ONE, 1n);
  world.topology([{ name: ONE, uid: 1n }, { name: TWO, uid: 9n }]);
  world.run(600_000);
  ok(one.sent.length < 25, `${one.sent.length} messages`);
  equal(one.state, "failed: no answer");
  deepEqual(one.told, []);
});

Deno.test("PairKeysCore says nothing more after stop, whatever comes", () => {
  const [world, one, two] = pair();
  world.topology();
  const [sent, told] = [one.sent.length, one.told.length];
  one.feed({ kind: "stop" });
  equal(one.core.deadline(), undefined);
  world.work();
  world.topology([{ name: ONE, uid: 1n }]);
  for (const payload of two.sent) one.feed({ kind: "received", from: TWO, payload });
  deepEqual([one.sent.length, one.told.length], [sent, told]);
});

Deno.test("PairKeysCore.poll() has nothing that was not taken before stop", () => {
  const core = new PairKeysCore({
    self: ONE,
    passwords: [utf8("secret")],
    suites: ["AES-256-GCM", "ChaCha20-Poly1305"],
    crypto: toyKeyCrypto(1),
  });
  const route = { edges: [], shortId: undefined };
  const peers = [
    { name: ONE, nextHop: ONE, uid: 1n, ...route },
    { name: TWO, nextHop: TWO, uid: 2n, ...route },
  ];
  core.handle({ kind: "topology", peers }, 0);
  core.handle({ kind: "stop" }, 0);
  equal(core.poll(), undefined);
});
