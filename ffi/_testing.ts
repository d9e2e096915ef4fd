/**
 * Helpers of the system tests: a fresh namespace per test, no descriptor left behind, interfaces set up by ioctl.
 *
 * Importing it opens the libraries, which stay open: within a test the sanitizer would call that a leak.
 *
 * @module
 */

import assert from "node:assert/strict";
import { interfaceRequest } from "./_ifreq.ts";
import { check } from "./errno.ts";
import { Fd, OPEN } from "./fd.ts";
import { IFREQ, SOCKADDR_IN } from "./layout.ts";
import { cipherName, libcrypto } from "./crypto.ts";
import { libgcrypt } from "./gcrypt.ts";
import { libc } from "./libc.ts";
import { createNetns, withNetns } from "./netns.ts";
import { openFileCount } from "./process.ts";

/** `linux/sockios.h` */
const SIOCGIFFLAGS = 0x8913n;
const SIOCSIFFLAGS = 0x8914n;
const SIOCSIFADDR = 0x8916n;
const SIOCSIFMTU = 0x8922n;
const SIOCGIFHWADDR = 0x8927n;
const SIOCGIFINDEX = 0x8933n;
const IFF_UP = 1;
const AF_INET = 2;
const SOCK_DGRAM = 2;

libc();
libcrypto();
libgcrypt();
cipherName();

/** Runs a function and asserts that as many descriptors are open as before. */
export function countingDescriptors(fn: () => void): void {
  const before = openFileCount();
  fn();
  assert.equal(openFileCount(), before, "descriptors were left open");
}

/** Runs a synchronous test in a namespace of its own in which `lo` is up. */
export function inFreshNetns(fn: () => void): void {
  countingDescriptors(() => {
    using namespace = createNetns();
    withNetns(namespace, () => {
      setUp("lo");
      fn();
    });
  });
}

function request(name: string, call: bigint, fill: (view: DataView) => void): DataView {
  const bytes = interfaceRequest(name);
  const view = new DataView(bytes.buffer);
  fill(view);
  const type = SOCK_DGRAM | OPEN.O_CLOEXEC;
  using socket = new Fd(check("socket", libc().socket(AF_INET, type, 0)));
  check(`ioctl ${call.toString(16)} ${name}`, libc().ioctlBuffer(socket.number, call, bytes));
  return view;
}

/** Brings an interface up. */
export function setUp(name: string): void {
  const flags = request(name, SIOCGIFFLAGS, () => {}).getUint16(IFREQ.flags, true);
  request(name, SIOCSIFFLAGS, (view) => view.setUint16(IFREQ.flags, flags | IFF_UP, true));
}

/** Sets the MTU of an interface. */
export function setMtu(name: string, mtuBytes: number): void {
  request(name, SIOCSIFMTU, (view) => view.setInt32(IFREQ.ifindex, mtuBytes, true));
}

/** Gives an interface an IPv4 address; the prefix follows from its class. */
export function setAddress(name: string, ip: readonly number[]): void {
  request(name, SIOCSIFADDR, (view) => {
    view.setUint16(IFREQ.flags, AF_INET, true);
    ip.forEach((byte, i) => view.setUint8(IFREQ.flags + SOCKADDR_IN.addr + i, byte));
  });
}

/** Returns the index of an interface. */
export function indexOf(name: string): number {
  return request(name, SIOCGIFINDEX, () => {}).getInt32(IFREQ.ifindex, true);
}

/** Returns the MAC address of an interface. */
export function macOf(name: string): Uint8Array {
  const view = request(name, SIOCGIFHWADDR, () => {});
  return new Uint8Array(view.buffer, IFREQ.hwaddr + 2, 6);
}

/** Returns an ARP request from a MAC, padded to 60 bytes. */
export function arpRequest(from: readonly number[]): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(60);
  frame.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ...from, 0x08, 0x06], 0);
  frame.set([0, 1, 8, 0, 6, 4, 0, 1, ...from, 10, 9, 9, 1, 0, 0, 0, 0, 0, 0, 10, 9, 9, 2], 14);
  return frame;
}
