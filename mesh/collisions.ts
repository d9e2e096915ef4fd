/**
 * Names that two routers bear at the same time, as after the disk of a host was copied.
 *
 * ```
 *   gossip         uid A v5 -> uid B v6 -> uid A v7 -> uid B v8      each jumps over the other: both live
 *   a restart      uid A v5 -> uid B v6 -> uid B v7                  A never comes back with a higher version
 *   handshakes     uid A -> uid B -> uid A                           A lived all the time: certain at once
 * ```
 *
 * Others repeat what a run that has ended said, but with the versions that it had: only its owner raises them. Since
 * several of those may be under way after a restart, one return of a UID proves nothing; two at some distance do. A
 * handshake is with a living process and needs no such caution.
 *
 * @module
 */

import {
  type Endpoint,
  formatIp,
  formatPeerName,
  type Millis,
  type PeerName,
} from "../base/mod.ts";
import { dropOldest } from "./drop_oldest.ts";
import type { Features } from "./features.ts";
import type { Live } from "./live.ts";
import type { Sighting, Topology } from "./topology.ts";
import type { PeerEntry } from "./topology_wire.ts";
import type { CollisionStatus } from "./types.ts";

/** So often must a UID have come back with a higher version. */
const RETURNS = 2;
/** Returns closer to each other count as one: what was under way at a restart comes within this. */
const RETURN_INTERVAL_MS = 1_000;
/** Without new evidence all is forgotten after this; a holder that is kept out dials again within nine minutes. */
const FORGET_MS = 10 * 60_000;
/** Most names that are watched, and most UIDs of one name: gossip shall not make us hold more. */
const MAX_NAMES = 64;
const MAX_HOLDERS = 4;
/** Most former neighbours that are remembered of one. */
const MAX_NEIGHBOURS = 256;

/** A UID that was seen under a contested name. */
interface Holder {
  readonly uid: bigint;
  /** Position among all that was seen. */
  readonly firstSeen: number;
  /** When it was seen first. */
  readonly since: Millis;
  nickname: string;
  version: bigint;
  /** Its neighbours when it was seen last, and all that it had before. */
  neighbours: readonly PeerName[];
  readonly everNear: Set<PeerName>;
  /** Where others say that it is. */
  told: string | undefined;
  /** Where it connected to us from, or we to it. */
  met: string | undefined;
  /** The same of the last sign of life; without end for ourselves. */
  alive: number | undefined;
  returns: number;
  lastReturn: Millis;
}

interface Contest {
  /** In the order in which they were seen last. */
  readonly holders: Map<bigint, Holder>;
  /** When it was certain that two holders live. */
  certainSince: Millis | undefined;
  lastEvidence: Millis;
  logged: boolean;
}

/** Watches for names that are borne twice. */
export class Collisions {
  #topology: Topology;
  #contests = new Map<PeerName, Contest>();
  /** Orders what is seen; two things may be seen in one millisecond. */
  #seen = 0;

  /** Watches the names of a table. */
  constructor(topology: Topology) {
    this.#topology = topology;
  }

