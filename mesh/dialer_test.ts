import assert from "node:assert/strict";
import { formatEndpoint, parseEndpoint, parseIp } from "../base/mod.ts";
import { Dialer, type DialerAction, type DialerConnection, type DialerView } from "./dialer.ts";
import { endpointKey, parseTarget } from "./target.ts";

const NOBODY: DialerView = { connections: [], discovered: [] };

function dialerFor(...targets: string[]): Dialer {
  const dialer = new Dialer({ port: 6783, random: () => 0.5 });
  dialer.connect(targets.map(parseTarget), false, 0);
  return dialer;
}

function show(actions: DialerAction[]): string[] {
  return actions.map((action) =>
    action.kind === "dial" ? `dial ${formatEndpoint(action.endpoint)}` : `resolve ${action.host}`
  );
}

function connectedTo(peer: number, remote: string, outbound: boolean): DialerConnection {
  return { peer, remote: parseEndpoint(remote), outbound };
}

const FAILED = { reason: "connection refused", never: false, nextPassword: undefined };
const KEY = endpointKey(parseEndpoint("192.0.2.1:6783"));

Deno.test("Dialer.check() dials with growing pauses when dials fail", () => {
  const dialer = dialerFor("192.0.2.1");
  let now = 0;
  const pauses: number[] = [];
  for (let i = 0; i < 18; i++) {
    assert.deepEqual(show(dialer.check(NOBODY, now)), ["dial 192.0.2.1:6783"]);
    assert.deepEqual(dialer.check(NOBODY, now), []);
    assert.equal(dialer.ended(KEY, FAILED, now), i === 0);
    assert.deepEqual(dialer.check(NOBODY, now), []);
    const due = dialer.deadline() ?? NaN;
    pauses.push(due - now);
    assert.deepEqual(dialer.check(NOBODY, due - 1), []);
    now = due;
  }
  assert.deepEqual(pauses.slice(0, 3), [2_000, 3_000, 4_500]);
  assert.equal(pauses.at(-1), 360_000);
});

Deno.test("Dialer.ended() dials at once and anew when a connection lived more than a minute", () => {
  for (const [lived, wait] of [[59_000, 2_000], [61_000, 0]] as const) {
    const dialer = dialerFor("192.0.2.1");
    dialer.check(NOBODY, 0);
    dialer.connected(KEY, 5);
    dialer.established(KEY, 10);
    dialer.ended(KEY, FAILED, lived);
    dialer.check(NOBODY, lived);
    assert.equal(dialer.rows()[0]?.dialling, wait === 0);
    if (wait > 0) assert.equal(dialer.deadline(), lived + wait);
  }
});

Deno.test("Dialer.check() leaves a target alone when it is connected in any way", () => {
  const inbound = { connections: [connectedTo(5, "192.0.2.1:40000", false)], discovered: [] };
  const outbound = { connections: [connectedTo(5, "192.0.2.1:6783", true)], discovered: [] };
  assert.deepEqual(dialerFor("192.0.2.1").check(inbound, 0), []);
  assert.deepEqual(dialerFor("192.0.2.1").check(outbound, 0), []);
  // With a port it may be another peer, until we have seen who is there.
  const withPort = dialerFor("192.0.2.1:6783");
  assert.deepEqual(show(withPort.check(inbound, 0)), ["dial 192.0.2.1:6783"]);
  withPort.connected(KEY, 5);
  withPort.ended(KEY, { ...FAILED, reason: "Multiple connections" }, 10);
  assert.deepEqual(withPort.check(inbound, 1e9), []);
  assert.deepEqual(withPort.rows(), []);
  assert.deepEqual(show(withPort.check(NOBODY, 1e9)), ["dial 192.0.2.1:6783"]);
});

Deno.test("Dialer.check() dials discovered peers while they are told of and not connected", () => {
  const dialer = dialerFor();
  const discovered = [7, 8].map((peer) => ({
    peer,
    endpoint: parseEndpoint(`192.0.2.${peer}:6783`),
  }));
  const connections = [connectedTo(8, "192.0.2.8:5000", false)];
  assert.deepEqual(show(dialer.check({ connections, discovered }, 0)), ["dial 192.0.2.7:6783"]);
  const key = endpointKey(parseEndpoint("192.0.2.7:6783"));
  assert.equal(dialer.mayBeUnknown(key, 8), false);
  dialer.ended(key, FAILED, 1);
  dialer.check({ connections, discovered }, 2);
  assert.equal(dialer.rows()[0]?.reason, "connection refused");
  dialer.check({ connections, discovered: [] }, 3);
  assert.deepEqual(dialer.rows(), []);
  assert.equal(dialer.deadline(), undefined);
});

