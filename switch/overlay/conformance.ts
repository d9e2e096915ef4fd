/**
 * What any overlay must do, whatever its format: a suite of tests over two of them joined in memory.
 *
 * An overlay's test file calls {@link overlayConformance} with a factory. The suite looks only at the interface of
 * `overlay.ts`.
 *
 * @module
 */

import { COUNTERS } from "../contract.ts";
import {
  equal,
  frame,
  holds,
  ipv4,
  mangle,
  sameFrames,
  totalLength,
} from "./conformance_checks.ts";
import {
  type Delivered,
  look,
  Net,
  randomSource,
  type Station,
  type Subject,
} from "./conformance_net.ts";
import { SEND } from "./overlay.ts";

/** Registers a test. */
export type RegisterTest = (name: string, body: () => void) => void;

const KEY = new Uint8Array(32).map((_, i) => i * 7 + 1);
const OTHER_KEY = new Uint8Array(32).map((_, i) => i * 5 + 2);
/** Time enough to become established and to find the path MTU, some loss included. */
const SETTLE_MS = 30_000;
/** Frames that an overlay may add to the path MTU of what it carries. */
const MOST_OVERHEAD_BYTES = 120;
/** Events that may wait at most for one tunnel, whatever came in. */
const MOST_EVENTS = 32;

/** Registers the suite for one overlay. */
export function overlayConformance(subject: Subject, test: RegisterTest): void {
  for (const sealed of [false, true]) {
    const mode = `${subject.name} (${sealed ? "sealed" : "plain"})`;
    const keys = sealed ? { keyA: KEY, keyB: KEY } : {};
    life(subject, mode, keys, test);
    frames(subject, mode, keys, test);
    sizes(subject, mode, keys, test);
    floods(subject, mode, keys, test);
  }
  sealing(subject, test);
}

type Keys = { keyA?: Uint8Array; keyB?: Uint8Array };

function life(subject: Subject, mode: string, keys: Keys, test: RegisterTest): void {
  for (const bKnowsA of [false, true]) {
    const who = bKnowsA ? "both know" : "one knows";
    test(`${mode} becomes established both ways when ${who} the address`, () => {
      const net = new Net(subject);
      const { a, b } = net.join({ ...keys, bKnowsA });
      equal([a.state, b.state], ["pending", "pending"], "states at first");
      net.run(2_000);
      equal([a.state, b.state], ["established", "established"], "states");
      equal(b.remote, net.a.endpoint, "address of A");
    });
  }

  test(`${mode} becomes established over a path that loses a third`, () => {
    const net = new Net(subject, 7);
    Object.assign(net.path, { loss: 0.33, jitterMs: 40, repeat: 0.2 });
    const { a, b } = net.join(keys);
    net.run(SETTLE_MS);
    equal([a.state, b.state], ["established", "established"], "states");
  });

  test(`${mode} stays established while idle and fails after the timeout of silence`, () => {
    const net = new Net(subject);
    const { a, b } = net.join(keys);
    net.run(5 * subject.timeoutMs);
    equal([a.state, b.state], ["established", "established"], "states after idling");
    net.path.loss = 1;
    net.run(subject.timeoutMs + 15_000);
    equal([a.state, b.state], ["failed", "failed"], "states after silence");
    holds(a.reason !== undefined, "a failed tunnel says why");
    holds(a.deadline() === Infinity, "a failed tunnel has nothing to do");
    holds(net.a.send(a, frame(net, 100, 1)) === SEND.DROPPED, "a failed tunnel takes no frames");
  });

  test(`${mode} follows a neighbour to a new address`, () => {
    const net = new Net(subject);
    const { a, b } = net.join(keys);
    net.run(SETTLE_MS);
    net.a.endpoint = { ip: net.a.endpoint.ip, port: 40_001 };
    net.run(SETTLE_MS);
    equal(b.remote, net.a.endpoint, "address of A");
    equal([a.state, b.state], ["established", "established"], "states");
  });

  test(`${mode} gives keys back when tunnels end, whatever their state`, () => {
    const net = new Net(subject);
    for (const forMs of [0, 10, SETTLE_MS, 3 * subject.timeoutMs]) {
      const { a, b } = net.join(keys);
      net.path.loss = forMs > subject.timeoutMs ? 1 : 0;
      net.run(forMs);
      net.a.send(a, frame(net, 100, 1));
      net.tunnels.clear();
      net.a.overlay.close(a);
      net.b.overlay.close(b);
      equal([net.a.keys, net.b.keys], [0, 0], `keys after ${forMs} ms`);
      holds(!net.a.outbox.building, "nothing is under construction");
      equal(net.a.overlay.poll(), undefined, "events of a closed tunnel");
      net.a.take();
      net.b.take();
    }
  });

  test(`${mode} tells each change of state, address, MTU and reason`, () => {
    const net = new Net(subject);
    const { a, b } = net.join(keys);
    const alike = (what: string): void => {
      for (const tunnel of [a, b]) equal(net.told.get(tunnel), look(tunnel), what);
    };
    // Nothing is too large for this path, so that becoming established is the only news.
    net.path.mtuBytes = net.path.kernelMtuBytes = 100_000;
    net.settle();
    equal(net.told.get(a), look(a), "at first");
    net.run(10);
    alike("when established");
    const searches = [[1500, 1400], [1390, 1351], [1340, 1302], [1290, 1253], [
      1240,
      1200,
    ]] as const;
    for (const [kernelMtuBytes, mtuBytes] of searches) {
      Object.assign(net.path, { kernelMtuBytes, mtuBytes });
      net.a.send(a, ipv4(net, Math.min(a.mtuBytes, 3000) + 14, true));
      net.run(SETTLE_MS);
      alike(`after a search for ${mtuBytes}`);
    }
    net.a.endpoint = { ip: net.a.endpoint.ip, port: 40_001 };
    net.run(SETTLE_MS);
    alike("after a move");
    net.path.loss = 1;
    net.run(subject.timeoutMs + 15_000);
    alike("when failed");
  });

  test(`${mode} says nothing about a tunnel that was closed`, () => {
    const net = new Net(subject);
    const { a } = net.join({ ...keys, bKnowsA: true });
    a.tick(net.now);
    net.a.overlay.close(a);
    equal(net.a.overlay.poll(), undefined, "event");
  });

  test(`${mode} never establishes a tunnel of another connection`, () => {
    const net = new Net(subject);
    const { b } = net.join(keys);
    net.b.overlay.close(b);
    const other = net.b.overlay.open({ ...b.spec, connUid: 1n }, 5, net.now);
    net.tunnels.set(net.b, other);
    net.run(SETTLE_MS);
    equal(other.remote, undefined, "address that a foreign heartbeat taught");
    equal(net.tunnel(net.a).state, "pending", "state of A");
  });
}

