import { equal } from "node:assert/strict";
import fc from "fast-check";
import { buildFrame, type FrameSpec } from "../tests/helpers/frames.ts";
import { isBulk } from "./bulk.ts";
import { GSO_NONE, GSO_TCPV4, GSO_TCPV6, GSO_UDP } from "./virtio.ts";

const FIN_ACK = 0x11;
const SYN = 0x02;
const FAMILIES: readonly Partial<FrameSpec>[] = [
  {},
  { ipv6: true },
  { tags: 2 },
  { tags: 1, ipv6: true },
  { ipOptions: Uint8Array.of(1, 1, 1, 0) },
];

/** Tells what becomes of such a frame in each family. */
function verdicts(spec: Partial<FrameSpec> & { bytes: number }): boolean[] {
  return FAMILIES.map((family) => {
    const payload = new Uint8Array(spec.bytes);
    const frame = buildFrame({ ...family, ...spec, payload });
    return isBulk(new DataView(frame.buffer), 0, frame.length, GSO_NONE);
  });
}

function all(verdict: boolean): boolean[] {
  return FAMILIES.map(() => verdict);
}

function same(actual: readonly boolean[], verdict: boolean): void {
  equal(JSON.stringify(actual), JSON.stringify(all(verdict)));
}

Deno.test("isBulk() takes long TCP segments and bare acknowledgements for bulk", () => {
  same(verdicts({ bytes: 1_300 }), true);
  same(verdicts({ bytes: 580 }), true);
  same(verdicts({ bytes: 0 }), true);
  same(verdicts({ bytes: 0, options: new Uint8Array(32).fill(1) }), true);
  same(verdicts({ bytes: 0, flags: FIN_ACK }), true);
});

Deno.test("isBulk() takes short TCP segments and the begin of a connection for what is waited for", () => {
  same(verdicts({ bytes: 1 }), false);
  same(verdicts({ bytes: 579 }), false);
  same(verdicts({ bytes: 0, flags: SYN }), false);
});

Deno.test("isBulk() takes datagrams of any length for what is waited for", () => {
  for (const bytes of [0, 64, 1_300]) same(verdicts({ bytes, udp: true }), false);
});

Deno.test("isBulk() goes by the kind of a superframe", () => {
  const view = new DataView(new ArrayBuffer(64));
  equal(isBulk(view, 0, 64, GSO_TCPV4), true);
  equal(isBulk(view, 0, 64, GSO_TCPV6), true);
  equal(isBulk(view, 0, 64, GSO_UDP), false);
});

Deno.test("isBulk() does not count Ethernet padding as payload", () => {
  const frame = buildFrame({ payload: new Uint8Array() });
  const padded = new Uint8Array(60);
  padded.set(frame);
  equal(isBulk(new DataView(padded.buffer), 0, padded.length, GSO_NONE), true);
});

Deno.test("isBulk() says something of any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 14, maxLength: 120 }), (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    equal(typeof isBulk(view, 0, bytes.length, GSO_NONE), "boolean");
  }));
});
