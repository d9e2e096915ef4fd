/**
 * Packet filter rules of a lab's namespace, several kinds side by side.
 *
 * @module
 */

import { runSync } from "./namespace.ts";

/** Drops packets that come in by one device. */
export class PacketFilter {
  readonly #namespace: string;
  readonly #device: string;
  readonly #rules = new Map<string, readonly string[]>();
  #guarded = false;

  /** Drops nothing yet. */
  constructor(namespace: string, device: string) {
    this.#namespace = namespace;
    this.#device = device;
  }

  /** Replaces the rules of one kind; none takes them away. */
  set(kind: string, rules: readonly string[]): void {
    if (rules.length === 0) this.#rules.delete(kind);
    else this.#rules.set(kind, rules);
    this.#apply();
  }

  /** Drops what begins a conversation. */
  guard(): void {
    this.#guarded = true;
    this.#apply();
  }

  /** Takes all rules away. */
  clear(): void {
    this.#rules.clear();
    this.#guarded = false;
    this.#apply();
  }

  #apply(): void {
    const lines = ["add table inet lab", "delete table inet lab", ...this.#table()];
    runSync(["ip", "netns", "exec", this.#namespace, "nft", lines.join("; ")]);
  }

  /** The table as commands; none if nothing is dropped. */
  #table(): string[] {
    const rules = [...this.#rules.values()].flat();
    if (rules.length === 0 && !this.#guarded) return [];
    const from = `iifname "${this.#device}"`;
    return [
      "add table inet lab",
      "add chain inet lab input { type filter hook input priority -300; }",
      ...rules.map((rule) => `add rule inet lab input ${from} ${rule}`),
      // What belongs to a conversation is known after the hook of connection tracking only.
      "add chain inet lab guard { type filter hook input priority 0; }",
      ...(this.#guarded
        ? [`add rule inet lab guard ${from} meta l4proto { tcp, udp } ct state new drop`]
        : []),
    ];
  }
}