function frames(subject: Subject, mode: string, keys: Keys, test: RegisterTest): void {
  test(`${mode} carries frames of all sizes in both directions, intact and once`, () => {
    const net = established(subject, keys);
    for (const station of [net.a, net.b]) {
      const tunnel = net.tunnel(station);
      const wanted: Delivered[] = [];
      for (let length = 14; length <= tunnel.mtuBytes + 14; length += length < 80 ? 1 : 37) {
        wanted.push(frame(net, length, length));
      }
      wanted.push(frame(net, tunnel.mtuBytes + 14, 5));
      for (const each of wanted) {
        equal(sendOrFlush(net, station, each), SEND.OK, `send of ${each.bytes.length}`);
      }
      net.run(100);
      const other = station === net.a ? net.b : net.a;
      sameFrames(other.delivered, wanted, true);
    }
    equal(net.a.drops + net.b.drops, 0, "drops");
  });

  test(`${mode} carries frames over a path that reorders${keys.keyA ? " and repeats" : ""}`, () => {
    const net = established(subject, keys);
    net.path.jitterMs = 50;
    net.path.repeat = keys.keyA === undefined ? 0 : 0.5;
    const wanted: Delivered[] = [];
    for (let i = 0; i < 200; i++) {
      const each = frame(net, 20 + Math.floor(net.random() * 1000), i);
      wanted.push(each);
      equal(sendOrFlush(net, net.a, each), SEND.OK, "send");
      net.run(2);
    }
    net.run(100);
    sameFrames(net.b.delivered, wanted, false);
  });

  test(`${mode} leaves origin and destination of a relayed frame alone`, () => {
    const net = established(subject, keys);
    const wanted = [
      [0xffff_ffff_fffe, 0x8000_8000_8000],
      [net.b.name, net.a.name],
      [1, 0xffff_ffff_ffff],
    ].map(([origin = 0, destination = 0], i) => ({
      ...frame(net, 300 + i, i),
      origin,
      destination,
    }));
    for (const each of wanted) equal(sendOrFlush(net, net.a, each), SEND.OK, "send");
    net.run(10);
    sameFrames(net.b.delivered, wanted, true);
  });

  test(`${mode} packs small frames of one turn into few datagrams`, () => {
    const net = established(subject, keys);
    for (let i = 0; i < 10; i++) net.a.send(net.tunnel(net.a), frame(net, 60, i));
    net.tunnel(net.a).flush();
    holds(net.a.take().length < 5, "ten small frames need fewer than five datagrams");
  });

  test(`${mode} takes nothing when the outbox is full, and all after a flush`, () => {
    const net = established(subject, keys);
    const tunnel = net.tunnel(net.a);
    const wanted: Delivered[] = [];
    let fulls = 0;
    for (let i = 0; i < 2_500; i++) {
      const each = frame(net, 1000, i);
      wanted.push(each);
      if (net.a.send(tunnel, each) === SEND.OK) continue;
      fulls++;
      net.settle();
      equal(net.a.send(tunnel, each), SEND.OK, "send after a flush");
    }
    net.run(100);
    holds(fulls > 0, "the outbox was full at least once");
    sameFrames(net.b.delivered, wanted, true);
  });

  test(`${mode} sends nothing before it knows where to`, () => {
    const net = new Net(subject);
    const { b } = net.join(keys);
    equal(net.b.send(b, frame(net, 100, 1)), SEND.DROPPED, "send");
    equal(net.b.counter("dropNoRemote"), 1, "dropNoRemote");
    b.tick(net.now);
    holds(net.b.outbox.empty, "outbox is empty");
  });
}

