import assert from "node:assert/strict";
import { formatEndpoint, parseEndpoint, parseIp } from "../base/mod.ts";
import { inFreshNetns, setAddress, setMtu } from "./_testing.ts";
import { Arena } from "./arena.ts";
import { EPOLL, Epoll } from "./epoll.ts";
import { ERRNO, SysError } from "./errno.ts";
import { pathMtu, type UdpOptions, UdpSocket } from "./udp.ts";

const MIB = 1 << 20;
const SLOTS = 8;

function options(change: Partial<UdpOptions> = {}): UdpOptions {
  return {
    family: 4,
    host: undefined,
    port: 0,
    receiveBufferBytes: 8 * MIB,
    sendBufferBytes: MIB,
    receiveSlots: SLOTS,
    slotBytes: 65536,
    sendSlots: 4,
    endpoints: 4,
    gso: true,
    gro: true,
    ...change,
  };
}

/** Runs a test with two sockets on the loopback; slot 0 of the first one holds the address of the second. */
function withPair(
  fn: (a: UdpSocket, b: UdpSocket, arena: Arena) => void,
  change: Partial<UdpOptions> = {},
): void {
  inFreshNetns(() => {
    using arena = Arena.open(8 * MIB);
    using a = UdpSocket.open(arena, options(change));
    using b = UdpSocket.open(arena, options(change));
    const local = change.family === 6 ? "[::1]" : "127.0.0.1";
    a.setEndpoint(0, parseEndpoint(`${local}:${b.port}`));
    b.setEndpoint(0, parseEndpoint(`${local}:${a.port}`));
    fn(a, b, arena);
  });
}

/** Fills a piece of the arena with a pattern. */
function pattern(arena: Arena, length: number): number {
  const at = arena.alloc(length);
  for (let i = 0; i < length; i++) arena.bytes[at + i] = (i * 7 + (i >> 8)) & 255;
  return at;
}

/** Receives until so many messages came; each as its bytes and segment size. */
function receiveAll(socket: UdpSocket, arena: Arena, bytes: number): [Uint8Array, number][] {
  using epoll = Epoll.open(arena);
  epoll.add(socket.fd, EPOLL.IN, 0);
  const messages: [Uint8Array, number][] = [];
  let sum = 0;
  while (sum < bytes) {
    assert.equal(epoll.wait(1000), 1, `received ${sum} of ${bytes} bytes`);
    const count = socket.receive();
    assert.ok(count > 0, String(count));
    for (let i = 0; i < count; i++) {
      const at = socket.slotOffset(i);
      const message = arena.bytes.slice(at, at + socket.slotLength(i));
      messages.push([message, socket.slotSegment(i)]);
      sum += message.length;
    }
  }
  return messages;
}

for (const family of [4, 6] as const) {
  Deno.test(`UdpSocket sends and receives single datagrams over IPv${family}`, () => {
    withPair((a, b, arena) => {
      assert.equal(b.receive(), -ERRNO.EAGAIN);
      const at = pattern(arena, 100);
      // Several rounds: the kernel overwrites the headers each time.
      for (let round = 0; round < 3 * SLOTS; round++) {
        a.prepare(0, 0, at, 100, 0);
        assert.equal(a.send(0, 1), 1);
        assert.deepEqual(receiveAll(b, arena, 100), [[arena.bytes.slice(at, at + 100), 100]]);
        assert.ok(b.sourceIs(0, 0));
        assert.ok(!b.slotTruncated(0));
        const local = family === 4 ? "127.0.0.1" : "[::1]";
        assert.equal(formatEndpoint(b.source(0)), `${local}:${a.port}`);
      }
    }, { family });
  });

  Deno.test(`UdpSocket.sourceIs() compares address and port over IPv${family}`, () => {
    withPair((a, b, arena) => {
      const local = family === 4 ? "127.0.0.1" : "[::1]";
      const other = family === 4 ? "127.0.0.2" : "[::2]";
      b.setEndpoint(1, parseEndpoint(`${local}:${a.port ^ 1}`));
      b.setEndpoint(2, parseEndpoint(`${other}:${a.port}`));
      a.prepare(0, 0, pattern(arena, 10), 10, 0);
      assert.equal(a.send(0, 1), 1);
      receiveAll(b, arena, 10);
      assert.deepEqual([0, 1, 2].map((slot) => b.sourceIs(0, slot)), [true, false, false]);
    }, { family });
  });

  Deno.test(`UdpSocket passes a train whole to a receiver that wants trains over IPv${family}`, () => {
    withPair((a, b, arena) => {
      assert.ok(a.gso && b.gro);
      const at = pattern(arena, 3300);
      a.prepare(0, 0, at, 3300, 1000);
      assert.equal(a.send(0, 1), 1);
      assert.deepEqual(receiveAll(b, arena, 3300), [[arena.bytes.slice(at, at + 3300), 1000]]);
      // A lone datagram after a train carries no control message.
      a.prepare(0, 0, at, 500, 500);
      assert.equal(a.send(0, 1), 1);
      assert.deepEqual(receiveAll(b, arena, 500), [[arena.bytes.slice(at, at + 500), 500]]);
    }, { family });
  });
}

