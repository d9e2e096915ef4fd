/**
 * The overlay `sleeve` alone (no cipher), and sealing with what the machine has (spec/dataplane.md 16).
 *
 * ```
 *   deno bench -A tests/bench/sleeve_bench.ts
 * ```
 *
 * @module
 */

import { Arena, openSecretbox } from "../../ffi/mod.ts";
import { FULL_FRAME_BYTES, sleeveReceiveCall, sleeveSendCall } from "../helpers/sleeve_paths.ts";

let sink = 0;

function bench(name: string, call: () => number): void {
  Deno.bench(name, { group: "sleeve" }, () => {
    sink = (sink + call()) | 0;
  });
}

bench("sleeve_send_full", sleeveSendCall(FULL_FRAME_BYTES));
bench("sleeve_send_100", sleeveSendCall(100));
bench("sleeve_receive_full", sleeveReceiveCall(FULL_FRAME_BYTES, 1));
bench("sleeve_receive_10_of_100", sleeveReceiveCall(100, 10));
if (Deno.permissions.querySync({ name: "ffi" }).state === "granted") {
  const arena = Arena.open(4 << 20);
  const box = openSecretbox(arena);
  bench(`sleeve_send_full, ${box.name}`, sleeveSendCall(FULL_FRAME_BYTES, arena, box));
}
