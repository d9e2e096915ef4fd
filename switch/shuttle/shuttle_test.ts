import assert from "node:assert/strict";
import { toHex } from "../../base/mod.ts";
import { slowSum } from "../../tests/helpers/frames.ts";
import { runSize } from "../../tests/helpers/run_size.ts";
import { assertKernelSafe, segmentFrames } from "../../tests/helpers/segmenter.ts";
import { ReceivingPeer, SendingPeer } from "../../tests/helpers/shuttle_world.ts";
import { TapReads } from "../../tests/helpers/tap_reads.ts";
import { dice } from "../../tests/helpers/underlay.ts";

/** Random conversations. */
const WORLDS = runSize("worlds", 4, 400);

/** Hex of a frame; the IPv4 id of UDP datagrams is left out, since joining numbers them anew. */
function text(frame: Uint8Array): string {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (view.getUint16(12) !== 0x0800 || frame[23] !== 17) return toHex(frame);
  const header = (view.getUint8(14) & 15) * 4;
  assert.equal(slowSum(frame.subarray(14, 14 + header)), 0xffff, "IPv4 checksum");
  const copy = frame.slice();
  copy.fill(0, 18, 20);
  copy.fill(0, 24, 26);
  return toHex(copy);
}

/** What a receiver writes for some segments, cut into real frames. */
function receive(segments: readonly Uint8Array[], endsBatch: (i: number) => boolean): string[] {
  const peer = new ReceivingPeer();
  segments.forEach((segment, i) => {
    peer.take(segment);
    if (endsBatch(i)) peer.endBatch();
  });
  peer.endBatch();
  for (const write of peer.writes) assertKernelSafe(write);
  return peer.writes.flatMap((write) => segmentFrames(write).map(text));
}

/** Loses, repeats and reorders. */
function mangle(count: number, roll: () => number, faults: number): number[] {
  const order: { i: number; at: number }[] = [];
  for (let i = 0; i < count; i++) {
    if (roll() < faults) continue;
    const late = roll() < faults ? roll() * 12 : 0;
    order.push({ i, at: i + late });
    if (roll() < faults) order.push({ i, at: i + roll() * 20 });
  }
  return order.sort((a, b) => a.at - b.at).map(({ i }) => i);
}

Deno.test("shuttle delivers the frames that were sent, in the order in which their segments come", () => {
  for (let seed = 1; seed <= WORLDS; seed++) {
    const roll = dice(seed);
    const reads = new TapReads(roll);
    const peer = new SendingPeer();
    const original: string[] = [];
    const segments: Uint8Array[] = [];
    for (let turn = 0; turn < 6; turn++) {
      for (let i = reads.below(6); i >= 0; i--) {
        const read = reads.next();
        original.push(...segmentFrames(read).map(text));
        assert.equal(peer.tap(read), 0);
      }
      segments.push(...peer.segments());
    }
    assert.deepEqual(peer.counts, {});
    assert.deepEqual(receive(segments, () => false), original, `seed ${seed}: nothing lost`);
    const each = segments.map((segment) => receive([segment], () => true));
    assert.deepEqual(each.flat(), original, `seed ${seed}: one by one`);
    for (const faults of [0.02, 0.2]) {
      const order = mangle(segments.length, roll, faults);
      const arrived = order.flatMap((i) => segments[i] ?? []);
      const expected = [...new Set(order)].flatMap((i) => each[i] ?? []);
      const border = roll() * 0.5;
      assert.deepEqual(receive(arrived, () => roll() < border), expected, `seed ${seed}: faults`);
    }
  }
});
