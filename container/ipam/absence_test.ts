import { deepEqual } from "node:assert/strict";
import { Absence } from "./absence.ts";
import type { KnownPeer } from "./allocator_io.ts";

function peer(name: number, { reachable = true, weft = true } = {}): KnownPeer {
  return { name, nickname: `host${name}`, reachable, weft };
}

Deno.test("Absence.topologyChanged() names each weft peer once, and again when it was away", () => {
  const absence = new Absence(1);
  const all = [peer(1), peer(2), peer(3, { weft: false }), peer(4, { reachable: false })];
  deepEqual(absence.topologyChanged(all), [2]);
  deepEqual(absence.topologyChanged(all), []);
  deepEqual(absence.topologyChanged([peer(1), peer(2), peer(4)]), [4]);
  deepEqual(absence.topologyChanged([peer(1), peer(4)]), []);
  deepEqual(absence.topologyChanged([peer(1), peer(2), peer(4)]), [2]);
});
