/**
 * The overlay `shuttle`: cut and seal, open and join, with no cipher and with AES-256-OCB; and what the cipher
 * alone costs in the same run. All figures are per superframe of 47 segments with bodies of 1436 bytes.
 *
 * ```
 *   deno bench -A tests/bench/shuttle_bench.ts
 * ```
 *
 * Receiving begins with a copy of the train into its slot, which the kernel does in production: subtract `restore`.
 *
 * @module
 */

import { Arena, arenaCopy, openAead } from "../../ffi/mod.ts";
import {
  BODY_BYTES,
  PATHS_SLAB_BYTES,
  SEGMENT_BYTES,
  shuttleGatherCall,
  shuttleReceiveCall,
  shuttleRestoreCall,
  shuttleSendCall,
  SUPERFRAME_SEGMENTS,
} from "../helpers/shuttle_paths.ts";
import { noAead } from "../helpers/toy_aead.ts";

let sink = 0;

function bench(group: string, name: string, call: () => number): void {
  Deno.bench(name, { group }, () => {
    sink = (sink + call()) | 0;
  });
}

/** Seals or opens the bodies of a superframe one after the other, nothing else. */
function cipherCall(arena: Arena, seals: boolean): () => number {
  const key = new Uint8Array(32).fill(7);
  const sealing = openAead("AES-256-OCB", key, "seal", arena);
  const opening = openAead("AES-256-OCB", key, "open", arena);
  const nonce = arena.alloc(12);
  const input = arena.alloc(BODY_BYTES, 64);
  const train = arena.alloc(SUPERFRAME_SEGMENTS * SEGMENT_BYTES, 64);
  return () => {
    let good = 0;
    for (let k = 0; k < SUPERFRAME_SEGMENTS; k++) {
      const body = train + k * SEGMENT_BYTES + 16;
      const tag = body + BODY_BYTES;
      // Opening garbage costs as much as opening the right thing.
      const result = seals
        ? sealing.seal(nonce, input, body, BODY_BYTES, tag)
        : opening.open(nonce, body, body, BODY_BYTES, tag);
      if (result) good++;
    }
    return good;
  };
}

/** Memory of one call, `memcpy`, and AES-256-OCB. */
function sealed(): Parameters<typeof shuttleSendCall>[0] {
  const slab = Arena.open(PATHS_SLAB_BYTES);
  const key = new Uint8Array(32).fill(7);
  return {
    slab,
    copy: arenaCopy(slab),
    sealing: openAead("AES-256-OCB", key, "seal", slab),
    opening: openAead("AES-256-OCB", key, "open", slab),
  };
}

/** Memory of one call, `memcpy`, and no cipher: segments as sealed ones, or in clear. */
function open(clear: boolean): Parameters<typeof shuttleSendCall>[0] {
  const slab = Arena.open(PATHS_SLAB_BYTES);
  const copy = arenaCopy(slab);
  const cipher = clear ? undefined : noAead(copy);
  return { slab, copy, sealing: cipher, opening: cipher };
}

const send = "cut and seal a superframe";
bench(send, "AES-256-OCB", shuttleSendCall(sealed()));
bench(send, "the cipher alone", cipherCall(Arena.open(1 << 20), true));
bench(send, "no cipher", shuttleSendCall(open(false)));
bench(send, "in clear", shuttleSendCall(open(true)));

const receive = "open and join a superframe";
bench(receive, "AES-256-OCB", shuttleReceiveCall(sealed()));
bench(receive, "the cipher alone", cipherCall(Arena.open(1 << 20), false));
bench(receive, "no cipher", shuttleReceiveCall(open(false)));
bench(receive, "no cipher, three lost, repaired", shuttleReceiveCall(open(false), 3));
bench(receive, "in clear", shuttleReceiveCall(open(true)));
bench(receive, "restore", shuttleRestoreCall(open(false)));

const small = "gather a frame of 100 bytes, ten a segment";
bench(small, "AES-256-OCB", shuttleGatherCall(sealed()));
bench(small, "in clear", shuttleGatherCall(open(true)));
