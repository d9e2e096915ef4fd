/**
 * The name of this peer: made once at random, kept with the identity of the machine it was made on.
 *
 * @module
 */

import { formatPeerName, macFromBytes, type PeerName } from "../base/mod.ts";

/** What tells one machine from another; each may be unknown. */
export interface MachineIdentity {
  /** `/etc/machine-id`: a clone of the disk has the same. */
  readonly machineId: string | undefined;
  /** The firmware's product UUID: a clone of a virtual machine has another. */
  readonly productUuid: string | undefined;
}

/** A name and the machine it was made on. */
export interface StoredIdentity extends MachineIdentity {
  /** The name. */
  readonly name: PeerName;
}

/** Which name to take. */
export interface ChosenName {
  /** The name. */
  readonly name: PeerName;
  /** Something the operator should know. */
  readonly warning: string | undefined;
}

/**
 * Chooses the name: the one that is asked for, else the stored one if this is the machine it was made on, else a new one.
 *
 * @param random 6 random bytes
 */
export function chooseName(
  wanted: PeerName | undefined,
  stored: StoredIdentity | undefined,
  machine: MachineIdentity,
  random: Uint8Array,
): ChosenName {
  if (wanted !== undefined) return { name: wanted, warning: undefined };
  if (stored === undefined) return { name: randomName(random), warning: undefined };
  if (!otherMachine(stored, machine)) return { name: stored.name, warning: undefined };
  const name = randomName(random);
  const warning =
    `the stored peer name ${formatPeerName(stored.name)} was made on another machine, so this ` +
    `one, a copy of it, is now ${formatPeerName(name)}; --name MAC sets it`;
  return { name, warning };
}

/** Two machines differ if something is known of both and differs. */
function otherMachine(a: MachineIdentity, b: MachineIdentity): boolean {
  const differ = (x: string | undefined, y: string | undefined): boolean =>
    x !== undefined && y !== undefined && x !== y;
  return differ(a.machineId, b.machineId) || differ(a.productUuid, b.productUuid);
}

/** A locally administered unicast address (IEEE 802): the two lowest bits of the first byte are 10. */
function randomName(random: Uint8Array): PeerName {
  const bytes = random.slice(0, 6);
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return macFromBytes(bytes);
}
