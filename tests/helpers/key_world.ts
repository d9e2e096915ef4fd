/**
 * Several cores of key agreement in memory, each with a data plane that holds keys and checks them.
 *
 * ```
 *   core --send--> carry(): how often and when it arrives --> core
 *   core --install, use, stop, retire--> data plane --segment under a key id--> data plane --worked--> core
 * ```
 *
 * A segment carries the key it was "sealed" with, so that the other end can tell whether its own is the same.
 *
 * @module
 */

import assert from "node:assert/strict";
import { type Millis, must, type PeerName, toHex, utf8 } from "../../base/mod.ts";
import { meshCrypto } from "../../ffi/mod.ts";
import { KeyAgreement } from "../../mesh/keys/agreement.ts";
import type {
  InstalledKeys,
  KeyCrypto,
  KeysInput,
  KeysOutput,
  KeySuite,
} from "../../mesh/keys/io.ts";
import { dice } from "./underlay.ts";

/** Cryptography in plain TypeScript: needs no permission. */
export const portableKeyCrypto: KeyCrypto = meshCrypto({ libsodium: "never" });

/** Between two probes of who was asked, until the other was heard. */
const PROBE_MS = 1_000;
/** An id that was retired is not used again for so long. */
const QUARANTINE_MS = 600_000;

/** Returns cryptography that is quick, weak, and whose randomness follows from a seed. */
export function toyKeyCrypto(seed: number): KeyCrypto {
  const roll = dice(seed);
  const byte = (): number => Math.floor(roll() * 256);
  const randomBytes = (length: number): Uint8Array => Uint8Array.from({ length }, byte);
  return {
    ...portableKeyCrypto,
    randomBytes,
    x25519: (scalar, point) => toyPower(point, scalar),
    generateKeyPair: () => {
      const privateKey = randomBytes(32);
      const base = new Uint8Array(32);
      base[3] = 7;
      return { privateKey, publicKey: toyPower(base, privateKey) };
    },
  };
}

/** point ^ scalar modulo a small prime, in the first four bytes. */
function toyPower(point: Uint8Array, scalar: Uint8Array): Uint8Array {
  const prime = 2_147_483_647n;
  const read = (bytes: Uint8Array): bigint =>
    BigInt(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0));
  let [base, power, result] = [read(point) % prime, read(scalar), 1n];
  for (; power > 0n; power >>= 1n) {
    if (power & 1n) result = result * base % prime;
    base = base * base % prime;
  }
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, Number(result));
  return bytes;
}

interface Plane {
  readonly installed: Map<number, InstalledKeys>;
  readonly worked: Set<number>;
  sending: InstalledKeys | undefined;
}

/** What a node may be told. */
export interface NodeOptions {
  /** Default: one, the same for all. */
  readonly passwords?: readonly string[];
  /** Default: GCM and ChaCha20. */
  readonly suites?: readonly KeySuite[];
  /** Default: a toy. */
  readonly crypto?: KeyCrypto;
  /** Default: an hour. */
  readonly rekeyMs?: Millis;
}

/** One core and its data plane. */
export class KeyNode {
  /** Its name. */
  readonly name: PeerName;
  /** All that came out. */
  readonly outputs: KeysOutput[] = [];
  /** The core. */
  readonly core: KeyAgreement;
  #planes = new Map<PeerName, Plane>();
  #resting = new Map<number, number>();

  /** Starts it. */
  constructor(readonly world: KeyWorld, n: number, readonly uid: bigint, options: NodeOptions) {
    this.name = nameOf(n);
    const { passwords = ["secret"], suites = ["AES-256-GCM", "ChaCha20-Poly1305"] } = options;
    const crypto = options.crypto ?? toyKeyCrypto(Number(uid));
    this.core = new KeyAgreement({
      self: this.name,
      passwords: passwords.map(utf8),
      suites,
      crypto,
      rekeyMs: options.rekeyMs,
    });
  }

  /** Hands an input to the core and performs what comes out. */
  feed(input: KeysInput): void {
    this.core.handle(input, this.world.now);
    for (let out = this.core.poll(); out !== undefined; out = this.core.poll()) {
      this.outputs.push(out);
      this.#perform(out);
    }
  }

  /** Outputs of a kind. */
  of<K extends KeysOutput["kind"]>(kind: K): (KeysOutput & { kind: K })[] {
    return this.outputs.filter((out): out is KeysOutput & { kind: K } => out.kind === kind);
  }

  /** What was said last about a peer, with the reason. */
  state(n: number): string {
    const last = this.of("state").filter((out) => out.peer === nameOf(n)).at(-1);
    return [last?.state ?? "none", last?.reason].filter((part) => part !== undefined).join(": ");
  }

  /** The key that it seals with, as hex. */
  sendsWith(n: number): string | undefined {
    const sending = this.#planes.get(nameOf(n))?.sending;
    return sending === undefined ? undefined : toHex(sending.sendKey);
  }

  /** Keys under which it would open segments of a peer, as hex. */
  opens(n: number): string[] {
    const installed = this.#planes.get(nameOf(n))?.installed.values() ?? [];
    return [...installed].map((keys) => toHex(keys.receiveKey));
  }

  /** Numbers of messages sent to a peer, by type. */
  sent(n: number): number[] {
    const types = this.of("send").filter((out) => out.to === nameOf(n)).map((out) =>
      out.payload[0]
    );
    return [1, 2, 3].map((type) => types.filter((each) => each === type).length);
  }

