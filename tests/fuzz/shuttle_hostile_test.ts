/**
 * Forged, altered and repeated datagrams against a receiver of shuttle, and against one behind a relay.
 *
 * @module
 */

import { nodeCiphers } from "../helpers/node_aead.ts";
import { runSize } from "../helpers/run_size.ts";
import { FAR, NEAR } from "../helpers/shuttle_attack.ts";
import { besiege, formatSiege } from "../helpers/shuttle_siege.ts";

const FULL = 1_000_000;
const VICTIMS = [
  ["a receiver", NEAR, runSize("inputs", 200_000, FULL)],
  ["a receiver behind a relay", FAR, runSize("inputs", 50_000, FULL)],
] as const;

for (const [where, victim, datagrams] of VICTIMS) {
  Deno.test(`${where} accepts none of ${datagrams} hostile datagrams, and counts each once`, () => {
    const siege = besiege(victim, datagrams, { ciphers: nodeCiphers });
    Deno.stdout.writeSync(new TextEncoder().encode(formatSiege(siege)));
  });
}
