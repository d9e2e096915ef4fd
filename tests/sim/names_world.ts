/**
 * Peers with names on links that are slow, lose and overtake, with clocks of their own.
 *
 * ```
 *   link up ──> both tell all they have: ours when they have heard the other, or after 2 s
 *   each 30 s ─> all of it to some neighbours          broadcasts reach each peer once
 *   any change of the links ──> each peer learns within 2 s who is there now
 * ```
 *
 * @module
 */

import type { Millis, PeerName } from "../../base/mod.ts";
import type { NamesItem } from "../../container/dns/names_channel.ts";
import type { Dice } from "./dice.ts";
import { EventQueue } from "./event_queue.ts";
import { type Emission, type NamesRun, RealRun, WeftRun } from "./names_peer.ts";
import { CutError } from "./names_real.ts";

const T0 = 1_700_000_000;
const PERIOD_MS = 30_000;
const HOLD_MS = 2_000;
const REDIAL_MS = 5_000;
/** Longest time until a peer knows who is there. */
const VIEW_MS = 2_000;

/** A message as somebody on the way has seen it. */
interface Seen {
  readonly to: PeerName;
  readonly from: PeerName;
  readonly kind: "gossip" | "broadcast";
  readonly payload: Uint8Array;
}

interface Link {
  readonly ends: readonly [PeerName, PeerName];
  /** The user's doing: it may come up. */
  open: boolean;
  up: boolean;
  /** Counts the times it came up, so that what was under way before is lost. */
  run: number;
  /** Ends that have heard the other, or waited long enough. */
  ready: Set<PeerName>;
}

/** All that is. */
export class NamesWorld {
  /** The time. */
  now: Millis = 0;
  /** Probability that a message is lost. */
  loss = 0;
  /** Longest time that a message takes. */
  delayMs: Millis = 50;
  /** Who runs. */
  readonly runs = new Map<PeerName, NamesRun>();
  /** By how many seconds clocks are wrong. */
  readonly skews = new Map<PeerName, number>();
  /** What has gone over links. */
  readonly seen: Seen[] = [];
  #queue = new EventQueue();
  #links: Link[] = [];
  #dice: Dice;
  #real: ReadonlySet<PeerName>;
  #broadcasts = 0;
  /** Broadcasts that a peer has had. */
  #had = new Set<string>();

  /** Has links and nobody who runs. */
  constructor(
    edges: readonly (readonly [PeerName, PeerName])[],
    real: ReadonlySet<PeerName>,
    dice: Dice,
  ) {
    this.#dice = dice;
    this.#real = real;
    this.#links = edges.map((ends) => ({ ends, open: true, up: false, run: 0, ready: new Set() }));
  }

  /** Plans something. */
  at(time: Millis, run: () => void): void {
    this.#queue.add(time, run);
  }

  /** Lets time pass. */
  pass(ms: Millis): void {
    const end = this.now + ms;
    while (this.#queue.next <= end) {
      this.now = Math.max(this.now, this.#queue.next);
      this.#queue.take()?.();
    }
    this.now = end;
  }

  /** Starts a peer with an empty table; `weft` or not as the scenario says unless told. */
  start(name: PeerName, weft: boolean = !this.#real.has(name)): NamesRun {
    const wall = (now: Millis): number => T0 + now / 1_000 + (this.skews.get(name) ?? 0);
    const run = weft ? new WeftRun(name, wall, this.now) : new RealRun(name, wall);
    this.runs.set(name, run);
    this.#arm(run);
    this.#period(run);
    this.settleLinks();
    return run;
  }

  /** Ends a peer. */
  kill(name: PeerName): void {
    this.runs.delete(name);
    this.settleLinks();
  }

  /** Opens or cuts links. */
  setLinks(open: (a: PeerName, b: PeerName) => boolean): void {
    for (const link of this.#links) link.open = open(...link.ends);
    this.settleLinks();
  }

  /** Brings links up and down as they should be, and lets everybody know in a while. */
  settleLinks(): void {
    for (const link of this.#links) {
      const up = link.open && link.ends.every((end) => this.runs.has(end));
      if (up && !link.up) this.#raise(link);
      if (!up) link.up = false;
    }
    for (const run of this.runs.values()) {
      this.at(this.now + this.#dice.between(0, VIEW_MS), () => this.#look(run));
    }
  }

  #look(run: NamesRun): void {
    if (this.runs.get(run.name) !== run) return;
    const isWeft = (name: PeerName): boolean => this.runs.get(name)?.weft ?? false;
    this.perform(run, run.setPeers([...this.component(run.name)], isWeft, this.now));
  }

  /** Returns who is linked, over others too. */
  component(name: PeerName): Set<PeerName> {
    const reached = new Set([name]);
    for (const each of reached) {
      for (const link of this.#links) {
        if (link.up && link.ends.includes(each)) { for (const end of link.ends) reached.add(end); }
      }
    }
    return reached;
  }

  #raise(link: Link): void {
    link.up = true;
    const run = ++link.run;
    link.ready = new Set();
    for (const end of link.ends) {
      const wait = this.runs.get(end)?.weft ? HOLD_MS : 0;
      this.at(this.now + wait, () => {
        if (link.up && link.run === run) this.#tellAll(link, end);
      });
    }
  }

  /** Begins to speak on a link. */
  #tellAll(link: Link, from: PeerName): void {
    if (link.ready.has(from)) return;
    link.ready.add(from);
    const run = this.runs.get(from);
    if (run !== undefined) this.#send(link, run, "gossip", run.name, "all");
  }

