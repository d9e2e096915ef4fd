import { deepEqual, equal, throws } from "node:assert/strict";
import {
  deviceCounters,
  machineCpu,
  pingTimes,
  processStat,
  residentBytes,
  versionIn,
  withoutNames,
} from "./parsers.ts";

const DEVICES = `Inter-|   Receive                            |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs
    lo:       0       0    0    0    0     0          0         0        0       0    0
 ethwe: 1234567     890    0    0    0     0          0         0       11      22    0
`;

Deno.test("deviceCounters() finds a device among others", () => {
  deepEqual(deviceCounters(DEVICES, "ethwe"), { bytes: 1_234_567, packets: 890 });
});

Deno.test("deviceCounters() names the device when it is not there", () => {
  throws(() => deviceCounters(DEVICES, "eth"), /no device "eth"/);
});

Deno.test("machineCpu() counts neither idle time nor steal as busy", () => {
  const text = "cpu  100 10 50 1000 200 5 35 40 60 0\ncpu0 1 2 3 4 5 6 7 8 9 0\n";
  deepEqual(machineCpu(text), { busy: 2, steal: 0.4 });
});

Deno.test("processStat() reads past a name with blanks and brackets", () => {
  const text = "42 (a) b (c)) S 7 42 42 0 -1 4194304 1 2 3 4 150 50 9 9 20 0 1 0 100 0 0";
  deepEqual(processStat(text), { parent: 7, cpu: 2 });
});

Deno.test("residentBytes() reads kilobytes", () => {
  equal(residentBytes("Name:\tx\nVmRSS:\t    2048 kB\nThreads:\t1\n"), 2_097_152);
});

Deno.test("residentBytes() is 0 when a process has no memory of its own", () => {
  equal(residentBytes("Name:\tkthreadd\n"), 0);
});

Deno.test("pingTimes() reads every answer and nothing else", () => {
  const text = `PING 10.2.1.2 (10.2.1.2) 56(84) bytes of data.
64 bytes from 10.2.1.2: icmp_seq=1 ttl=64 time=0.123 ms
64 bytes from 10.2.1.2: icmp_seq=2 ttl=64 time=1.5 ms

--- 10.2.1.2 ping statistics ---
3 packets transmitted, 2 received, 33% packet loss, time 8ms
rtt min/avg/max/mdev = 0.123/0.811/1.500/0.688 ms
`;
  deepEqual(pingTimes(text), [123, 1500]);
});

Deno.test("versionIn() takes the first number that is none of a name", () => {
  const texts = [
    "fastd v22",
    "tinc version 1.0.36 (built Jan 1 2020)",
    "Welcome to n2n v.1.3.2 for unknown",
    "ip utility, iproute2-6.1.0, libbpf 1.1.2",
    "nothing",
  ];
  deepEqual(texts.map(versionIn), ["22", "1.0.36", "1.3.2", "6.1.0", "unknown"]);
});

Deno.test("withoutNames() leaves what says how a link runs", () => {
  const row = "-> 192.0.2.1:6783   established encrypted   sleeve 02:00:5e:00:53:01(A B) mtu=1414";
  equal(withoutNames(row), "established encrypted sleeve mtu=1414");
});