Deno.test("UdpSocket cuts a train for a receiver that does not want trains", () => {
  withPair((a, b, arena) => {
    assert.ok(!b.gro);
    const at = pattern(arena, 2500);
    a.prepare(0, 0, at, 2500, 1000);
    assert.equal(a.send(0, 1), 1);
    const messages = receiveAll(b, arena, 2500);
    const expected = [[at, 1000], [at + 1000, 1000], [at + 2000, 500]] as const;
    assert.deepEqual(messages, expected.map(([o, n]) => [arena.bytes.slice(o, o + n), n]));
  }, { gro: false, slotBytes: 2048 });
});

Deno.test("UdpSocket.send() sends a batch from any first message on", () => {
  withPair((a, b, arena) => {
    const at = pattern(arena, 400);
    for (let i = 0; i < 4; i++) a.prepare(i, 0, at + i * 100, 100 - i, 0);
    assert.equal(a.send(1, 3), 3);
    const messages = receiveAll(b, arena, 99 + 98 + 97);
    assert.deepEqual(messages.map(([bytes]) => bytes.length), [99, 98, 97]);
    assert.deepEqual(messages[0]?.[0], arena.bytes.slice(at + 100, at + 199));
  });
});

Deno.test("UdpSocket.receive() takes no more than its slots and leaves the rest", () => {
  withPair((a, b, arena) => {
    const at = pattern(arena, 10);
    for (let i = 0; i < SLOTS + 2; i++) {
      a.prepare(0, 0, at, 10, 0);
      assert.equal(a.send(0, 1), 1);
    }
    assert.equal(b.receive(), SLOTS);
    assert.equal(b.receive(), 2);
    assert.equal(b.receive(), -ERRNO.EAGAIN);
  });
});

Deno.test("UdpSocket.receive() leaves the messages of other slots as they are", () => {
  withPair((a, b, arena) => {
    const at = pattern(arena, 100);
    for (let i = 0; i < 3; i++) {
      a.prepare(0, 0, at + i * 10, 10 + i, 0);
      assert.equal(a.send(0, 1), 1);
    }
    assert.equal(b.receive(2, 2), 2);
    assert.equal(b.receive(0, 2), 1);
    const got = [2, 3, 0].map((i) => {
      const from = b.slotOffset(i);
      return arena.bytes.slice(from, from + b.slotLength(i));
    });
    const sent = [0, 1, 2].map((i) => arena.bytes.slice(at + i * 10, at + i * 10 + 10 + i));
    assert.deepEqual(got, sent);
    assert.deepEqual([2, 3, 0].map((i) => b.slotSegment(i)), [10, 11, 12]);
  });
});

