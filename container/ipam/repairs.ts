/**
 * Ending a conflict of rings by hand.
 *
 * ```
 *   theirs   we leave our ring for the other one: allowed if it lets us keep all that is in use, or by force
 *   ours     same seeds: our entries get newer versions, so that an idle owner gives in; other seeds: repair over there
 * ```
 *
 * @module
 */

import { formatIpv4 } from "../../base/mod.ts";
import { RefusedError } from "../refused.ts";
import type { RepairChoice } from "./allocator_io.ts";
import type { Conflict } from "./conflicts.ts";
import type { Parts } from "./parts.ts";
import { rangeContains } from "./range.ts";
import type { Requests } from "./requests.ts";
import { ownerOf } from "./ring.ts";

/** Parses what a user typed: `ours` or `theirs`, a peer, `force`. @throws {RefusedError} for anything else */
export function parseRepairChoice(text: string): RepairChoice {
  const [keep, ...rest] = text.trim().split(/\s+/);
  const force = rest.at(-1) === "force";
  const [peer, ...more] = force ? rest.slice(0, -1) : rest;
  if ((keep !== "ours" && keep !== "theirs") || more.length > 0) {
    throw new RefusedError(
      "not-possible",
      `Cannot repair "${text}": it is "ours" or "theirs", then a peer if there are several, then "force"`,
    );
  }
  return { keep, force, ...peer === undefined ? {} : { peer } };
}

/** Repairs of one router. */
export class Repairs {
  readonly #parts: Parts;
  readonly #requests: Requests;

  /** Repairs the ring of these parts. */
  constructor(parts: Parts, requests: Requests) {
    this.#parts = parts;
    this.#requests = requests;
  }

  /** Ends a conflict as chosen, or says why not. */
  repair(id: number, choice: RepairChoice): void {
    const { conflicts, peers } = this.#parts;
    const wanted = choice.peer === undefined ? undefined : peers.resolve(choice.peer);
    const meant = conflicts.all.filter(({ peer }) => wanted === undefined || wanted.includes(peer));
    const [conflict] = meant;
    if (conflict === undefined) {
      return this.#parts.refuse(id, "not-possible", "Cannot repair: there is no such conflict");
    }
    const rings = new Set(meant.map(({ theirs }) => theirs.seeds.join()));
    if (choice.keep === "theirs" && rings.size > 1) {
      const names = meant.map(({ peer }) => peers.labelOf(peer)).join(", ");
      const reason = `Cannot repair: there are several other rings; choose one of ${names}`;
      return this.#parts.refuse(id, "not-possible", reason);
    }
    return choice.keep === "theirs"
      ? this.#takeTheirs(id, conflict, choice.force)
      : this.#keepOurs(id, meant);
  }

  #takeTheirs(id: number, { theirs, peer }: Conflict, force: boolean): void {
    const { territory, leases, conflicts, config, peers } = this.#parts;
    const { universe, space } = territory;
    if (theirs.start !== universe.start || theirs.end !== universe.end) {
      const reason =
        "Cannot repair: the other ring is for another range; launch with the same range";
      return this.#parts.refuse(id, "not-possible", reason);
    }
    const lost = [...leases.values()].filter(({ cidr: { address } }) =>
      rangeContains(universe, address) && ownerOf(theirs, address) !== config.self
    );
    if (lost.length > 0 && !force) {
      const names = lost.map(({ ident, cidr }) => `${formatIpv4(cidr.address)} of ${ident}`);
      const reason = `Cannot repair: the other ring does not leave us ${names.join(", ")}; ` +
        "detach them, or force it";
      return this.#parts.refuse(id, "not-possible", reason);
    }
    for (const { ident, cidr } of lost) {
      leases.free(ident, cidr.address);
      space.free(cidr.address);
      // Somebody here still uses it.
      space.reserve(cidr.address);
    }
    this.#requests.endProbes();
    territory.adopt(theirs, `repaired by hand for the ring of ${peers.labelOf(peer)}`);
    conflicts.clear();
    this.#parts.broadcast = true;
    this.#parts.answer(id, {
      kind: "text",
      text: `took the ring of ${peers.labelOf(peer)}; ${lost.length} leases are over`,
    });
  }

  #keepOurs(id: number, meant: readonly Conflict[]): void {
    const { territory, conflicts, peers } = this.#parts;
    const others = meant.filter(({ code }) =>
      code === "different-seeds" || code === "different-range"
    );
    const same = meant.filter((conflict) => !others.includes(conflict));
    for (const { theirs, peer } of same) {
      territory.impose(theirs);
      conflicts.end(peer);
    }
    if (same.length > 0) this.#parts.broadcast = true;
    const names = others.map(({ peer }) => peers.labelOf(peer)).join(", ");
    const said = same.length > 0 ? ["our ranges have newer versions now"] : [];
    if (names !== "") said.push(`repair with "theirs" on ${names}`);
    this.#parts.answer(id, { kind: "text", text: said.join("; ") });
  }
}
