/**
 * What a relay of shuttle holds: the keys of its own pairs, never those of the pairs that it stands between.
 *
 * The keys of a pair are what the memory of both ends has in common: found there by their key schedules, without a word to the
 * routers. That the search finds what is there is shown with the relay's own keys.
 */

import { deepEqual, ok } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { allTalk, cluster, type Edge } from "../helpers/cluster.ts";
import { addressOf, type Host, Lab } from "../helpers/lab.ts";
import { aesKeysOf, foundIn } from "../helpers/process_memory.ts";
import { byShuttle, tcpIntact } from "../helpers/shuttle_lab.ts";

const PASSWORD = "rosebud";
const TRANSFER_BYTES = 20_000_000;

const LINES: readonly [string, readonly Edge[]][] = [
  ["three", [[0, 1], [1, 2]]],
  ["four", [[0, 1], [1, 2], [2, 3]]],
];
for (const [name, edges] of LINES) {
  Deno.test(`relays in a line of ${name} hosts never hold the keys of the ends`, async (t) => {
    using lab = new Lab();
    const last = edges.length;
    const { hosts, containers } = await cluster(lab, last + 1, edges, { password: PASSWORD });
    await byShuttle(hosts);
    await allTalk(containers);
    const [near, far] = [must(containers[0], "container"), must(containers[last], "container")];
    await tcpIntact(near, far, addressOf(last), TRANSFER_BYTES);
    const ciphers = (await must(hosts[0], "host").pairs()).map(({ cipher }) => cipher);
    // Another cipher has no key schedule to be found by.
    const ignore = ciphers.some((cipher) => !cipher?.startsWith("AES-256-"));

    await t.step({
      name: "the memory of each",
      ignore,
      fn: () => {
        const held = hosts.map((host) => aesKeysOf(host.routerPid()));
        const common = (a: number, b: number): Set<string> =>
          must(held[a], "keys").intersection(must(held[b], "keys"));
        const ends = common(0, last);
        ok(ends.size >= 2, `${ends.size} keys of the ends, one for each direction at least`);
        for (const end of [0, last]) deepEqual(searched(hosts, end, ends), ends);
        for (let relay = 1; relay < last; relay++) {
          for (const end of [0, last]) {
            const own = common(relay, end);
            ok(own.size >= 2, `${own.size} keys of host ${relay} with host ${end}`);
            deepEqual(searched(hosts, relay, own), own);
          }
          deepEqual(searched(hosts, relay, ends), new Set());
        }
      },
    });
  });
}

function searched(hosts: readonly Host[], at: number, keys: Set<string>): Set<string> {
  return foundIn(must(hosts[at], "host").routerPid(), keys);
}