Deno.test("Dialer.mayBeUnknown() lets in who was expected when it was dialled, and anybody at a target", () => {
  const dialer = dialerFor("192.0.2.1");
  const endpoint = parseEndpoint("192.0.2.7:6783");
  const key = endpointKey(endpoint);
  dialer.check({ connections: [], discovered: [{ peer: 7, endpoint }] }, 0);
  // Meanwhile the table has forgotten 7, or says that 9 is there.
  dialer.check(NOBODY, 1);
  dialer.check({ connections: [], discovered: [{ peer: 9, endpoint }] }, 2);
  assert.deepEqual([7, 9].map((peer) => dialer.mayBeUnknown(key, peer)), [true, false]);
  assert.equal(dialer.mayBeUnknown(KEY, 9), true);
  // The next dial is another matter.
  dialer.ended(key, FAILED, 3);
  dialer.check({ connections: [], discovered: [{ peer: 9, endpoint }] }, 4);
  assert.deepEqual([7, 9].map((peer) => dialer.mayBeUnknown(key, peer)), [false, true]);
});

Deno.test("Dialer.check() never dials again by itself when that is of no use, until asked", () => {
  const dialer = dialerFor("192.0.2.1");
  dialer.check(NOBODY, 0);
  dialer.ended(KEY, { ...FAILED, reason: "cannot connect to ourself", never: true }, 1);
  assert.deepEqual(dialer.check(NOBODY, 1e9), []);
  assert.equal(dialer.deadline(), undefined);
  assert.deepEqual(dialer.rows().map((row) => [row.reason, row.retryAt, row.dialling]), [
    ["cannot connect to ourself", undefined, false],
  ]);
  dialer.connect([parseTarget("192.0.2.1")], false, 1e9);
  assert.deepEqual(show(dialer.check(NOBODY, 1e9)), ["dial 192.0.2.1:6783"]);
});

Deno.test("Dialer looks a name up before each dial and keeps old addresses when that fails", () => {
  const dialer = dialerFor("x.example.org:7");
  assert.deepEqual(show(dialer.check(NOBODY, 0)), ["resolve x.example.org"]);
  assert.deepEqual(dialer.check(NOBODY, 0), []);
  assert.equal(dialer.deadline(), undefined);
  dialer.resolved("x.example.org", ["192.0.2.1", "2001:db8::1"].map(parseIp), 5);
  assert.deepEqual(show(dialer.check(NOBODY, 5)), ["dial 192.0.2.1:7", "dial [2001:db8::1]:7"]);
  const key = endpointKey(parseEndpoint("192.0.2.1:7"));
  dialer.ended(key, FAILED, 10);
  const due = dialer.deadline() ?? 0;
  assert.deepEqual(show(dialer.check(NOBODY, due)), ["resolve x.example.org"]);
  dialer.resolved("x.example.org", "the name server does not answer", due);
  assert.deepEqual(show(dialer.check(NOBODY, due)), ["dial 192.0.2.1:7"]);
  dialer.ended(key, FAILED, due);
  const next = dialer.deadline() ?? 0;
  assert.deepEqual(show(dialer.check(NOBODY, next)), ["resolve x.example.org"]);
  dialer.resolved("x.example.org", [parseIp("192.0.2.9")], next);
  assert.deepEqual(show(dialer.check(NOBODY, next)), ["dial 192.0.2.9:7"]);
});

Deno.test("Dialer shows a name that does not resolve and asks again later", () => {
  const dialer = dialerFor("x.example.org");
  dialer.check(NOBODY, 0);
  assert.deepEqual(dialer.rows().map((row) => [row.address, row.dialling]), [[
    "x.example.org",
    true,
  ]]);
  dialer.resolved("x.example.org", [], 5);
  assert.deepEqual(dialer.check(NOBODY, 5), []);
  assert.deepEqual(dialer.rows().map((row) => [row.address, row.reason, row.retryAt]), [
    ["x.example.org", "the name has no address", 2_005],
  ]);
  assert.equal(dialer.deadline(), 2_005);
  assert.deepEqual(show(dialer.check(NOBODY, 2_005)), ["resolve x.example.org"]);
});

Deno.test("Dialer.connect() replaces targets and Dialer.forget() removes them as typed", () => {
  const dialer = dialerFor("192.0.2.1", "192.0.2.2:6783");
  dialer.connect([parseTarget("192.0.2.3")], false, 0);
  dialer.forget(["192.0.2.2", "192.0.2.1"]);
  assert.deepEqual(dialer.targets, ["192.0.2.2:6783", "192.0.2.3"]);
  dialer.connect([parseTarget("192.0.2.4")], true, 0);
  assert.deepEqual(dialer.targets, ["192.0.2.4"]);
  assert.deepEqual(show(dialer.check(NOBODY, 0)), ["dial 192.0.2.4:6783"]);
});