  /** Takes a segment. */
  segment(from: PeerName, keyId: number, key: Uint8Array, salt: Uint8Array): void {
    const plane = this.#planes.get(from);
    const keys = plane?.installed.get(keyId);
    if (plane === undefined || keys === undefined) return;
    assert.deepEqual([keys.receiveKey, keys.receiveSalt], [key, salt], "both ends have one key");
    if (plane.worked.has(keyId)) return;
    plane.worked.add(keyId);
    this.feed({ kind: "worked", peer: from, receiveId: keyId });
    this.#send(from, plane.sending);
  }

  #perform(output: KeysOutput): void {
    switch (output.kind) {
      case "send":
        return this.world.carry(this, output.to, output.payload);
      case "install":
        return this.#install(output.keys);
      case "use": {
        const plane = must(this.#planes.get(output.peer), "plane");
        const keys = [...plane.installed.values()].findLast((e) => e.sendId === output.sendId);
        plane.sending = must(keys, "key to use");
        return this.#send(output.peer, keys);
      }
      case "stop": {
        const plane = must(this.#planes.get(output.peer), "plane");
        assert.equal(plane.sending?.sendId, output.sendId, "what is stopped was used");
        plane.sending = undefined;
        return;
      }
      case "retire": {
        const plane = must(this.#planes.get(output.peer), "plane");
        const keys = must(plane.installed.get(output.receiveId), "key to retire");
        assert.notEqual(plane.sending, keys, "what is retired was stopped");
        plane.installed.delete(output.receiveId);
        this.#resting.set(output.receiveId, this.world.now + QUARANTINE_MS);
        return;
      }
    }
  }

  #install(keys: InstalledKeys): void {
    const plane = this.#planes.get(keys.peer) ??
      { installed: new Map(), worked: new Set(), sending: undefined };
    this.#planes.set(keys.peer, plane);
    for (const each of this.#planes.values()) {
      assert.ok(!each.installed.has(keys.receiveId), "a key id is held once");
    }
    assert.ok((this.#resting.get(keys.receiveId) ?? 0) <= this.world.now, "a key id rests");
    plane.worked.delete(keys.receiveId);
    plane.installed.set(keys.receiveId, keys);
    if (!keys.sendNow) return;
    plane.sending = keys;
    this.#probe(keys.peer, plane, keys, 10);
  }

  #probe(peer: PeerName, plane: Plane, keys: InstalledKeys, left: number): void {
    if (plane.sending !== keys || plane.worked.has(keys.receiveId) || left === 0) return;
    this.#send(peer, keys);
    this.world.later(PROBE_MS, () => this.#probe(peer, plane, keys, left - 1));
  }

  #send(to: PeerName, keys: InstalledKeys | undefined): void {
    if (keys === undefined || !this.world.data) return;
    const { sendId, sendKey, sendSalt } = keys;
    this.world.later(1, () => this.world.node(to)?.segment(this.name, sendId, sendKey, sendSalt));
  }
}

/** Returns the name of node `n`. */
export function nameOf(n: number): PeerName {
  return 0x020000000000 + n;
}

/** The network and the clock. */
export class KeyWorld {
  /** Time in ms. */
  now = 0;
  /** Segments arrive. */
  data = true;
  /** After how many ms a message arrives, once for each; none: it is lost. It may change the bytes. */
  delays: (from: PeerName, to: PeerName, payload: Uint8Array) => number[] = () => [1];
  #nodes = new Map<PeerName, KeyNode>();
  #queue: { at: number; seq: number; run: () => void }[] = [];
  #seq = 0;
  #lastUid = 0n;

  /** Starts node `n`, or another run of it, unknown to the others until {@link KeyWorld.meet}. */
  start(n: number, options: NodeOptions = {}): KeyNode {
    const node = new KeyNode(this, n, ++this.#lastUid, options);
    this.#nodes.set(node.name, node);
    return node;
  }

  /** Returns a node. */
  node(name: PeerName): KeyNode | undefined {
    return this.#nodes.get(name);
  }

  /** Tells all nodes of each other, and of others that never answer. */
  meet(...others: number[]): void {
    const nodes = [...this.#nodes.values()];
    const strangers = others.map((n) => ({ name: nameOf(n), uid: 99n }));
    const peers = [...nodes.map(({ name, uid }) => ({ name, uid })), ...strangers];
    for (const node of nodes) node.feed({ kind: "peers", peers });
  }

  /** Carries a message. */
  carry(from: KeyNode, to: PeerName, payload: Uint8Array): void {
    const copy = payload.slice();
    for (const delay of this.delays(from.name, to, copy)) {
      const input = { kind: "received", from: from.name, payload: copy } as const;
      this.later(delay, () => this.node(to)?.feed(input));
    }
  }

  /** Does something later. */
  later(ms: number, run: () => void): void {
    this.#queue.push({ at: this.now + ms, seq: this.#seq++, run });
  }

  /** Lets time pass. */
  run(ms: number): void {
    const end = this.now + ms;
    for (let steps = 0;; steps++) {
      assert.ok(steps < 1_000_000, "time stands still");
      this.#queue.sort((a, b) => a.at - b.at || a.seq - b.seq);
      const event = this.#queue[0];
      let [tick, due] = [undefined as KeyNode | undefined, Infinity];
      for (const node of this.#nodes.values()) {
        const at = node.core.deadline() ?? Infinity;
        if (at < due) [tick, due] = [node, at];
      }
      const at = Math.min(event?.at ?? Infinity, due);
      if (at > end) break;
      this.now = Math.max(this.now, at);
      if (event !== undefined && event.at <= due) {
        this.#queue.shift();
        event.run();
      } else tick?.feed({ kind: "tick" });
    }
    this.now = end;
  }
}
