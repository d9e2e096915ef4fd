/**
 * Forged, altered and repeated datagrams against a receiver of shuttle, and against one behind a relay.
 *
 * @module
 */

import { nodeCiphers } from "../helpers/node_aead.ts";
import { runSize } from "../helpers/run_size.ts";
import { FAR, NEAR } from "../helpers/shuttle_attack.ts";
import { besiege, formatSiege } from "../helpers/shuttle_siege.ts";

const DATAGRAMS = runSize("inputs", 200_000, 1_000_000);

for (const [where, victim] of [["a receiver", NEAR], ["a receiver behind a relay", FAR]] as const) {
  Deno.test(`${where} accepts none of ${DATAGRAMS} hostile datagrams, and counts each once`, () => {
    const siege = besiege(victim, DATAGRAMS, { ciphers: nodeCiphers });
    Deno.stdout.writeSync(new TextEncoder().encode(formatSiege(siege)));
  });
}
