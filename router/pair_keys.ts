/**
 * Key agreement between mesh and data plane: the words of one turned into those of the other.
 *
 * ```
 *   mesh.forwarding() --topology--> +--------------+ --unicast--> mesh
 *   KeysChannel ------received----> | PairKeysCore | --pairKeys-> data plane
 *   data plane -------news--------> | KeyAgreement | --state----> PairBoard
 *                     stop -------> +--------------+
 * ```
 *
 * Without a password, and after `stop`, it says nothing. It never hands a key out twice.
 *
 * @module
 */

import type { Machine, Millis, PeerName } from "../base/mod.ts";
import {
  type ForwardingPeer,
  type InstalledKeys,
  KeyAgreement,
  type KeysInput,
  type KeysOptions,
  type KeysOutput,
  type KeysState,
} from "../mesh/mod.ts";
import type { PairKeys, PairNews } from "../switch/mod.ts";

/** What happens. */
export type PairKeysInput =
  /** The mesh as it is now. */
  | { readonly kind: "topology"; readonly peers: readonly ForwardingPeer[] }
  /** A message came on the channel of key agreement. */
  | { readonly kind: "received"; readonly from: PeerName; readonly payload: Uint8Array }
  /** The data plane says something of a pair. */
  | { readonly kind: "news"; readonly news: PairNews }
  /** Nothing is wanted any more. */
  | { readonly kind: "stop" }
  /** Time has passed. */
  | { readonly kind: "tick" };

/** What is to be done. */
export type PairKeysOutput =
  /** Send on the channel of key agreement. */
  | { readonly kind: "unicast"; readonly to: PeerName; readonly payload: Uint8Array }
  /** Tell the data plane, then wipe the keys in the message ({@link wipe}). */
  | { readonly kind: "pairKeys"; readonly message: PairKeys }
  /** Note where the pair stands. */
  | {
    readonly kind: "state";
    readonly peer: PeerName;
    readonly state: KeysState;
    readonly reason: string | undefined;
  };

/** Key agreement as the router drives it. */
export class PairKeysCore implements Machine<PairKeysInput, PairKeysOutput> {
  readonly #agreement: KeyAgreement;
  #stopped = false;

  /** Knows nobody yet. */
  constructor(options: KeysOptions) {
    this.#agreement = new KeyAgreement(options);
  }

  /** Takes one input. */
  handle(input: PairKeysInput, now: Millis): void {
    if (input.kind === "stop") this.#stop();
    else if (!this.#stopped) this.#agreement.handle(agreementInput(input), now);
  }

  /** Returns the next output. */
  poll(): PairKeysOutput | undefined {
    const output = this.#agreement.poll();
    return output === undefined ? undefined : outputOf(output);
  }

  /** Returns when it wants a tick. */
  deadline(): Millis | undefined {
    return this.#stopped ? undefined : this.#agreement.deadline();
  }

  #stop(): void {
    this.#stopped = true;
    for (let output = this.poll(); output !== undefined; output = this.poll()) {
      if (output.kind === "pairKeys") wipe(output.message);
    }
  }
}

/** Overwrites the keys in a message, if there are any. */
export function wipe(message: PairKeys): void {
  if (message.act !== "install") return;
  const { receiveKey, receiveSalt, sendKey, sendSalt } = message;
  for (const secret of [receiveKey, receiveSalt, sendKey, sendSalt]) secret.fill(0);
}

function agreementInput(input: Exclude<PairKeysInput, { kind: "stop" }>): KeysInput {
  switch (input.kind) {
    case "topology":
      return { kind: "peers", peers: input.peers.map(({ name, uid }) => ({ name, uid })) };
    case "news": {
      const { peer, news, receiveId } = input.news;
      return news === "worked" ? { kind: news, peer, receiveId } : { kind: news, peer };
    }
    default:
      return input;
  }
}

function outputOf(output: KeysOutput): PairKeysOutput {
  switch (output.kind) {
    case "send":
      return { kind: "unicast", to: output.to, payload: output.payload };
    case "install":
      return { kind: "pairKeys", message: installMessage(output.keys) };
    case "use":
    case "stop": {
      const { kind: act, peer, sendId } = output;
      return { kind: "pairKeys", message: { kind: "pairKeys", act, peer, sendId } };
    }
    case "retire": {
      const { kind: act, peer, receiveId } = output;
      return { kind: "pairKeys", message: { kind: "pairKeys", act, peer, receiveId } };
    }
    case "state":
      return output;
  }
}

function installMessage(keys: InstalledKeys): PairKeys {
  const { peer, suite, receiveId, receiveKey, receiveSalt, sendId, sendKey, sendSalt, sendNow } =
    keys;
  return {
    kind: "pairKeys",
    act: "install",
    peer,
    suite,
    receiveId,
    receiveKey,
    receiveSalt,
    sendId,
    sendKey,
    sendSalt,
    sendNow,
  };
}
