import assert from "node:assert/strict";
import { type Endpoint, parseEndpoint } from "../base/mod.ts";
import { HEARD, SLEEVE_TIMES, TunnelHealth } from "./tunnel.ts";

const HERE: Endpoint = parseEndpoint("192.0.2.1:6783");
const THERE: Endpoint = parseEndpoint("192.0.2.2:6783");

/** Returns when heartbeats are sent up to a time. */
function beats(health: TunnelHealth, until: number): number[] {
  const at: number[] = [];
  for (let now = health.deadline(); now <= until; now = health.deadline()) {
    if (health.expired(now)) break;
    assert.ok(health.heartbeatDue(now));
    health.heartbeatSent(now);
    at.push(now);
  }
  return at;
}

Deno.test("TunnelHealth sends heartbeats each 500 ms until the remote has acknowledged, then each 10 s", () => {
  const health = new TunnelHealth(HERE, 0, SLEEVE_TIMES);
  assert.deepEqual(beats(health, 1_700), [0, 500, 1_000, 1_500]);
  assert.equal(health.acknowledged(1_700), true);
  assert.equal(health.state, "established");
  assert.deepEqual(beats(health, 32_000), [11_700, 21_700, 31_700]);
  assert.equal(health.acknowledged(32_000), false, "repeated");
  assert.deepEqual(beats(health, 43_000), [42_000]);
});

Deno.test("TunnelHealth sends nothing before it knows the address, and at once when it learns it", () => {
  const health = new TunnelHealth(undefined, 0, SLEEVE_TIMES);
  assert.equal(health.heartbeatDue(5_000), false);
  assert.equal(health.deadline(), 60_000);
  assert.equal(health.heard(THERE, 5_123), HEARD.FIRST | HEARD.MOVED);
  assert.equal(health.deadline(), 5_123);
  assert.deepEqual(health.remote, THERE);
});

Deno.test("TunnelHealth.heard() tells the first heartbeat and each move", () => {
  const health = new TunnelHealth(HERE, 0, SLEEVE_TIMES);
  health.heartbeatSent(0);
  assert.equal(health.heard(HERE, 1), HEARD.FIRST);
  assert.equal(health.heard(HERE, 2), 0);
  assert.equal(health.heard(THERE, 3), HEARD.MOVED);
  assert.deepEqual(health.remote, THERE);
  assert.equal(health.deadline(), 500, "a move is not answered");
});

Deno.test("TunnelHealth fails after 60 s without a heartbeat, whatever else happens", () => {
  const health = new TunnelHealth(HERE, 0, SLEEVE_TIMES);
  health.acknowledged(100);
  health.heard(HERE, 1_000);
  health.acknowledged(60_000);
  assert.equal(health.expired(60_999), false);
  assert.equal(health.expired(61_000), true);
  assert.equal(health.expired(61_001), false, "said once");
  assert.deepEqual([health.state, health.reason], ["failed", "no heartbeat for 60 s"]);
  assert.equal(health.deadline(), Infinity);
  assert.equal(health.heard(HERE, 62_000), 0);
  assert.equal(health.acknowledged(62_000), false);
  assert.equal(health.state, "failed");
});

Deno.test("TunnelHealth keeps other times if it is told", () => {
  const times = { pendingHeartbeatMs: 100, heartbeatMs: 250, timeoutMs: 2_000 };
  const health = new TunnelHealth(HERE, 0, times);
  assert.deepEqual(beats(health, 250), [0, 100, 200]);
  health.acknowledged(250);
  assert.deepEqual(beats(health, 1_000), [500, 750, 1_000]);
  assert.equal(health.expired(2_000), true);
});