  #period(run: NamesRun): void {
    this.at(this.now + this.#dice.between(1, PERIOD_MS), () => {
      const tell = (): void => {
        if (this.runs.get(run.name) !== run) return;
        this.perform(run, [{ kind: "gossip", item: "all" }]);
        this.at(this.now + PERIOD_MS, tell);
      };
      tell();
    });
  }

  #arm(run: NamesRun): void {
    const deadline = run.deadline();
    if (deadline === Infinity) return;
    this.at(Math.max(deadline, this.now), () => {
      if (this.runs.get(run.name) !== run || run.deadline() > this.now) return;
      this.perform(run, run.tick(this.now));
    });
  }

  /** Sends what a peer wants to send. */
  perform(run: NamesRun, emissions: readonly Emission[]): void {
    for (const emission of emissions) {
      if (emission.kind === "broadcast") {
        this.#spread(run, run.name, ++this.#broadcasts, emission.item, undefined);
      } else this.#gossip(run, emission.item, emission.except);
    }
    this.#arm(run);
  }

  #gossip(run: NamesRun, item: NamesItem, except: PeerName | undefined): void {
    const links = this.#linksOf(run).filter((link) => !(except && link.ends.includes(except)));
    // Two of them at least, as the logarithm of few peers has it.
    const chosen = this.#dice.shuffled(links).slice(0, Math.max(2, links.length >> 1));
    for (const link of chosen) this.#send(link, run, "gossip", run.name, item);
  }

  #spread(
    run: NamesRun,
    source: PeerName,
    number: number,
    item: NamesItem,
    except: PeerName | undefined,
  ): void {
    this.#had.add(`${number} ${run.name}`);
    for (const link of this.#linksOf(run)) {
      if (except !== undefined && link.ends.includes(except)) continue;
      this.#send(link, run, "broadcast", source, item, number);
    }
  }

  #linksOf(run: NamesRun): Link[] {
    return this.#links.filter((link) =>
      link.up && link.ends.includes(run.name) && link.ready.has(run.name)
    );
  }

  #send(
    link: Link,
    run: NamesRun,
    kind: "gossip" | "broadcast",
    source: PeerName,
    item: NamesItem,
    number: number = 0,
  ): void {
    const to = link.ends[0] === run.name ? link.ends[1] : link.ends[0];
    if (run.isHeldBack(to)) return;
    const linkRun = link.run;
    for (const payload of run.encode(item, this.now)) {
      this.seen.push({ to, from: source, kind, payload });
      if (this.#dice.chance(this.loss)) continue;
      this.at(this.now + this.#dice.between(1, this.delayMs), () => {
        if (link.up && link.run === linkRun) this.#arrive(link, to, kind, source, payload, number);
      });
    }
  }

  #arrive(
    link: Link,
    to: PeerName,
    kind: "gossip" | "broadcast",
    source: PeerName,
    payload: Uint8Array,
    number: number,
  ): void {
    const run = this.runs.get(to);
    const neighbour = link.ends[0] === to ? link.ends[1] : link.ends[0];
    if (run === undefined || (kind === "broadcast" && this.#had.has(`${number} ${to}`))) return;
    try {
      const { pass, emissions } = run.receive(kind, payload, source, this.now);
      this.perform(run, emissions);
      if (run.weft) this.#tellAll(link, to);
      if (kind === "broadcast") this.#had.add(`${number} ${to}`);
      if (pass === undefined) return;
      if (kind === "gossip") this.perform(run, [{ kind, item: pass, except: neighbour }]);
      else this.#spread(run, source, number, pass, neighbour);
    } catch (error) {
      if (!(error instanceof CutError)) throw error;
      this.#cut(link);
    }
  }

  #cut(link: Link): void {
    if (!link.up) return;
    link.up = false;
    this.at(this.now + REDIAL_MS, () => this.settleLinks());
    for (const run of this.runs.values()) {
      this.at(this.now + this.#dice.between(0, VIEW_MS), () => this.#look(run));
    }
  }

  /** Lets a peer hear something that was sent once, or anything. */
  inject(message: Seen): void {
    const run = this.runs.get(message.to);
    if (run === undefined) return;
    const { kind, payload, from } = message;
    const { pass, emissions } = run.receive(kind, payload, from, this.now);
    this.perform(run, emissions);
    if (pass !== undefined) this.#gossip(run, pass, undefined);
  }
}