function sizes(subject: Subject, mode: string, keys: Keys, test: RegisterTest): void {
  test(`${mode} finds the MTU of paths whose size the kernel knows`, () => {
    for (const size of [1280, 1500, 9000]) {
      const net = new Net(subject);
      net.path.mtuBytes = net.path.kernelMtuBytes = size;
      net.join(keys);
      net.run(SETTLE_MS);
      for (const station of [net.a, net.b]) {
        const { mtuBytes } = net.tunnel(station);
        holds(mtuBytes < size && mtuBytes > size - MOST_OVERHEAD_BYTES, `${mtuBytes} over ${size}`);
      }
    }
  });

  test(`${mode} finds the MTU of a path that silently swallows what is too large`, () => {
    const net = new Net(subject);
    net.path.mtuBytes = 1337;
    net.join(keys);
    net.run(SETTLE_MS);
    const { mtuBytes } = net.tunnel(net.a);
    holds(mtuBytes < 1337 && mtuBytes > 1337 - MOST_OVERHEAD_BYTES, `${mtuBytes} over 1337`);
    const full = ipv4(net, mtuBytes + 14, true);
    equal(sendOrFlush(net, net.a, full), SEND.OK, "send of a full frame");
    net.run(10);
    sameFrames(net.b.delivered, [full], true);
  });

  test(`${mode} follows a path that shrinks`, () => {
    const net = established(subject, keys);
    const before = net.tunnel(net.a).mtuBytes;
    net.path.mtuBytes = net.path.kernelMtuBytes = 1300;
    net.a.send(net.tunnel(net.a), ipv4(net, before + 14, true));
    net.run(SETTLE_MS);
    const after = net.tunnel(net.a).mtuBytes;
    holds(after < 1300 && after > 1300 - MOST_OVERHEAD_BYTES, `${after} over 1300`);
    const full = ipv4(net, after + 14, true);
    equal(sendOrFlush(net, net.a, full), SEND.OK, "send of a full frame");
    net.run(10);
    sameFrames(net.b.delivered, [full], true);
  });

  test(`${mode} refuses IPv4 with DF above the MTU and says so unless it is a broadcast`, () => {
    const net = established(subject, keys);
    const tunnel = net.tunnel(net.a);
    const large = ipv4(net, tunnel.mtuBytes + 15, true);
    equal(net.a.send(tunnel, large), SEND.TOO_BIG, "send");
    equal(net.a.send(tunnel, large, true), SEND.DROPPED, "send of a copy of a broadcast");
    equal(net.a.counter("dropTooBig"), 2, "dropTooBig");
    net.run(10);
    equal(net.b.delivered.length, 0, "frames delivered");
  });

  for (const fragments of [true, false]) {
    const path = fragments ? "passes" : "loses";
    test(`${mode} carries IPv4 without DF above the MTU over a path that ${path} fragments`, () => {
      const net = new Net(subject);
      net.path.fragments = fragments;
      net.join(keys);
      net.run(SETTLE_MS);
      const large = ipv4(net, 4014, false);
      equal(sendOrFlush(net, net.a, large), SEND.OK, "send");
      net.run(10);
      const payload = net.b.delivered.reduce((sum, { bytes }) => sum + totalLength(bytes) - 20, 0);
      equal(payload, 4014 - 34, "payload that arrived");
    });
  }
}