  /** Takes what the table has seen since the last time. @returns collisions that have become certain meanwhile */
  look(now: Millis): CollisionStatus[] {
    for (const sighting of this.#topology.takeSightings()) this.#sighted(sighting, now);
    const news = [...this.#contests].filter(([, contest]) =>
      contest.certainSince !== undefined && !contest.logged
    );
    for (const [, contest] of news) contest.logged = true;
    return news.map(([name, contest]) => this.#status(name, contest, 0));
  }

  /** Takes that a remote introduced itself; before its entry is changed. @param rival connection that has its name already */
  met(features: Features, remote: Endpoint, rival: Live | undefined, now: Millis): void {
    const { name, uid, nickname } = features;
    const known = this.#topology.get(name);
    const other = known !== undefined && known.uid !== 0n && known.uid !== uid;
    const ourself = name === this.#topology.name && uid === this.#topology.self.uid;
    if (uid === 0n || ourself || !(other || this.#contests.has(name))) return;
    const contest = this.#contest(name, now);
    contest.lastEvidence = now;
    if (other) this.#see(contest, known, now);
    const holder = this.#see(contest, { name, uid, nickname, version: 0n, connections: [] }, now);
    holder.met = formatIp(remote.ip);
    holder.alive = ++this.#seen;
    this.#stays(contest, rival, holder.since);
    this.#judge(contest, now);
  }

  /** Returns the collisions of now; `toEpoch` is added to times to make them ms since 1970. */
  status(now: Millis, toEpoch: Millis): CollisionStatus[] {
    this.#forget(now);
    return [...this.#contests].filter(([, { certainSince }]) => certainSince !== undefined)
      .map(([name, contest]) => this.#status(name, contest, toEpoch));
  }

  /** Whoever has spoken on its connection since another came was not replaced by it. */
  #stays({ holders }: Contest, rival: Live | undefined, since: Millis): void {
    const holder = rival?.link === undefined ? undefined : holders.get(rival.link.uid);
    const heardAt = rival?.connection?.heardAt;
    if (holder === undefined || heardAt === undefined || rival === undefined) return;
    if (heardAt - since < RETURN_INTERVAL_MS) return;
    holder.alive = ++this.#seen;
    holder.met ??= formatIp(rival.remote.ip);
  }

  #sighted({ entry, known }: Sighting, now: Millis): void {
    if (entry.uid === 0n || known.uid === 0n) return;
    const contest = this.#contest(entry.name, now);
    const both = [this.#see(contest, known, now), this.#see(contest, entry, now)];
    for (const holder of both) holder.told ??= this.#addressOf(entry.name, holder, contest);
    this.#judge(contest, now);
  }

  #contest(name: PeerName, now: Millis): Contest {
    this.#forget(now);
    const contest = this.#contests.get(name) ?? {
      holders: new Map(),
      certainSince: undefined,
      lastEvidence: now,
      logged: false,
    };
    this.#contests.delete(name);
    this.#contests.set(name, contest);
    dropOldest(this.#contests, MAX_NAMES);
    return contest;
  }

  /** Notes a UID under a contested name. It is called when the name changes hands, so that a known UID comes back. */
  #see(contest: Contest, entry: Seen, now: Millis): Holder {
    const { holders } = contest;
    const known = holders.get(entry.uid);
    const holder = known ?? newHolder(entry, ++this.#seen, now);
    // Returns count if they are after the others came: what was under way of a run before says nothing about this one.
    if (known === undefined) { for (const other of holders.values()) other.returns = 0; }
    holders.delete(entry.uid);
    holders.set(entry.uid, holder);
    dropOldest(holders, MAX_HOLDERS);
    if (this.#isOurselves(entry.name, holder)) holder.alive = Infinity;
    if (entry.version < holder.version) return holder;
    if (entry.version > holder.version && now - holder.lastReturn >= RETURN_INTERVAL_MS) {
      holder.returns++;
      holder.lastReturn = now;
      if (holder.returns >= RETURNS) holder.alive = ++this.#seen;
      contest.lastEvidence = now;
    }
    holder.version = entry.version;
    holder.nickname = entry.nickname;
    holder.neighbours = entry.connections.map(({ peer }) => peer);
    for (const peer of holder.neighbours) holder.everNear.add(peer);
    dropOldest(holder.everNear, MAX_NEIGHBOURS);
    return holder;
  }

  /** Returns where one of its neighbours says that it is; one that was near to another holder may mean that one. */
  #addressOf(name: PeerName, holder: Holder, { holders }: Contest): string | undefined {
    const others = [...holders.values()].filter((other) => other !== holder);
    const sure = holder.neighbours.filter((peer) =>
      !others.some(({ everNear }) => everNear.has(peer))
    );
    const told = sure.flatMap((peer) =>
      this.#topology.get(peer)?.connections.filter((connection) => connection.peer === name) ?? []
    );
    // Without the port, which means nothing where the holder dialled.
    return told[0]?.address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  }

  #isOurselves(name: PeerName, { uid }: Holder): boolean {
    return name === this.#topology.name && uid === this.#topology.self.uid;
  }

  #judge(contest: Contest, now: Millis): void {
    if (atOnce(contest).length > 0) contest.certainSince ??= now;
  }

  #forget(now: Millis): void {
    for (const [name, { lastEvidence }] of this.#contests) {
      if (now - lastEvidence > FORGET_MS) this.#contests.delete(name);
    }
  }

  #status(name: PeerName, contest: Contest, toEpoch: Millis): CollisionStatus {
    const holders = atOnce(contest).map((holder) => ({
      uid: holder.uid.toString(),
      nickname: holder.nickname,
      address: holder.met ?? holder.told,
      ourself: this.#isOurselves(name, holder),
      neighbours: holder.neighbours,
    }));
    holders.sort((a, b) => Number(b.ourself) - Number(a.ourself) || (a.uid < b.uid ? -1 : 1));
    const since = (contest.certainSince ?? contest.lastEvidence) + toEpoch;
    return { name, holders, since, text: this.#text(name, holders) };
  }

  #text(name: PeerName, holders: CollisionStatus["holders"]): string {
    const whom = holders.map((holder) => this.#describe(holder)).join(" and ");
    return `${holders.length} routers have the name ${
      formatPeerName(name)
    }: ${whom}; stop one of ` +
      "them and launch it with another --name, or without its state directory if that was copied";
  }

  #describe({ nickname, address, ourself, uid, neighbours }: CollisionHolder): string {
    const labels = neighbours.map((peer) => this.#topology.get(peer)?.nickname ?? "")
      .filter((label) => label !== "");
    const through = labels.length > 0 ? `connected to "${labels.join('", "')}"` : "address unknown";
    const place = ourself ? "this router" : address === undefined ? through : `at ${address}`;
    return `"${nickname}" (${place}, UID ${uid})`;
  }
}

type Seen = Pick<PeerEntry, "name" | "uid" | "nickname" | "version" | "connections">;
type CollisionHolder = CollisionStatus["holders"][number];

/** Returns the holders that lived at the same time as another. */
function atOnce({ holders }: Contest): Holder[] {
  const all = [...holders.values()];
  const before = (a: Holder, b: Holder): boolean => b.alive !== undefined && a.firstSeen < b.alive;
  return all.filter((a) => all.some((b) => a !== b && before(a, b) && before(b, a)));
}

function newHolder(
  { uid, nickname, version }: Seen,
  firstSeen: number,
  now: Millis,
): Holder {
  return {
    uid,
    firstSeen,
    since: now,
    nickname,
    version,
    neighbours: [],
    everNear: new Set(),
    told: undefined,
    met: undefined,
    alive: undefined,
    returns: 0,
    lastReturn: now,
  };
}
