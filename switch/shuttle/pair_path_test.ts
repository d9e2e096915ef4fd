import assert from "node:assert/strict";
import { PairPath, SAFE_DATAGRAM_BYTES, SMALLEST_PROBE_BYTES } from "./pair_path.ts";

/** A path that carries datagrams up to `most` bytes; 0: none. Every answer takes 20 ms. */
class Underlay {
  most = 1_472;
  now = 0;
  probes = 0;
  traffic = false;
  readonly path: PairPath;
  #answers: { at: number; size: number }[] = [];

  constructor(readonly upper = 1_472) {
    this.path = new PairPath(0);
    this.path.routed(upper, 0);
  }

  run(ms: number): void {
    const end = this.now + ms;
    for (; this.now <= end; this.now += 10) {
      if (this.traffic) this.path.traffic(this.now);
      for (const answer of this.#answers.filter(({ at }) => at <= this.now)) {
        this.path.answered(answer.size, this.now);
      }
      this.#answers = this.#answers.filter(({ at }) => at > this.now);
      this.path.tick(this.now);
      const size = this.path.dueBytes(this.now);
      if (size === 0) continue;
      this.probes++;
      this.path.sent(size, this.now);
      if (size <= this.most) this.#answers.push({ at: this.now + 20, size });
    }
  }
}

Deno.test("PairPath becomes usable with the first answer and finds what the first hop carries", () => {
  const underlay = new Underlay();
  assert.equal(underlay.path.usable, false);
  assert.match(underlay.path.reason ?? "", /being probed/);
  underlay.run(200);
  assert.equal(underlay.path.usable, true);
  assert.equal(underlay.path.reason, undefined);
  assert.equal(underlay.path.limitBytes, 1_472);
  assert.equal(underlay.path.settled, true);
});

Deno.test("PairPath finds a narrower path within eight bytes", () => {
  for (const most of [1_300, 1_400, 1_471, 4_000, 8_971]) {
    const underlay = new Underlay(8_972);
    underlay.most = most;
    underlay.run(30_000);
    assert.ok(underlay.path.limitBytes <= most, `${underlay.path.limitBytes} of ${most}`);
    assert.ok(underlay.path.limitBytes > most - 9, `${underlay.path.limitBytes} of ${most}`);
    assert.equal(underlay.path.settled, true);
  }
});

Deno.test("PairPath asks ever less often when nobody answers", () => {
  const underlay = new Underlay();
  underlay.most = 0;
  underlay.run(60_000);
  assert.equal(underlay.path.usable, false);
  assert.ok(underlay.probes < 20, `${underlay.probes} probes`);
  underlay.most = 1_472;
  underlay.run(5_100);
  assert.equal(underlay.path.usable, true);
});

Deno.test("PairPath is given up after three seconds of traffic without an answer", () => {
  const underlay = new Underlay();
  underlay.run(1_000);
  underlay.most = 0;
  underlay.run(60_000);
  assert.equal(underlay.path.usable, true, "without traffic nobody asks");
  underlay.traffic = true;
  underlay.run(2_500);
  assert.equal(underlay.path.usable, true);
  underlay.run(3_500);
  assert.equal(underlay.path.usable, false);
  assert.match(underlay.path.reason ?? "", /not answered for 3 s/);
});

Deno.test("PairPath probes once a second while there is traffic and not at all without", () => {
  const underlay = new Underlay();
  underlay.run(1_000);
  const before = underlay.probes;
  underlay.run(60_000);
  assert.equal(underlay.probes, before);
  underlay.traffic = true;
  underlay.run(10_000);
  assert.ok(underlay.probes - before >= 9 && underlay.probes - before <= 11);
});

Deno.test("PairPath notices that a path became narrower though nobody said so", () => {
  const underlay = new Underlay();
  underlay.traffic = true;
  underlay.run(1_000);
  underlay.most = 1_350;
  underlay.run(20_000);
  assert.equal(underlay.path.usable, true);
  assert.ok(underlay.path.limitBytes <= 1_350 && underlay.path.limitBytes > 1_341);
});

Deno.test("PairPath looks for more after five minutes", () => {
  const underlay = new Underlay();
  underlay.most = 1_350;
  underlay.run(10_000);
  assert.ok(underlay.path.limitBytes <= 1_350);
  underlay.most = 1_472;
  underlay.run(5 * 60_000 + 1_000);
  assert.equal(underlay.path.limitBytes, 1_472);
});

Deno.test("PairPath believes the kernel at once, but never below what every path carries", () => {
  const underlay = new Underlay();
  underlay.run(1_000);
  underlay.most = 1_380;
  assert.equal(underlay.path.refused(1_380, underlay.now), true);
  assert.equal(underlay.path.limitBytes, 1_380);
  assert.equal(underlay.path.refused(1_400, underlay.now), false);
  assert.equal(underlay.path.refused(300, underlay.now), true);
  assert.equal(underlay.path.limitBytes, SAFE_DATAGRAM_BYTES);
});

Deno.test("PairPath begins anew when the route changes, and frames go on meanwhile", () => {
  const underlay = new Underlay(8_972);
  underlay.most = 8_972;
  underlay.run(1_000);
  assert.equal(underlay.path.limitBytes, 8_972);
  underlay.most = 1_472;
  underlay.path.routed(1_472, underlay.now);
  assert.equal(underlay.path.usable, true);
  assert.equal(underlay.path.limitBytes, 1_472);
});

Deno.test("PairPath sends nothing while there is no way", () => {
  const underlay = new Underlay();
  underlay.run(1_000);
  underlay.path.blocked("no established way to it");
  const before = underlay.probes;
  underlay.run(10_000);
  assert.equal(underlay.probes, before);
  assert.equal(underlay.path.reason, "no established way to it");
  underlay.path.routed(1_472, underlay.now);
  assert.equal(underlay.path.dueBytes(underlay.now), SMALLEST_PROBE_BYTES);
});
