/**
 * Who founds the ring: never a guess at how many peers there are.
 *
 * ```
 *   no targets                    founder: makes the ring of itself alone when the first of all asks
 *   targets A, B                  joiner: A was told of C, B of us    members = {us, A, B, C}
 *                                 each target of each member reached, none a founder? all vote, and each of them must
 *                                 else on the wire an observer, that takes what ring there is
 *   --ipalloc-init consensus=N    counter: any majority of N
 * ```
 *
 * The members of a peer's set have sets inside this one. So of any two sets that meet one peer at least must agree to both,
 * and there are never two rings among peers of which one was told, however indirectly, of the other.
 *
 * A real peer does not say whom it was told of: it may have been told of any founder that is there, whose ring is waited for.
 *
 * @module
 */

import { formatPeerName, type PeerName } from "../../base/mod.ts";
import type { InitMode, KnownPeer } from "./allocator_io.ts";
import type { Quorum } from "./consensus.ts";
import type { Role, Target, Told } from "./weft_channel.ts";

/** What we do about a missing ring. */
export type Standing =
  /** Make it of us alone. */
  | { readonly kind: "founds" }
  /** Propose, promise and accept. */
  | { readonly kind: "votes"; readonly quorum: Quorum }
  /** Only ask for one; for whom or what, in words. */
  | { readonly kind: "waits"; readonly for: readonly string[] };

/** Most peers whose words are remembered: far above any mesh, far below memory. */
export const MAX_TOLD = 10_000;

/** All that is known of who was told of whom. */
export class Founding {
  readonly #self: PeerName;
  readonly #init: InitMode;
  /** `undefined` until we are told of whom we were told: a router that starts again must not found alone meanwhile. */
  #targets: readonly Target[] | undefined;
  #givenUp = new Set<string>();
  #peers = new Map<PeerName, KnownPeer>();
  #told = new Map<PeerName, Told>();
  /** Who gives out no addresses, and so never says whom it was told of. */
  #absent = new Set<PeerName>();
  #mine: Told;
  #voted: boolean;

  /** @param voted a former run promised something, so that we may not found alone */
  constructor(self: PeerName, init: InitMode, voted: boolean) {
    this.#self = self;
    this.#init = init;
    this.#voted = voted;
    this.#mine = { name: self, serial: 1, role: this.#role(), targets: [] };
  }

  /** What we say of ourselves. */
  get mine(): Told {
    return this.#mine;
  }

  /** All that is known, ours first. */
  get all(): readonly Told[] {
    const others = this.#told.values();
    return this.#targets === undefined ? [...others] : [this.#mine, ...others];
  }

  /** Takes all that we were told of; returns whether that is news for the others. */
  setTargets(targets: readonly Target[]): boolean {
    const isFirst = this.#targets === undefined;
    this.#targets = targets;
    return this.#restate() || isFirst;
  }

  /** Waits no longer for these targets; returns whether that is news for the others. */
  giveUp(targets: readonly string[]): boolean {
    for (const target of targets) this.#givenUp.add(target);
    return this.#restate();
  }

  /** Notes that we vote: from now on we do not found alone. */
  voted(): boolean {
    this.#voted = true;
    return this.#restate();
  }