Deno.test("UdpSocket.slotTruncated() tells of a message that was longer than its slot", () => {
  withPair((a, b, arena) => {
    a.prepare(0, 0, pattern(arena, 300), 300, 0);
    assert.equal(a.send(0, 1), 1);
    const messages = receiveAll(b, arena, 128);
    assert.equal(messages[0]?.[0].length, 128);
    assert.ok(b.slotTruncated(0));
  }, { slotBytes: 128, gro: false });
});

Deno.test("UdpSocket.setDontFragment() has the kernel refuse what exceeds the MTU, and readError() tells it", () => {
  withPair((a, b, arena) => {
    setMtu("lo", 1500);
    const at = pattern(arena, 3000);
    a.prepare(0, 0, at, 3000, 0);
    assert.equal(a.send(0, 1), 1);
    assert.equal(receiveAll(b, arena, 3000).length, 1);
    a.setDontFragment(true);
    a.setDontFragment(true);
    assert.equal(a.send(0, 1), -ERRNO.EMSGSIZE);
    const report = a.readError();
    assert.equal(report?.errno, ERRNO.EMSGSIZE);
    assert.equal(report?.mtuBytes, 1500);
    assert.equal(report && formatEndpoint(report.endpoint).split(":")[0], "127.0.0.1");
    assert.equal(a.readError(), undefined);
    a.setDontFragment(false);
    assert.equal(a.send(0, 1), 1);
  });
});

Deno.test("UdpSocket.readError() tells the MTU over IPv6", () => {
  withPair((a, _b, arena) => {
    setMtu("lo", 1400);
    a.setDontFragment(true);
    a.prepare(0, 0, pattern(arena, 2000), 2000, 0);
    assert.equal(a.send(0, 1), -ERRNO.EMSGSIZE);
    const report = a.readError();
    assert.deepEqual([report?.errno, report?.mtuBytes], [ERRNO.EMSGSIZE, 1400]);
    assert.deepEqual(report?.endpoint.ip, parseIp("::1"));
  }, { family: 6 });
});

Deno.test("UdpSocket.readError() tells of a closed port, which also wakes epoll", () => {
  withPair((a, _b, arena) => {
    using epoll = Epoll.open(arena);
    epoll.add(a.fd, EPOLL.IN, 0);
    a.setEndpoint(1, parseEndpoint("127.0.0.1:9"));
    a.prepare(0, 1, pattern(arena, 10), 10, 0);
    assert.equal(a.send(0, 1), 1);
    assert.equal(epoll.wait(1000), 1);
    assert.ok((epoll.events(0) & EPOLL.ERR) !== 0);
    const report = a.readError();
    assert.deepEqual([report?.errno, report?.mtuBytes], [ERRNO.ECONNREFUSED, 0]);
    assert.equal(report && formatEndpoint(report.endpoint), "127.0.0.1:9");
    assert.equal(a.receive(), -ERRNO.EAGAIN);
    assert.equal(epoll.wait(0), 0, "the queue is empty");
  });
});

Deno.test("UdpSocket.open() throws EADDRINUSE when the port is taken", () => {
  withPair((a, _b, arena) => {
    assert.throws(() => UdpSocket.open(arena, options({ port: a.port })), (error) => {
      assert.ok(error instanceof SysError);
      assert.equal(error.code, "EADDRINUSE");
      assert.match(error.message, new RegExp(`bind UDP port ${a.port} .*another program`));
      return true;
    });
    // IPv6 sockets do not take IPv4: the number is free there.
    using _six = UdpSocket.open(arena, options({ family: 6, port: a.port, receiveSlots: 1 }));
  });
});

