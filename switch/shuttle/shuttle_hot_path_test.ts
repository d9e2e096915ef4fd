import assert from "node:assert/strict";
import { CALLS, heapGrowth, NOISE_BYTES } from "../../tests/helpers/heap_growth.ts";
import {
  shuttleGatherCall,
  shuttleReceiveCall,
  shuttleRelayCall,
  shuttleSendCall,
  SUPERFRAME_SEGMENTS,
} from "../../tests/helpers/shuttle_paths.ts";
import { ReplayWindow16k } from "./window.ts";

const PLAIN = { sealing: undefined, opening: undefined };

/** Takes counters in order, every eighth a little late. */
function windowCall(): () => number {
  const window = new ReplayWindow16k();
  let k = 0;
  return () => {
    k++;
    const counter = k % 8 === 0 ? k - 5 : k + 5;
    if (!window.fresh(0, counter)) return 0;
    window.mark(0, counter);
    return 1;
  };
}

const CASES: Record<string, () => () => number> = {
  "ShuttleSender.send() of a small frame": () => shuttleGatherCall(),
  "ReplayWindow16k": windowCall,
};

/** These do a superframe a call: fewer of them show as much. */
const SUPERFRAMES: Record<string, () => () => number> = {
  "ShuttleSender.send() of a superframe": () => shuttleSendCall(),
  "ShuttleSender.send() of a superframe in clear": () => shuttleSendCall(PLAIN),
  "ShuttleRelay.take()": shuttleRelayCall,
};

Deno.test("the relay that is measured does its work", () => {
  const call = shuttleRelayCall();
  // Two trains fit into its outbox.
  assert.deepEqual([call(), call(), call()], [1, 2, 1]);
});

for (const [name, make] of Object.entries(CASES)) {
  Deno.test(`${name} allocates nothing per call`, () => {
    const growth = heapGrowth(make());
    assert.ok(growth < NOISE_BYTES, `${growth} bytes in ${CALLS} calls`);
  });
}

for (const [name, make] of Object.entries(SUPERFRAMES)) {
  Deno.test(`${name} allocates nothing per segment`, () => {
    const call = make();
    let k = 0;
    // A call in 47 does the work: as many segments as calls.
    const growth = heapGrowth(() => k++ % SUPERFRAME_SEGMENTS === 0 ? call() : 0);
    assert.ok(growth < NOISE_BYTES, `${growth} bytes for ${CALLS} segments`);
  });
}

Deno.test("the calls that are measured do their work", () => {
  for (const options of [{}, PLAIN]) {
    assert.equal(shuttleSendCall(options)(), 0);
    const receive = shuttleReceiveCall(options);
    for (let i = 0; i < 100; i++) assert.equal(receive(), SUPERFRAME_SEGMENTS);
    const repair = shuttleReceiveCall(options, 3);
    for (let i = 0; i < 100; i++) assert.equal(repair(), SUPERFRAME_SEGMENTS - 3);
  }
});

for (
  const [name, options, lost] of [
    ["whole superframes", {}, 0],
    ["superframes that were hurt", {}, 3],
    ["superframes in clear", PLAIN, 0],
  ] as const
) {
  Deno.test(`ShuttleReceiver and PieceJoiner allocate nothing per segment of ${name}`, () => {
    const call = shuttleReceiveCall(options, lost);
    let k = 0;
    // A new window for 1,500 segments is the helper's doing: 66 of them in a measurement.
    const growth = heapGrowth(() => k++ % SUPERFRAME_SEGMENTS === 0 ? call() : 0);
    assert.ok(growth < NOISE_BYTES, `${growth} bytes for ${CALLS} segments`);
  });
}
