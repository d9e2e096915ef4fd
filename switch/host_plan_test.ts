import assert from "node:assert/strict";
import {
  BRIDGE_ALIAS,
  HostError,
  type HostLink,
  type HostSpec,
  type HostStep,
  planHost,
} from "./host_plan.ts";

const MAC = 0x0200_0000_0a01;
const SPEC: HostSpec = { bridge: undefined, tap: "weft-tap", mtuBytes: undefined, mac: MAC };

function link(name: string, more: Partial<HostLink> = {}): HostLink {
  const base = { index: 1, mac: 0x0200_0000_0001, mtuBytes: 1500, masterIndex: 0, alias: "" };
  return { name, kind: "", tun: undefined, ...base, ...more };
}

function bridge(name: string, more: Partial<HostLink> = {}): HostLink {
  return link(name, { index: 10, kind: "bridge", mtuBytes: 1376, ...more });
}

const TAP = link("weft-tap", {
  index: 11,
  kind: "tun",
  mtuBytes: 1376,
  masterIndex: 10,
  tun: { tap: true, persistent: true },
});

const PORT = link("vethwepl7", { index: 12, kind: "veth", masterIndex: 10 });

function kinds(steps: readonly HostStep[]): string[] {
  return steps.map((step) =>
    step.kind === "setMtu" || step.kind === "up" ? `${step.kind} ${step.link}` : step.kind
  );
}

Deno.test("planHost() makes everything when there is nothing", () => {
  const plan = planHost([link("lo")], SPEC);
  assert.deepEqual([plan.bridge, plan.adopted, plan.mtuBytes], ["weft", false, 1376]);
  assert.deepEqual(kinds(plan.steps), [
    "createBridge",
    "setMac",
    "configureBridge",
    "bridgeSysctls",
    "createTap",
    "quietTap",
    "setMtu weft-tap",
    "join",
    "hairpinOff",
    "setMtu weft",
    "up weft-tap",
    "up weft",
  ]);
  assert.deepEqual(plan.steps[1], { kind: "setMac", link: "weft", mac: MAC });
});

Deno.test("planHost() neither makes nor moves what is there", () => {
  const plan = planHost([bridge("weft"), TAP, PORT], SPEC);
  const made = plan.steps.filter((step) => /create|join/.test(step.kind));
  assert.deepEqual(made, []);
});

Deno.test("planHost() makes a TAP persistent that is not, and takes it from another bridge", () => {
  const loose = { ...TAP, masterIndex: 99, tun: { tap: true, persistent: false } };
  const found = kinds(planHost([bridge("weft"), loose], SPEC).steps);
  assert.ok(found.includes("createTap"));
  assert.ok(found.includes("join"));
});

Deno.test("planHost() adopts the bridge of Weave Net: MAC and MTU stay, no spanning tree is touched", () => {
  const weave = bridge("weave", { mac: 0x0200_0000_0b0b, mtuBytes: 1410 });
  const plan = planHost([weave], { ...SPEC, mtuBytes: 1376 });
  assert.deepEqual([plan.bridge, plan.adopted, plan.mtuBytes], ["weave", true, 1410]);
  assert.deepEqual(plan.steps[0], { kind: "setMac", link: "weave", mac: weave.mac });
  assert.deepEqual(plan.steps[1], { kind: "configureBridge", bridge: "weave", own: false });
  assert.ok(!kinds(plan.steps).includes("setMtu weave"));
  assert.ok(kinds(plan.steps).includes("setMtu weft-tap"));
});

Deno.test("planHost() gives the TAP what it can carry when Weave Net's bridge has 65535", () => {
  assert.equal(planHost([bridge("weave", { mtuBytes: 65535 })], SPEC).mtuBytes, 65521);
});

Deno.test("planHost() takes the name given, whatever else is there", () => {
  assert.equal(planHost([bridge("weave")], { ...SPEC, bridge: "weft" }).bridge, "weft");
  const theirs = planHost([bridge("br0", { mtuBytes: 9000 })], { ...SPEC, bridge: "br0" });
  assert.deepEqual([theirs.adopted, theirs.mtuBytes], [true, 9000]);
  const ours = bridge("br0", { mtuBytes: 9000, alias: BRIDGE_ALIAS });
  assert.equal(planHost([ours], { ...SPEC, bridge: "br0" }).adopted, false);
});

Deno.test("planHost() does not take something else called weave for a bridge", () => {
  assert.equal(planHost([link("weave")], SPEC).bridge, "weft");
});

Deno.test("planHost() keeps the MTU of a bridge in use unless told otherwise", () => {
  const own = bridge("weft", { mtuBytes: 1410 });
  assert.equal(planHost([own, TAP, PORT], SPEC).mtuBytes, 1410);
  assert.equal(planHost([own, TAP], SPEC).mtuBytes, 1376);
  assert.equal(planHost([own, TAP, PORT], { ...SPEC, mtuBytes: 1400 }).mtuBytes, 1400);
});

Deno.test("planHost() throws HostError with the remedy when it cannot be done", () => {
  const cases: [HostLink[], Partial<HostSpec>, RegExp][] = [
    [[link("weft")], {}, /"weft" as bridge.*--bridge NAME/],
    [[link("weft-tap")], {}, /"weft-tap" as TAP.*delete it/],
    [[{ ...TAP, tun: { tap: false, persistent: true } }], {}, /is no TAP/],
    [[], { mtuBytes: 67 }, /MTU of 67: 68 to 65521/],
    [[], { mtuBytes: 65522 }, /MTU of 65522/],
  ];
  for (const [links, spec, message] of cases) {
    assert.throws(
      () => planHost(links, { ...SPEC, ...spec }),
      (error) => error instanceof HostError && message.test(error.message),
      String(message),
    );
  }
});
