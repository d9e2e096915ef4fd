import { deepEqual, equal, throws } from "node:assert/strict";
import {
  datagramBalance,
  deviceDrops,
  dropsOf,
  frameBalance,
  type HostCounts,
  isExplained,
  since,
  udpErrors,
} from "./ledger.ts";

function host(router: Record<string, number>, socketDrops = 0): HostCounts {
  return { router, tapQueueDrops: 0, socketDrops };
}

Deno.test("frameBalance() finds a frame that nobody counted", () => {
  const hosts = [
    host({ tapReads: 1_000, dropNoRoute: 2, framesLocal: 3 }),
    host({ tapReads: 3, framesLocal: 990, dropReplayed: 7 }),
  ];
  deepEqual(frameBalance(hosts), { read: 1_003, injected: 993, dropped: 9, missing: 1 });
});

Deno.test("frameBalance() counts a frame once when the kernel does not take it", () => {
  equal(frameBalance([host({ tapReads: 5 }), host({ framesLocal: 5, dropTap: 1 })]).missing, 0);
});

Deno.test("datagramBalance() is explained when all came, or the kernel dropped some", () => {
  const [from, to] = [host({ udpSent: 100 }), { udpReceived: 100 }];
  equal(isExplained(datagramBalance(from, host(to))), true);
  equal(isExplained(datagramBalance(from, host({ udpReceived: 99 }))), false);
  equal(isExplained(datagramBalance(from, host({ udpReceived: 60 }, 1))), true);
  equal(isExplained(datagramBalance(from, host({ udpReceived: 101 }))), false);
});

Deno.test("dropsOf() keeps what is not zero, and drops only", () => {
  const router = since({ dropTap: 1, udpSent: 5 }, { dropTap: 4, udpSent: 9, dropSend: 0 });
  deepEqual(dropsOf(router), { dropTap: 3 });
});

Deno.test("deviceDrops() reads both directions", () => {
  const text = " a: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
  deepEqual(deviceDrops(text, "a"), { rx: 4, tx: 12 });
  throws(() => deviceDrops(text, "b"), /no device "b"/);
});

Deno.test("udpErrors() counts errors and unknown ports", () => {
  const text = `Tcp: InErrs\nTcp: 9
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors
Udp: 100 2 3 50 3 0
UdpLite: InDatagrams
UdpLite: 7
`;
  equal(udpErrors(text), 5);
});
