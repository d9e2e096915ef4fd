/**
 * Which link the datagrams of a message came from, asked at most once a message.
 *
 * @module
 */

/** Nobody has asked yet. */
const UNKNOWN = -2;

/** The slots that a message can come from; part of `LinkTable`. */
export interface SourceLinks {
  /** Slots of the links that carry segments. */
  readonly hopSlots: ArrayLike<number>;
  /** Tells whether a slot is one of them. */
  isHopSlot(slot: number): boolean;
}

/** The addresses; part of `Sockets`. */
export interface SourceSockets {
  /** Tells whether a message that a socket received came from the address of a slot. */
  isFrom(at: number, message: number, slot: number): boolean;
}

/** Finds the link of one message after the other. */
export class MessageSource {
  readonly #links: SourceLinks;
  readonly #sockets: SourceSockets;
  #at = 0;
  #message = 0;
  #slot: number = UNKNOWN;
  /** Most messages come from where the last one came from. */
  #last = -1;

  /** Begins without a message. */
  constructor(links: SourceLinks, sockets: SourceSockets) {
    this.#links = links;
    this.#sockets = sockets;
  }

  // hot path
  /** Moves to a message. @param at number of the socket that received it */
  begin(at: number, message: number): void {
    this.#at = at;
    this.#message = message;
    this.#slot = UNKNOWN;
  }

  // hot path
  /** Returns the slot of the established link that the message came from, -1 for none. */
  slot(): number {
    if (this.#slot === UNKNOWN) this.#slot = this.#find();
    return this.#slot;
  }

  #find(): number {
    const last = this.#last;
    if (this.#links.isHopSlot(last) && this.#isFrom(last)) return last;
    const slots = this.#links.hopSlots;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i] ?? -1;
      if (!this.#isFrom(slot)) continue;
      this.#last = slot;
      return slot;
    }
    return -1;
  }

  #isFrom(slot: number): boolean {
    return this.#sockets.isFrom(this.#at, this.#message, slot);
  }
}
