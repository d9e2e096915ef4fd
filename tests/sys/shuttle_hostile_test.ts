/** What hostile datagrams cost with the cipher of production. */

import { Arena } from "../../ffi/mod.ts";
import { aeadCiphers } from "../../switch/shuttle_keys_shell.ts";
import { runSize } from "../helpers/run_size.ts";
import { FAR, NEAR } from "../helpers/shuttle_attack.ts";
import { besiege, formatSiege } from "../helpers/shuttle_siege.ts";
import "../../ffi/_testing.ts";

const DATAGRAMS = runSize("inputs", 100_000, 1_000_000);

for (const [where, victim] of [["a receiver", NEAR], ["a receiver behind a relay", FAR]] as const) {
  Deno.test(`${where} with the product's ciphers accepts none of ${DATAGRAMS} hostile datagrams`, () => {
    using arenas = new DisposableStack();
    const siege = besiege(victim, DATAGRAMS, {
      slab: (bytes) => arenas.use(Arena.open(bytes)),
      ciphers: (slab) => aeadCiphers(slab as Arena),
    });
    Deno.stdout.writeSync(new TextEncoder().encode(formatSiege(siege)));
  });
}
