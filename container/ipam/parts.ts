/**
 * What the parts of one allocator share.
 *
 * @module
 */

import type { AllocatorConfig, AllocatorOutput, Answer } from "./allocator_io.ts";
import type { LogFields, LogLevel } from "../../base/mod.ts";
import type { RefusedCode } from "../refused.ts";
import { type AskFacts, Asking } from "./asking.ts";
import { Bootstrap } from "./bootstrap.ts";
import { Conflicts } from "./conflicts.ts";
import { Leases } from "./leases.ts";
import { Peers } from "./peers.ts";
import { rangeOf } from "./range.ts";
import { isEmpty } from "./ring.ts";
import { Territory } from "./territory.ts";

/** The state of one allocator, and where its outputs go. */
export class Parts {
  /** Ring and space. */
  readonly territory: Territory;
  /** Who holds what. */
  readonly leases: Leases;
  /** Who is there. */
  readonly peers: Peers;
  /** Whom we asked. */
  readonly asking = new Asking();
  /** How the first ring comes to be. */
  readonly bootstrap: Bootstrap;
  /** Rings that do not go with ours. */
  readonly conflicts = new Conflicts();
  /** What this input brought so far; a persist goes before all of it. */
  out: AllocatorOutput[] = [];
  /** All peers are to hear of our state. */
  broadcast = false;
  /** We leave for good and give nothing out any more. */
  leaving = false;

  /** Takes what was stored. */
  constructor(readonly config: AllocatorConfig) {
    const { self, uid, nickname, range, init, stored } = config;
    this.territory = new Territory(rangeOf(range), self, stored);
    this.leases = new Leases(stored?.leases);
    this.peers = new Peers(self, nickname);
    const paxos = stored !== undefined && isEmpty(stored.ring) ? stored.paxos : undefined;
    this.bootstrap = new Bootstrap({ self, uid, init, stored: paxos });
    for (const { cidr } of this.leases.values()) this.territory.space.claim(cidr.address);
  }

  /** What asking has to know. */
  get askFacts(): AskFacts {
    return {
      ring: this.territory.ring,
      isReachable: (peer) => this.peers.isReachable(peer),
      labelOf: (peer) => this.peers.labelOf(peer),
      random: this.config.random,
    };
  }

  /** Ends a request. */
  answer(id: number, answer: Answer): void {
    this.out.push({ kind: "answer", id, answer });
  }

  /** Ends a request with a refusal. */
  refuse(id: number, code: RefusedCode, reason: string): void {
    this.answer(id, { kind: "refused", code, reason });
  }

  /** Writes a line. */
  log(level: LogLevel, message: string, fields: LogFields = {}): void {
    this.out.push({ kind: "log", level, message, fields });
  }
}
