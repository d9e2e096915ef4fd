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

/** A lively tunnel that is established since 0 and has heard a heartbeat then. */
function lively(): TunnelHealth {
  const health = new TunnelHealth(HERE, 0, SLEEVE_TIMES, 250);
  health.heartbeatSent(0);
  health.heard(HERE, 0);
  health.acknowledged(0);
  return health;
}

/** Lets a tunnel send its heartbeats. @returns when it fell silent */
function silence(health: TunnelHealth, from: number, until: number): number | undefined {
  for (let now = from; now <= until; now += 125) {
    if (health.silenced(now)) return now;
    if (health.heartbeatDue(now)) health.heartbeatSent(now);
  }
  return undefined;
}

Deno.test("TunnelHealth sends each 500 ms, then each 250 ms when it is lively", () => {
  const health = new TunnelHealth(HERE, 0, SLEEVE_TIMES, 250);
  assert.deepEqual(beats(health, 1_200), [0, 500, 1_000]);
  health.acknowledged(1_200);
  assert.deepEqual(beats(health, 2_000), [1_450, 1_700, 1_950]);
  health.retime(400, 2_000);
  assert.deepEqual(beats(health, 2_900), [2_200, 2_600]);
});

Deno.test("TunnelHealth answers a heartbeat with its own if that is due soon, and lets the other begin", () => {
  const health = lively();
  assert.equal(health.heard(HERE, 149), 0);
  assert.equal(health.deadline(), 250);
  assert.equal(health.heard(HERE, 150), HEARD.ANSWER);
  assert.deepEqual([health.deadline(), health.heartbeatDue(150)], [150, true]);
  health.heartbeatSent(150);
  assert.equal(health.deadline(), 430, "later than the other one, which sends each 250 ms");
  assert.equal(health.heard(HERE, 400), HEARD.ANSWER);
  health.heartbeatSent(400);
  // When nothing comes it sends by itself, as often as ever.
  assert.deepEqual(beats(health, 1_200), [680, 930, 1_180]);
});

Deno.test("TunnelHealth answers nobody whom it may not send to or who beats seldom", () => {
  const real = new TunnelHealth(HERE, 0, SLEEVE_TIMES);
  real.acknowledged(0);
  real.heard(HERE, 0);
  assert.equal(real.heard(HERE, 9_900), 0);
  const pending = new TunnelHealth(HERE, 0, SLEEVE_TIMES, 250);
  assert.equal(pending.heard(HERE, 0), HEARD.FIRST);
  const failed = lively();
  failed.fail("closed");
  assert.equal(failed.heard(HERE, 240), 0);
});

Deno.test("TunnelHealth is pending with the reason when it is lively and silent", () => {
  const health = lively();
  assert.equal(silence(health, 125, 10_000), 2_125);
  assert.deepEqual([health.state, health.reason], ["pending", "silent for 2 s"]);
  assert.equal(health.acknowledged(2_200), false);
  assert.equal(health.state, "pending", "the remote's word is not what is missing");
  assert.equal(health.expired(59_999), false);
  assert.equal(health.expired(60_000), true);
  assert.deepEqual([health.state, health.reason], ["failed", "no heartbeat for 60 s"]);
});

Deno.test("TunnelHealth.heard() establishes a silent tunnel again with several heartbeats", () => {
  const health = lively();
  silence(health, 125, 10_000);
  const flags = [10_000, 10_250, 10_500, 10_750, 11_000].map((now) =>
    health.heard(HERE, now) & ~HEARD.ANSWER
  );
  assert.deepEqual(flags, [0, 0, 0, HEARD.BACK, 0]);
  assert.deepEqual([health.state, health.reason], ["established", undefined]);
});

Deno.test("TunnelHealth stays established while data comes, and fails without heartbeats", () => {
  const health = lively();
  for (let now = 125; now < 60_000; now += 125) {
    health.alive(now);
    assert.equal(health.silenced(now), false);
  }
  assert.equal(health.state, "established");
  assert.equal(health.expired(60_000), true);
});

Deno.test("TunnelHealth never falls silent when it is not lively", () => {
  const health = new TunnelHealth(HERE, 0, SLEEVE_TIMES);
  health.heard(HERE, 0);
  health.acknowledged(0);
  health.remoteEvery(250);
  health.retime(250, 0);
  assert.equal(silence(health, 125, 59_000), undefined);
  assert.equal(health.state, "established");
  assert.equal(health.heartbeatMs, 10_000);
});
