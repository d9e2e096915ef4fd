import assert from "node:assert/strict";
import fc from "fast-check";
import vectors from "../tests/vectors/sleeve-pmtu.json" with { type: "json" };
import { PathMtuSearch } from "./pmtu.ts";

const OUTER = 28;

interface Probe {
  candidate: number;
  acked: boolean;
  sends: number;
  link_mtu_during_probe: number;
}

/** Runs a search to its end over a path; answers come at once. */
function run(
  search: PathMtuSearch,
  pathMtu: number,
  total: number,
): { probes: Probe[]; took: number } {
  const probes: Probe[] = [];
  let now = 0;
  for (let steps = 0; search.deadline() < Infinity; steps++) {
    assert.ok(steps < 1000, "comes to an end");
    now = Math.max(now, search.deadline());
    search.tick(now);
    const due = search.dueBytes(now);
    if (due === 0) continue;
    const candidate = due - 14;
    const link = search.mtuBytes;
    search.sent(now);
    assert.equal(search.dueBytes(now), 0, "not due again at once");
    const acked = candidate + total <= pathMtu;
    const last = probes.at(-1);
    if (last?.candidate === candidate) last.sends++;
    else probes.push({ candidate, acked, sends: 1, link_mtu_during_probe: link });
    if (acked) search.verified(candidate);
  }
  return { probes, took: now };
}

Deno.test("PathMtuSearch probes as the reference does", () => {
  for (const each of vectors.cases) {
    const search = new PathMtuSearch(each.total_overhead - OUTER);
    search.start();
    assert.equal(search.dueBytes(0), 60_000);
    search.sent(0);
    assert.equal(search.deadline(), Infinity);
    assert.ok(search.reported(each.kernel_reported_pmtu, OUTER));
    const { probes } = run(search, each.true_path_mtu, each.total_overhead);
    assert.deepEqual(probes, each.probes);
    assert.equal(search.mtuBytes, each.final_overlay_mtu);
    assert.equal(search.maxPayloadBytes, each.final_max_udp_payload);
  }
});

Deno.test("PathMtuSearch waits 10 ms and doubles it seven times", () => {
  const search = new PathMtuSearch(58);
  search.start();
  search.sent(0);
  search.reported(1500, OUTER);
  const waits: number[] = [];
  for (let now = 0; search.candidateBytes === 1414;) {
    search.tick(now);
    if (search.dueBytes(now) === 0 || search.candidateBytes !== 1414) break;
    search.sent(now);
    waits.push(search.deadline() - now);
    now = search.deadline();
  }
  assert.deepEqual(waits, [10, 20, 40, 80, 160, 320, 640, 1280]);
});

Deno.test("PathMtuSearch keeps 65535 where nothing is too large for the path", () => {
  const search = new PathMtuSearch(58);
  search.start();
  search.sent(0);
  assert.equal(search.verified(59_986), false);
  assert.deepEqual([search.mtuBytes, search.maxPayloadBytes, search.known], [
    65_535,
    65_507,
    false,
  ]);
});

Deno.test("PathMtuSearch.reported() only shrinks what was found", () => {
  const search = new PathMtuSearch(58);
  search.start();
  search.sent(0);
  search.reported(1500, OUTER);
  assert.equal(search.reported(1500, OUTER), false, "the size being tested");
  assert.equal(search.reported(1501, OUTER), false, "more than the size being tested");
  run(search, 1400, 86);
  assert.equal(search.mtuBytes, 1314);
  assert.equal(search.reported(1500, OUTER), false, "more than what was found");
  assert.equal(search.mtuBytes, 1314);
  assert.ok(search.reported(1300, OUTER));
  assert.equal(search.mtuBytes, 1214, "at once");
  run(search, 1300, 86);
  assert.equal(search.mtuBytes, 1214);
});

Deno.test("PathMtuSearch.start() again does not send what was found to be lost, but may find more", () => {
  const search = new PathMtuSearch(58);
  search.start();
  search.sent(0);
  search.reported(1500, OUTER);
  run(search, 1400, 86);
  search.start();
  search.sent(0);
  assert.ok(search.reported(1500, OUTER));
  assert.equal(search.mtuBytes, 1314, "while it runs");
  run(search, 1500, 86);
  assert.equal(search.mtuBytes, 1414);
});

Deno.test("PathMtuSearch believes no forged report below what any path carries", () => {
  for (const [outer, smallest] of [[28, 552], [48, 1280]] as const) {
    const search = new PathMtuSearch(58);
    search.reported(68, outer);
    assert.equal(search.mtuBytes, smallest - outer - 58);
  }
});

Deno.test("PathMtuSearch settles below 552 only on what the kernel says", () => {
  const search = new PathMtuSearch(58);
  search.reported(600, OUTER);
  run(search, 0, 86);
  assert.equal(search.mtuBytes, 514);
});

Deno.test("PathMtuSearch finds the largest size that passes, whatever kernel and path say", () => {
  fc.assert(fc.property(
    fc.integer({ min: 552, max: 65_535 }),
    fc.integer({ min: 700, max: 65_535 }),
    fc.constantFrom(62, 86),
    (kernel, path, total) => {
      const search = new PathMtuSearch(total - OUTER);
      search.start();
      search.sent(0);
      search.reported(kernel, OUTER);
      run(search, path, total);
      assert.equal(search.mtuBytes, Math.min(kernel, path) - total);
      assert.equal(search.maxPayloadBytes, Math.min(kernel, path) - OUTER);
    },
  ));
});