Deno.test("Dialer.check() has at most 64 dials under way", () => {
  const dialer = dialerFor(...Array.from({ length: 100 }, (_, i) => `192.0.2.${i}`));
  assert.equal(dialer.check(NOBODY, 0).length, 64);
  assert.equal(dialer.deadline(), undefined);
  dialer.ended(endpointKey(parseEndpoint("192.0.2.0:6783")), FAILED, 1);
  assert.equal(dialer.check(NOBODY, 1).length, 1);
});

Deno.test("Dialer takes the password that the last end named", () => {
  const dialer = dialerFor("192.0.2.1");
  dialer.check(NOBODY, 0);
  dialer.ended(KEY, { ...FAILED, nextPassword: 2 }, 1);
  const [action] = dialer.check(NOBODY, dialer.deadline() ?? 0);
  assert.equal(action?.kind === "dial" && action.password, 2);
});

Deno.test("Dialer.ended() is true when a reason is new, not when two take turns", () => {
  const dialer = dialerFor("192.0.2.1");
  const end = (reason: string, now: number): boolean => {
    dialer.connect([parseTarget("192.0.2.1")], false, now);
    dialer.check(NOBODY, now);
    return dialer.ended(KEY, { ...FAILED, reason }, now);
  };
  assert.deepEqual(["a", "a", "b", "a", "b"].map((reason, i) => end(reason, i)), [
    true,
    false,
    true,
    false,
    false,
  ]);
  assert.equal(end("a", 1e6), true);
  dialer.forgetReason(KEY);
  assert.equal(end("a", 1e6 + 1), true);
});

/** A dialler that lost the lively link to a peer at 192.0.2.1 at 0. */
function bereft(random: () => number): Dialer {
  const dialer = new Dialer({ port: 6783, random });
  dialer.connect([parseTarget("192.0.2.1")], false, -1_000);
  dialer.check(NOBODY, -1_000);
  dialer.connected(KEY, 5);
  dialer.established(KEY, -1_000);
  dialer.lost(5, 0);
  dialer.ended(KEY, FAILED, 0);
  return dialer;
}

Deno.test("Dialer.lost() makes pauses of 5 s at most for 10 minutes, then the ordinary ones", () => {
  const dialer = bereft(() => 0.999);
  const pauses: [number, number][] = [];
  let now = 0;
  while (now < 1_200_000) {
    const due = dialer.deadline() ?? NaN;
    pauses.push([now, due - now]);
    now = due;
    dialer.check(NOBODY, now);
    dialer.ended(KEY, FAILED, now);
  }
  const quick = pauses.filter(([at]) => at < 600_000).map(([, pause]) => pause);
  assert.ok(Math.max(...quick) === 5_000, `${Math.max(...quick)}`);
  const slow = pauses.filter(([at]) => at >= 600_000).map(([, pause]) => pause);
  assert.ok(slow.every((pause, i) => i === 0 || pause > (slow[i - 1] ?? 0)), slow.join());
  assert.ok((slow[0] ?? 0) > 5_000);
});

Deno.test("Dialer.lost() gives dials 3 s and 10 s in turn, and 10 s after 10 minutes", () => {
  const dialer = bereft(() => 0.5);
  const limits: number[] = [];
  for (let now = 0; limits.length < 5; now += 5_000) {
    if (limits.length === 4) now = 600_000;
    const [action] = dialer.check(NOBODY, now);
    if (action?.kind !== "dial") continue;
    limits.push(action.limitMs);
    dialer.ended(KEY, FAILED, now);
  }
  assert.deepEqual(limits, [3_000, 10_000, 3_000, 10_000, 10_000]);
});

Deno.test("Dialer.lost() shortens a long pause of an address where the peer answered before", () => {
  const dialer = dialerFor("192.0.2.1:6783");
  dialer.check(NOBODY, 0);
  dialer.connected(KEY, 5);
  for (let now = 0; now < 3_600_000; now = dialer.deadline() ?? NaN) {
    dialer.check(NOBODY, now);
    dialer.ended(KEY, FAILED, now);
  }
  assert.ok((dialer.deadline() ?? 0) > 3_600_000);
  dialer.lost(5, 3_600_000 - 100_000);
  assert.equal(dialer.deadline(), 3_600_000 - 95_000);
});

Deno.test("Dialer.check() keeps ordinary limits and pauses when a real peer is lost", () => {
  const dialer = dialerFor("192.0.2.1");
  dialer.check(NOBODY, 0);
  dialer.connected(KEY, 5);
  dialer.established(KEY, 0);
  dialer.ended(KEY, FAILED, 10);
  const [action] = dialer.check(NOBODY, dialer.deadline() ?? NaN);
  assert.equal(action?.kind === "dial" && action.limitMs, 10_000);
});