function floods(subject: Subject, mode: string, keys: Keys, test: RegisterTest): void {
  test(`${mode} neither throws, sends nor piles up under a flood of garbage`, () => {
    const net = established(subject, keys);
    const random = randomSource(99);
    const samples = [...net.sent];
    const before = net.b.delivered.length;
    for (let i = 0; i < 5_000; i++) {
      const bytes = mangle(samples[i % samples.length]?.bytes ?? new Uint8Array(0), random);
      net.b.receive(
        bytes,
        { ip: net.a.endpoint.ip, port: 1 + Math.floor(random() * 65535) },
        net.now,
      );
    }
    let events = 0;
    while (net.b.overlay.poll() !== undefined) events++;
    holds(events <= MOST_EVENTS, `${events} events wait after a flood`);
    holds(net.b.outbox.waitingBytes === 0, "a datagram is not answered at once");
    if (keys.keyA !== undefined) equal(net.b.delivered.length, before, "frames delivered");
    for (const name of net.b.counters.keys()) holds(COUNTERS.includes(name), name);
  });

  test(`${mode} takes any control message`, () => {
    const net = established(subject, keys);
    const random = randomSource(5);
    const { mtuBytes } = net.tunnel(net.a);
    for (let i = 0; i < 2_000; i++) {
      const body = new Uint8Array(Math.floor(random() * 5)).map(() => random() * 256);
      net.tunnel(net.a).control(Math.floor(random() * 256), body, net.now);
    }
    net.run(SETTLE_MS);
    equal(net.tunnel(net.a).mtuBytes, mtuBytes, "MTU");
    equal(net.tunnel(net.a).state, "established", "state");
    let events = 0;
    while (net.a.overlay.poll() !== undefined) events++;
    equal(events, 0, "events");
  });
}

function sealing(subject: Subject, test: RegisterTest): void {
  const mode = `${subject.name} (sealed)`;

  test(`${mode} never establishes with a wrong key`, () => {
    const net = new Net(subject);
    const { a, b } = net.join({ keyA: KEY, keyB: OTHER_KEY, bKnowsA: true });
    net.run(SETTLE_MS);
    equal([a.state, b.state], ["pending", "pending"], "states");
    holds(net.b.counter("dropBadTag") > 0, "dropBadTag was counted");
  });

  test(`${mode} never takes clear for sealed or sealed for clear`, () => {
    for (const keys of [{ keyA: KEY }, { keyB: KEY }]) {
      const net = new Net(subject);
      const { a, b } = net.join({ ...keys, bKnowsA: true });
      net.run(SETTLE_MS);
      equal([a.state, b.state], ["pending", "pending"], "states");
    }
  });

  test(`${mode} delivers nothing from datagrams that were changed, cut or sent again`, () => {
    const net = established(subject, { keyA: KEY, keyB: KEY });
    net.a.send(net.tunnel(net.a), frame(net, 300, 1));
    net.tunnel(net.a).flush();
    const datagram = net.a.take()[0]?.bytes ?? new Uint8Array(0);
    const deliver = (bytes: Uint8Array): void => {
      net.b.receive(bytes, net.a.endpoint, net.now);
    };
    for (let i = 0; i < datagram.length; i++) {
      const changed = datagram.slice();
      changed[i] = (changed[i] ?? 0) ^ (1 << (i % 8));
      deliver(changed);
      deliver(datagram.slice(0, i));
    }
    equal(net.b.delivered.length, 0, "frames delivered from changed datagrams");
    deliver(datagram);
    equal(net.b.delivered.length, 1, "frames delivered from the true datagram");
    for (const replayed of [datagram, ...net.sent.map(({ bytes }) => bytes)]) deliver(replayed);
    equal(net.b.delivered.length, 1, "frames delivered after replays");
    holds(net.b.counter("dropReplayed") > 0, "dropReplayed was counted");
  });
}

/** Returns two overlays that are established and know their path. */
function established(subject: Subject, keys: Keys): Net {
  const net = new Net(subject);
  const { a, b } = net.join(keys);
  net.run(3_000);
  equal([a.state, b.state], ["established", "established"], "states");
  return net;
}

function sendOrFlush(net: Net, station: Station, each: Delivered): number {
  const tunnel = net.tunnel(station);
  const result = station.send(tunnel, each);
  if (result !== SEND.FULL) return result;
  net.settle();
  return station.send(tunnel, each);
}