  /** Takes the peers there are. */
  setPeers(peers: readonly KnownPeer[]): void {
    this.#peers = new Map(peers.map((peer) => [peer.name, peer]));
    // Who is gone may be a member still; others are of no use.
    const members = new Set(this.#members().members);
    for (const name of this.#told.keys()) {
      if (!this.#peers.has(name) && !members.has(name)) this.#told.delete(name);
    }
    for (const name of this.#absent) if (!this.#peers.has(name)) this.#absent.delete(name);
  }

  /** A peer says that it gives out no addresses. */
  hearAbsent(peer: PeerName): void {
    this.#absent.add(peer);
  }

  /** Tells whether we wait for a peer that will never say what we wait for. */
  get waitsInVain(): boolean {
    return this.#mine.role === "joiner" &&
      this.#members().members.some((name) => this.#absent.has(name) && !this.#told.has(name));
  }

  /** Takes what others said; returns what of it is new. Ours is among it if others remember a former run of ours. */
  hear(told: readonly Told[]): Told[] {
    const news: Told[] = [];
    for (const each of told) {
      if (each.name === this.#self) {
        if (each.serial < this.#mine.serial || sameWords(each, this.#mine)) continue;
        this.#mine = { ...this.#mine, serial: each.serial + 1 };
        if (this.#targets !== undefined) news.push(this.#mine);
      } else if (this.#isNews(each)) {
        this.#told.set(each.name, each);
        this.#absent.delete(each.name);
        news.push(each);
      }
    }
    return news;
  }

  /** Returns what we do now. */
  standing(): Standing {
    if (this.#targets === undefined && this.#init.kind === "founding") {
      return { kind: "waits", for: ["whom this peer was told of"] };
    }
    switch (this.#mine.role) {
      case "founder":
        return { kind: "founds" };
      case "counter": {
        const peers = this.#init.kind === "consensus" ? this.#init.peers : 0;
        return { kind: "votes", quorum: { kind: "count", count: Math.floor(peers / 2) + 1 } };
      }
      case "observer":
        return { kind: "waits", for: ["a peer that has a ring"] };
    }
    const { members, missing } = this.#members();
    if (missing.length > 0) return { kind: "waits", for: missing };
    const names = members.filter((name) => this.#told.get(name)?.role !== "observer");
    return { kind: "votes", quorum: { kind: "names", names } };
  }

  /** Tells whether a peer that is there knows nothing of channel `weft`. */
  isReal(peer: PeerName): boolean {
    return this.#peers.get(peer)?.weft === false;
  }

  /** Tells whether a peer can be reached that knows nothing of channel `weft`. */
  get seesReal(): boolean {
    return [...this.#peers.values()].some(({ weft, reachable }) => !weft && reachable);
  }

  /** Tells whether there is a founder that we wait for. */
  get waitsForFounder(): boolean {
    return this.#mine.role === "joiner" && this.#members().founders.length > 0;
  }

  /** Returns the label and name of a peer. */
  labelOf(peer: PeerName): string {
    const nickname = this.#peers.get(peer)?.nickname;
    return nickname ? `${nickname}(${formatPeerName(peer)})` : formatPeerName(peer);
  }

  #isNews({ name, serial }: Told): boolean {
    const known = this.#told.get(name);
    return known === undefined ? serial > 0 && this.#told.size < MAX_TOLD : serial > known.serial;
  }

  #role(): Role {
    switch (this.#init.kind) {
      case "consensus":
        return "counter";
      case "founding":
        return (this.#targets ?? []).length > 0 || this.#voted ? "joiner" : "founder";
      default:
        return "observer";
    }
  }

  #restate(): boolean {
    if (this.#targets === undefined) return false;
    const targets = (this.#targets ?? []).filter(({ text }) => !this.#givenUp.has(text));
    const next = { ...this.#mine, role: this.#role(), targets };
    if (sameWords(next, this.#mine)) return false;
    this.#mine = { ...next, serial: next.serial + 1 };
    return true;
  }

  /** Walks from us over all whom each was told of. */
  #members(): { members: PeerName[]; missing: string[]; founders: PeerName[] } {
    // A set goes on with what is added meanwhile.
    const members = new Set([this.#self]);
    const missing: string[] = [];
    let isWhole = true;
    for (const name of members) {
      const told = name === this.#self ? this.#mine : this.#told.get(name);
      if (told === undefined) {
        if (this.isReal(name)) isWhole = false;
        else missing.push(this.#silent(name));
        continue;
      }
      for (const { text, peer } of told.targets) {
        if (peer === undefined) missing.push(this.#unreached(name, text));
        else members.add(peer);
      }
    }
    const counts = (name: PeerName): boolean =>
      members.has(name) || (!isWhole && this.#peers.get(name)?.reachable === true);
    const founders = [...this.#told.values()]
      .filter(({ name, role }) => role === "founder" && counts(name))
      .map(({ name }) => name);
    missing.push(...founders.map((name) => `the ring of ${this.labelOf(name)}, the founder`));
    return { members: [...members], missing, founders };
  }

  #silent(name: PeerName): string {
    if (this.#absent.has(name)) return this.#inVain(name);
    const known = this.#peers.has(name);
    return known ? `${this.labelOf(name)} to say whom it was told of` : this.labelOf(name);
  }

  /** Nobody but a person may say that it has no part in this: others may have been told of it too. */
  #inVain(name: PeerName): string {
    const tellers = [this.#mine, ...this.#told.values()];
    const teller = tellers.find(({ targets }) => targets.some(({ peer }) => peer === name));
    const text = teller?.targets.find(({ peer }) => peer === name)?.text ?? "";
    const where = teller === undefined || teller === this.#mine
      ? ""
      : ` on ${this.labelOf(teller.name)}`;
    return `${this.labelOf(name)}, which gives out no addresses (to go on without it: ` +
      `weft prime --without ${text}${where})`;
  }

  #unreached(name: PeerName, target: string): string {
    return name === this.#self ? target : `${target}, which ${this.labelOf(name)} was told of`;
  }
}

function sameWords(a: Told, b: Told): boolean {
  return a.role === b.role && a.targets.length === b.targets.length &&
    a.targets.every(({ text, peer }, i) =>
      text === b.targets[i]?.text && peer === b.targets[i]?.peer
    );
}