Deno.test("UdpSocket.open() binds to one address, and throws EADDRNOTAVAIL for a foreign one", () => {
  inFreshNetns(() => {
    using arena = Arena.open(8 * MIB);
    setAddress("lo", [10, 1, 2, 3]);
    const slots = { receiveSlots: 1 };
    using bound = UdpSocket.open(arena, options({ host: parseIp("10.1.2.3"), ...slots }));
    using other = UdpSocket.open(arena, options(slots));
    bound.setEndpoint(0, parseEndpoint(`10.1.2.3:${other.port}`));
    bound.prepare(0, 0, pattern(arena, 10), 10, 0);
    assert.equal(bound.send(0, 1), 1);
    receiveAll(other, arena, 10);
    assert.equal(formatEndpoint(other.source(0)), `10.1.2.3:${bound.port}`);
    const foreign = options({ host: parseIp("192.0.2.1"), ...slots });
    assert.throws(() => UdpSocket.open(arena, foreign), /EADDRNOTAVAIL/);
  });
});

Deno.test("UdpSocket.setEndpoint() throws EAFNOSUPPORT for an address of the other family", () => {
  withPair((a) => {
    assert.throws(() => a.setEndpoint(1, parseEndpoint("[2001:db8::1]:1")), /EAFNOSUPPORT/);
  });
  withPair((a) => {
    assert.throws(() => a.setEndpoint(1, parseEndpoint("10.0.0.1:1")), /EAFNOSUPPORT/);
  }, { family: 6 });
});

Deno.test("UdpSocket reports its buffers and what was dropped when they were full", () => {
  withPair((a, b, arena) => {
    assert.equal(b.receiveBufferBytes, 8192);
    assert.equal(b.receiveDrops(), 0);
    const at = pattern(arena, 4000);
    for (let i = 0; i < 20; i++) {
      a.prepare(0, 0, at, 4000, 0);
      assert.equal(a.send(0, 1), 1);
    }
    assert.ok(b.receiveDrops() > 0);
  }, { receiveBufferBytes: 8192 });
});

Deno.test("pathMtu() tells the MTU of the route, and undefined without one", () => {
  inFreshNetns(() => {
    setMtu("lo", 1320);
    assert.equal(pathMtu(parseEndpoint("127.0.0.1:1")), 1320);
    assert.equal(pathMtu(parseEndpoint("[::1]:1")), 1320);
    assert.equal(pathMtu(parseEndpoint("192.0.2.1:1")), undefined);
  });
});

Deno.test("UdpSocket.join() receives and sends on a socket that the runtime has bound", async () => {
  using runtimes = closing(
    Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 }),
  );
  const { port } = runtimes.socket.addr as Deno.NetAddr;
  using arena = Arena.open(8 * MIB);
  const host = parseIp("127.0.0.1");
  using joined = UdpSocket.join(arena, options({ host, port, gso: false, gro: false }));
  using other = UdpSocket.open(arena, options({ host }));
  other.setEndpoint(0, parseEndpoint(`127.0.0.1:${port}`));
  const at = pattern(arena, 100);
  other.prepare(0, 0, at, 100, 0);
  assert.equal(other.send(0, 1), 1);
  const [[message] = []] = receiveAll(joined, arena, 100);
  assert.deepEqual(message, arena.bytes.slice(at, at + 100));
  // Back to whence it came.
  joined.setEndpointToSource(1, 0);
  joined.prepare(0, 1, at, 50, 0);
  assert.equal(joined.send(0, 1), 1);
  receiveAll(other, arena, 50);
  assert.equal(formatEndpoint(other.source(0)), `127.0.0.1:${port}`);
  // The runtime's half has the queue as well.
  assert.equal(other.send(0, 1), 1);
  const [bytes] = await runtimes.socket.receive(new Uint8Array(200));
  assert.equal(bytes.length, 100);
});

Deno.test("UdpSocket.join() fails where no such socket is bound", () => {
  using arena = Arena.open(8 * MIB);
  const host = parseIp("127.0.0.1");
  using other = UdpSocket.open(arena, options({ host }));
  const wrong = options({ host: parseIp("127.0.0.2"), port: other.port });
  assert.throws(() => UdpSocket.join(arena, wrong), (error) => {
    return error instanceof SysError && error.errno === ERRNO.EBADF;
  });
});

function closing(socket: Deno.DatagramConn): Disposable & { socket: Deno.DatagramConn } {
  return { socket, [Symbol.dispose]: () => socket.close() };
}
