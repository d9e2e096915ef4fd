import assert from "node:assert/strict";
import { concat } from "../base/mod.ts";
import { buildFrame, buildSuperframe } from "../tests/helpers/frames.ts";
import { BULK, BULK_GSO_SIZE } from "../tests/helpers/hot_paths.ts";
import { type StageRouter, StageWorld } from "../tests/helpers/stage_world.ts";
import { SEND } from "./forwarding.ts";
import { portableCopy } from "./offload.ts";
import { SEND as RESULT } from "./overlay/overlay.ts";
import { Rehearsal } from "./rehearsal.ts";

const FRAME = buildFrame({ payload: Uint8Array.of(1, 2, 3) });
const READ = concat(new Uint8Array(10), FRAME);
const PEER = 1;

/** A router whose neighbour has a usable pair, what it rehearses, and how often it went which way. */
class Stage {
  readonly world: StageWorld;
  readonly router: StageRouter;
  readonly rehearsal: Rehearsal;
  decision = SEND | PEER;
  sent = 0;
  echoes = 0;
  readonly traffic = { rehearses: false };
  readonly #tap: number;
  readonly #slot: number;

  constructor(mode: "sealed" | "clear" = "sealed") {
    const world = this.world = new StageWorld(2, mode);
    if (mode === "sealed") world.agree(0, 1);
    world.run(500);
    const router = this.router = world.at(0);
    const { slab, stage, outbox } = router;
    this.#tap = slab.alloc(70_000, 64);
    this.#slot = slab.alloc(2_000, 64);
    const { traffic } = this;
    this.rehearsal = new Rehearsal({
      slab,
      copy: portableCopy(slab),
      forwarding: { decideCaptured: () => this.decision },
      traffic: Object.assign(traffic, {
        captured: (at: number, length: number, now: number): void => {
          this.sent++;
          assert.equal(traffic.rehearses, true, "nobody waits for it");
          assert.equal(router.send(PEER, slab.bytes.slice(at, at + length), now), RESULT.OK);
          assert.equal(outbox.empty, false);
        },
        close: () => stage.flush(),
      }),
      shuttle: stage,
      outbox,
      echo: () => void this.echoes++,
    });
  }

  /** Notes that the bridge gave this. */
  capture(read: Uint8Array): void {
    this.router.slab.bytes.set(read, this.#tap);
    this.rehearsal.captured(this.#tap, read.length);
  }

  /** Returns a segment of the neighbour with that frame. */
  segment(read: Uint8Array = READ): Uint8Array {
    const { world } = this;
    assert.equal(world.at(PEER).send(0, read, world.now), RESULT.OK);
    return world.at(PEER).sends()[0]?.train ?? new Uint8Array();
  }

  /** Takes a segment as the loop does. @returns frames in it */
  take(segment: Uint8Array, source = PEER): number {
    const { slab, stage } = this.router;
    slab.bytes.set(segment, this.#slot);
    this.rehearsal.arrives(this.#slot, segment.length, source);
    if (!stage.receive(this.#slot, segment.length, source, this.world.now)) return 0;
    this.rehearsal.opened();
    let frames = 0;
    while (stage.record.next()) frames++;
    return frames;
  }

  /** Rehearses. @returns how many frames were opened, which the counters of drops would not show */
  run(): number {
    const { record } = this.router.stage;
    let opened = 0;
    const next = record.next.bind(record);
    record.next = () => {
      const more = next();
      if (more) opened++;
      return more;
    };
    this.rehearsal.run(this.world.now);
    record.next = next;
    return opened;
  }
}

Deno.test("Rehearsal goes both ways and leaves nothing behind", () => {
  for (const mode of ["sealed", "clear"] as const) {
    const stage = new Stage(mode);
    stage.capture(READ);
    assert.equal(stage.take(stage.segment()), 1);
    const before = { ...stage.router.counts };
    assert.equal(stage.run(), 1, mode);
    assert.equal(stage.run(), 1, mode);
    assert.deepEqual([stage.sent, stage.echoes], [2, 2]);
    assert.equal(stage.traffic.rehearses, false);
    assert.deepEqual(stage.router.counts, before);
    assert.deepEqual(stage.router.sends(), []);
    // What is sent and received then gets through as ever.
    assert.equal(stage.take(stage.segment()), 1);
    assert.equal(stage.router.send(PEER, READ, stage.world.now), RESULT.OK);
    stage.world.deliver();
    assert.deepEqual(stage.world.at(PEER).frames, [FRAME]);
  }
});

Deno.test("Rehearsal lets no replay through", () => {
  const stage = new Stage();
  const [first, second] = [stage.segment(), stage.segment()];
  assert.equal(stage.take(second), 1);
  stage.run();
  assert.equal(stage.take(second), 0);
  assert.equal(stage.router.counts["dropReplayed"], 1);
  assert.equal(stage.take(first), 1, "what came late was not seen before");
});

Deno.test("Rehearsal forgets what is large, foreign, forged or from before", () => {
  const stage = new Stage();
  const large = concat(new Uint8Array(10), buildFrame({ payload: new Uint8Array(600) }));
  const forged = stage.segment().map((byte, i) => i === 40 ? byte ^ 1 : byte);
  const cases: readonly [string, () => void][] = [
    ["a large frame", () => stage.take(stage.segment(large))],
    ["a forged segment", () => stage.take(forged)],
    ["a stranger's", () => stage.take(stage.segment(), -1)],
    ["other keys or peers", () => stage.rehearsal.forget()],
  ];
  for (const [name, happens] of cases) {
    assert.equal(stage.take(stage.segment()), 1);
    assert.equal(stage.run(), 1);
    happens();
    const before = { ...stage.router.counts };
    assert.equal(stage.run(), 0, name);
    assert.deepEqual(stage.router.counts, before, name);
  }
  stage.capture(READ);
  stage.run();
  assert.equal(stage.sent, 1);
  stage.capture(buildSuperframe(BULK, BULK_GSO_SIZE));
  stage.run();
  assert.equal(stage.sent, 1);
});

Deno.test("Rehearsal does not send what is no frame to one peer by shuttle", () => {
  const stage = new Stage();
  stage.capture(READ);
  for (const decision of [1 << 16 | 3, 1 << 18, SEND | 0]) {
    stage.decision = decision;
    stage.run();
  }
  assert.equal(stage.sent, 0);
  stage.decision = SEND | PEER;
  stage.router.stage.pairs.closeAll();
  stage.run();
  assert.equal(stage.sent, 0);
});

Deno.test("Rehearsal waits while something is to be sent", () => {
  const stage = new Stage();
  stage.capture(READ);
  assert.equal(stage.router.send(PEER, READ, stage.world.now), RESULT.OK);
  stage.run();
  assert.deepEqual([stage.sent, stage.echoes], [0, 0]);
  assert.equal(stage.router.sends().length, 1);
  stage.run();
  assert.deepEqual([stage.sent, stage.echoes], [1, 1]);
});
