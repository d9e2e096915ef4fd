/**
 * Micro-benchmarks of the data plane's cores (spec/dataplane.md 21); compare ratios inside one run, not runs.
 *
 * ```
 *   deno bench tests/bench/switch_bench.ts            portable copies
 *   deno bench -A tests/bench/switch_bench.ts         and copies by memcpy of libc in the arena, as in production
 * ```
 *
 * @module
 */

import { Arena, arenaCopy } from "../../ffi/mod.ts";
import {
  checksumCall,
  decideCapturedCall,
  decideRelayCall,
  joinCall,
  macLookupCall,
  macRefreshCall,
  splitCall,
  stormCall,
} from "../helpers/hot_paths.ts";

/** The obvious loop that `checksum_1400` is compared with. */
function slowChecksumCall(): () => number {
  const view = new DataView(new ArrayBuffer(2_048));
  for (let i = 0; i < 2_048; i++) view.setUint8(i, i * 7);
  let k = 0;
  return () => {
    let sum = 0;
    const begin = 2 + (k++ & 63);
    for (let at = begin; at < begin + 1_400; at += 2) sum += view.getUint16(at);
    return (sum & 0xffff) + (sum >>> 16);
  };
}

const groups = new Set<string>();
let sink = 0;

/** Registers one benchmark; the first of a group is what the others are compared with. */
function bench(group: string, name: string, call: () => number): void {
  Deno.bench(name, { group, baseline: !groups.has(group) }, (): void => {
    sink = (sink + call()) | 0;
  });
  groups.add(group);
}

bench("checksum_1400", "sum16", checksumCall());
bench("checksum_1400", "16-bit loop", slowChecksumCall());

bench("mac_lookup, 4096 entries", "hit", macLookupCall(true));
bench("mac_lookup, 4096 entries", "miss", macLookupCall(false));
bench("mac_lookup, 4096 entries", "refresh", macRefreshCall());

bench("decide", "captured", decideCapturedCall());
bench("decide", "relayed", decideRelayCall());
bench("decide", "storm limiter alone", stormCall());

const split = "split_superframe, per piece of 1424 B";
bench(split, "copyWithin", splitCall());
if ((await Deno.permissions.query({ name: "ffi" })).state === "granted") {
  const arena = Arena.open(1 << 20);
  bench(split, "memcpy", splitCall(arena, arenaCopy(arena)));
}

const join = "join_superframe, per frame of 1424 B";
bench(join, "vouched", joinCall(true));
bench(join, "checksum verified", joinCall(false));
