import assert from "node:assert/strict";
import { fromHex } from "../../base/mod.ts";
import vectors from "../../tests/vectors/sleeve-forward.json" with { type: "json" };
import { arraySlab } from "../frame.ts";
import { choosePath, PATH } from "./sleeve_path.ts";

Deno.test("choosePath() decides as the reference does", () => {
  for (const each of vectors.cases) {
    const slab = arraySlab(66_000);
    slab.bytes.set(fromHex(each.frame_first_34), 1);
    const path = choosePath(
      slab.view,
      1,
      each.frame_length,
      each.mtu,
      each.stack_frag_trusted,
      each.broadcast,
    );
    const queued = each.queued_df_lengths.length;
    const expected = each.icmp_frag_needed_returned
      ? PATH.TOO_BIG
      : each.queued_non_df_lengths.length === 1
      ? PATH.NON_DF
      : queued === 0
      ? PATH.DROP
      : queued === 1
      ? PATH.DF
      : PATH.FRAGMENT;
    assert.equal(path, expected, each.note);
  }
});

Deno.test("choosePath() takes a forged IPv4 header for no IPv4", () => {
  const slab = arraySlab(4096);
  slab.bytes.set(fromHex("0a00000000020a00000000010800450005dc00014000"));
  assert.equal(choosePath(slab.view, 0, 1514, 1500, false, false), PATH.DF);
  assert.equal(choosePath(slab.view, 0, 1513, 1500, false, false), PATH.NON_DF, "total length");
  assert.equal(choosePath(slab.view, 0, 33, 1500, false, false), PATH.NON_DF, "cut header");
  assert.equal(choosePath(slab.view, 0, 14, 1500, false, false), PATH.NON_DF, "no header");
});
