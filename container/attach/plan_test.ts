import assert from "node:assert/strict";
import { type Cidr, parseCidr } from "../../base/mod.ts";
import { RefusedError } from "../refused.ts";
import {
  type AttachFacts,
  type AttachStep,
  type AttachWish,
  EXPOSE_ID,
  type GuestFacts,
  planAttach,
  planDetach,
  type PortFacts,
} from "./plan.ts";

const A = parseCidr("10.1.0.5/24");
const B = parseCidr("10.1.0.6/24");

const EMPTY: AttachFacts = {
  bridge: { name: "weft", index: 10 },
  guest: undefined,
  port: undefined,
  holders: [],
  former: [],
  names: [{ name: "vethwepl7", state: "free" }, { name: "vethweplnx", state: "free" }],
  multicastRoute: false,
};

const WISH: AttachWish = {
  container: "web",
  addresses: [A],
  mtuBytes: 1376,
  multicastRoute: true,
};

const PORT: PortFacts = { name: "vethwepl7", mtuBytes: 1376, masterIndex: 10, ready: true };

function guest(...addresses: Cidr[]): GuestFacts {
  return { mac: 1, mtuBytes: 1376, up: true, addresses };
}

function attached(...addresses: Cidr[]): AttachFacts {
  return { ...EMPTY, guest: guest(...addresses), port: PORT, multicastRoute: true };
}

function kinds(steps: readonly AttachStep[]): string[] {
  return steps.map((step) => step.kind);
}

function refuses(code: string, message: RegExp, facts: AttachFacts, wish = WISH): void {
  assert.throws(
    () => planAttach(facts, wish),
    (error) => error instanceof RefusedError && error.code === code && message.test(error.message),
  );
}

Deno.test("planAttach() takes away what leads to the container's last run before all else", () => {
  const [first] = planAttach({ ...EMPTY, former: ["vethwepl5"] }, WISH);
  assert.deepEqual(first, { kind: "deletePort", port: "vethwepl5" });
});

Deno.test("planAttach() makes the pair first and the multicast route last", () => {
  assert.deepEqual(planAttach(EMPTY, { ...WISH, addresses: [A, B] }), [
    { kind: "createPair", port: "vethwepl7", mtuBytes: 1376 },
    { kind: "readyPort", port: "vethwepl7", mtuBytes: 1376 },
    { kind: "guestSysctls" },
    { kind: "addAddress", cidr: A },
    { kind: "addAddress", cidr: B },
    { kind: "guestUp" },
    { kind: "announce", port: "vethwepl7", addresses: [A.address, B.address] },
    { kind: "multicastRoute" },
  ]);
});

Deno.test("planAttach() does nothing when the address is there", () => {
  assert.deepEqual(planAttach(attached(B, A), WISH), []);
  assert.deepEqual(planAttach(attached(B, A), { ...WISH, addresses: [A, B, A] }), []);
});

Deno.test("planAttach() adds and announces only what is missing, once", () => {
  assert.deepEqual(planAttach(attached(A), { ...WISH, addresses: [B, A, B] }), [
    { kind: "addAddress", cidr: B },
    { kind: "announce", port: "vethwepl7", addresses: [B.address] },
  ]);
});

Deno.test("planAttach() makes the interface alone when no address is asked for", () => {
  const wish = { ...WISH, addresses: [], multicastRoute: false };
  assert.deepEqual(kinds(planAttach(EMPTY, wish)), [
    "createPair",
    "readyPort",
    "guestSysctls",
    "guestUp",
  ]);
});

Deno.test("planAttach() replaces a stale interface and passes over one that is taken", () => {
  const [first, second] = ["vethwepl7", "vethweplnx"];
  const stale = { ...EMPTY, names: [{ name: first, state: "stale" as const }] };
  assert.deepEqual(planAttach(stale, WISH).slice(0, 2), [
    { kind: "deletePort", port: first },
    { kind: "createPair", port: first, mtuBytes: 1376 },
  ]);
  const names = [
    { name: first, state: "taken" as const },
    { name: second, state: "free" as const },
  ];
  const [step] = planAttach({ ...EMPTY, names }, WISH);
  assert.deepEqual(step, { kind: "createPair", port: second, mtuBytes: 1376 });
  refuses("foreign-interface", /names "vethwepl7" are taken/, {
    ...EMPTY,
    names: names.slice(0, 1),
  });
});

Deno.test("planAttach() completes what a killed attempt left", () => {
  const port = { ...PORT, masterIndex: 0, ready: false };
  const facts = { ...attached(), port, guest: { ...guest(), up: false, mtuBytes: 1500 } };
  assert.deepEqual(kinds(planAttach(facts, WISH)), [
    "joinBridge",
    "readyPort",
    "guestSysctls",
    "guestMtu",
    "addAddress",
    "guestUp",
    "announce",
  ]);
});

Deno.test("planAttach() moves an interface of ours from another bridge, and no other", () => {
  const moved = { ...attached(A), port: { ...PORT, masterIndex: 11 } };
  assert.deepEqual(kinds(planAttach(moved, WISH)), ["joinBridge", "readyPort"]);
  const theirs = { ...attached(A), port: { ...PORT, name: "veth9", masterIndex: 11 } };
  refuses("foreign-interface", /"ethwe" does not lead to bridge "weft"/, theirs);
  refuses("foreign-interface", /"ethwe"/, { ...attached(A), port: undefined });
});

Deno.test("planAttach() follows the bridge's MTU", () => {
  const steps = planAttach(attached(A), { ...WISH, mtuBytes: 1410 });
  assert.deepEqual(kinds(steps), ["readyPort", "guestMtu"]);
});

Deno.test("planAttach() refuses an address that somebody else holds, whatever its prefix, with the remedy", () => {
  const held = (owner: string): AttachFacts => ({
    ...EMPTY,
    holders: [{ owner: "x", address: B.address }, { owner, address: A.address }],
  });
  refuses(
    "address-in-use",
    /^Cannot attach 10\.1\.0\.5\/24: held by "db"; detach it there first, or choose another address$/,
    held("db"),
  );
  refuses("address-in-use", /hide it first/, held(EXPOSE_ID));
  refuses("address-in-use", /held by/, held("db"), {
    ...WISH,
    addresses: [parseCidr("10.1.0.5/8")],
  });
});

Deno.test("planDetach() takes exactly what is asked for and there, and with the last address the interface", () => {
  const wider = parseCidr("10.1.0.5/16");
  assert.deepEqual(planDetach(guest(A, B), [B, wider]), { removed: [B], deleteInterface: false });
  assert.deepEqual(planDetach(guest(A, B), [B, A, B]), { removed: [B, A], deleteInterface: true });
  assert.deepEqual(planDetach(guest(A), [B]), { removed: [], deleteInterface: false });
  assert.deepEqual(planDetach(guest(), [A]), { removed: [], deleteInterface: true });
  assert.deepEqual(planDetach(undefined, [A]), { removed: [], deleteInterface: false });
});
