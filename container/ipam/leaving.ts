/**
 * Peers that leave for good, others and ourselves: the glue between `departures.ts` and the rest.
 *
 * @module
 */

import { formatPeerName, type Millis, type PeerName } from "../../base/mod.ts";
import type { Request } from "./allocator_io.ts";
import { Handover, type HandoverStep, Takeovers } from "./departures.ts";
import type { Parts } from "./parts.ts";
import type { Requests } from "./requests.ts";
import type { Ring } from "./ring.ts";
import type { WeftMessage } from "./weft_channel.ts";

/** Takeovers, and our own handover. */
export class Leaving {
  readonly #parts: Parts;
  readonly #requests: Requests;
  readonly #takeovers = new Takeovers();
  #handover: Handover | undefined;
  #handoverIds: number[] = [];

  /** Acts on these parts. */
  constructor(parts: Parts, requests: Requests) {
    this.#parts = parts;
    this.#requests = requests;
  }

  /** Takes the space of a peer, if it is dead. */
  takeOver({ id, peer: text, force }: Request & { kind: "takeOver" }, now: Millis): void {
    const { peers, config, out } = this.#parts;
    const meant = peers.resolve(text).filter((peer) => peer !== config.self);
    const [peer] = meant;
    if (meant.length > 1) {
      const names = meant.map((each) => peers.labelOf(each)).join(", ");
      const reason = `Cannot take over "${text}": it is the nickname of ${names}; give the name`;
      return this.#parts.refuse(id, "no-such-peer", reason);
    }
    if (peer === undefined) {
      return this.#parts.answer(id, { kind: "tookOver", peer: text, addresses: 0 });
    }
    const known = peers.get(peer);
    if (force || known === undefined) return this.#take(id, peer, now);
    const nonce = known.weft ? this.#nonce() : undefined;
    this.#takeovers.begin(id, peer, nonce, now);
    if (nonce !== undefined) out.push({ kind: "weft", to: peer, message: { kind: "ping", nonce } });
  }

  /** Gives all our space to a peer that lives, and nothing out any more. */
  handOver(id: number, now: Millis): void {
    const { peers, territory, config, out } = this.#parts;
    this.#handoverIds.push(id);
    this.#parts.leaving = true;
    this.#requests.cancelAll("Cancelled: this peer is leaving");
    const before = this.#handover;
    if (before?.isOver === false) return;
    if (!territory.exists || territory.sizeOf(config.self) === 0) {
      // Whoever asks again is told of the heir of the first time.
      return this.#over(before?.heir, before?.isConfirmed ?? false);
    }
    const there = peers.others.filter(({ reachable }) => reachable);
    const owners = new Set(territory.ring.entries.map(({ peer }) => peer));
    const real = there.filter(({ weft }) => !weft);
    const fallback = real.find(({ name }) => owners.has(name)) ?? real[0];
    const nonce = this.#nonce();
    this.#handover = new Handover(nonce, fallback?.name, now);
    for (const { name, weft } of there) {
      if (weft) out.push({ kind: "weft", to: name, message: { kind: "ping", nonce } });
    }
    if (there.length === 0) this.#over(undefined, false);
  }

  /** Takes a message on channel `weft`. */
  hear(from: PeerName, message: WeftMessage, now: Millis): void {
    switch (message.kind) {
      case "ping":
        // Nobody makes a peer that leaves its heir.
        return this.#parts.leaving ? undefined : this.#reply(from, "pong", message.nonce);
      case "pong":
        for (const id of this.#takeovers.pong(from, message.nonce)) this.#refuseAlive(id, from);
        return this.#perform(this.#handover?.pong(from, message.nonce, now));
      case "bequest": {
        const { territory } = this.#parts;
        const has = territory.exists && territory.sizeOf(from) === 0;
        return has ? this.#reply(from, "confirmed", message.nonce) : undefined;
      }
      case "confirmed":
        return this.#perform(this.#handover?.confirmed(from));
    }
  }

  /** A ring went with ours: of an heir that does not speak `weft` it is the answer to our question. */
  heardRing(theirs: Ring): void {
    const isHeir = this.#handover?.heir === theirs.peer;
    const has = theirs.entries.every(({ peer }) => peer !== this.#parts.config.self);
    if (isHeir && has) this.#perform(this.#handover?.confirmed(theirs.peer));
  }

  /** The caller has gone. */
  cancel(id: number): void {
    this.#takeovers.cancel(id);
    this.#handoverIds = this.#handoverIds.filter((each) => each !== id);
  }

  /** Time has passed. */
  tick(now: Millis): void {
    const hasRoute = (peer: PeerName): boolean => this.#parts.peers.isReachable(peer);
    for (const { id, peer, alive } of this.#takeovers.takeDue(now, hasRoute)) {
      if (alive) this.#refuseAlive(id, peer);
      else this.#take(id, peer, now);
    }
    this.#perform(this.#handover?.tick(now));
  }

  /** Returns when it wants a tick. */
  deadline(): Millis {
    return Math.min(this.#takeovers.deadline(), this.#handover?.deadline() ?? Infinity);
  }

  #take(id: number, peer: PeerName, now: Millis): void {
    const addresses = this.#parts.territory.takeOver(peer);
    this.#parts.broadcast = true;
    const label = this.#parts.peers.labelOf(peer);
    this.#parts.answer(id, { kind: "tookOver", peer: formatPeerName(peer), addresses });
    this.#parts.log("info", "took over the addresses of a peer", { peer: label, count: addresses });
    this.#requests.retry(now);
  }

  #refuseAlive(id: number, peer: PeerName): void {
    const label = this.#parts.peers.labelOf(peer);
    const reason =
      `Cannot take over ${label}: it is alive; if it is not the peer you mean, or is to go, force it`;
    this.#parts.refuse(id, "reachable", reason);
  }

  #perform(step: HandoverStep | undefined): void {
    if (step === undefined) return;
    if (step.kind === "over") return this.#over(step.heir, step.confirmed);
    if (step.kind === "bequeath") {
      // They are the heir's now: a restart must not take them for ours.
      const { leases } = this.#parts;
      for (const { ident, cidr } of [...leases.values()]) leases.free(ident, cidr.address);
      this.#parts.territory.bequeath(step.heir);
      this.#parts.broadcast = true;
    }
    this.#parts.out.push({ kind: "unicast", to: step.heir, message: { kind: "state" } });
    if (this.#parts.peers.get(step.heir)?.weft !== true) {
      // It says nothing when it takes a ring, and its gossip is half a minute away.
      this.#parts.out.push({ kind: "unicast", to: step.heir, message: { kind: "question" } });
      return;
    }
    const nonce = this.#handover?.nonce ?? 0;
    this.#parts.out.push({ kind: "weft", to: step.heir, message: { kind: "bequest", nonce } });
  }

  #over(heir: PeerName | undefined, confirmed: boolean): void {
    const label = heir === undefined ? undefined : this.#parts.peers.labelOf(heir);
    for (const id of this.#handoverIds) {
      this.#parts.answer(id, { kind: "heir", heir: label, confirmed });
    }
    this.#handoverIds = [];
  }

  #reply(to: PeerName, kind: "pong" | "confirmed", nonce: number): void {
    this.#parts.out.push({ kind: "weft", to, message: { kind, nonce } });
  }

  #nonce(): number {
    return Math.floor(this.#parts.config.random() * 2 ** 32);
  }
}
