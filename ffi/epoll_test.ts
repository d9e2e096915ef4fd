import assert from "node:assert/strict";
import { countingDescriptors } from "./_testing.ts";
import { Arena } from "./arena.ts";
import { EPOLL, Epoll } from "./epoll.ts";
import { ERRNO, SysError } from "./errno.ts";
import { drainEventFd, EventFd } from "./eventfd.ts";

Deno.test("Epoll.wait() reports what is ready with its number when several are", () => {
  countingDescriptors(() => {
    using arena = Arena.open(65536);
    using epoll = Epoll.open(arena);
    using first = EventFd.open();
    using second = EventFd.open();
    epoll.add(first.fd, EPOLL.IN, 1);
    epoll.add(second.fd, EPOLL.IN, 0xffff_fff0);
    assert.equal(epoll.wait(0), 0);
    first.signal();
    second.signal();
    assert.equal(epoll.wait(1000), 2);
    const seen = [0, 1].map((i) => epoll.data(i)).sort((a, b) => a - b);
    assert.deepEqual(seen, [1, 0xffff_fff0]);
    assert.equal(epoll.events(0), EPOLL.IN);
  });
});

Deno.test("Epoll.modify() and remove() change the set", () => {
  countingDescriptors(() => {
    using arena = Arena.open(65536);
    using epoll = Epoll.open(arena);
    using event = EventFd.open();
    epoll.add(event.fd, EPOLL.IN, 1);
    epoll.modify(event.fd, EPOLL.OUT, 2);
    assert.equal(epoll.wait(0), 1);
    assert.deepEqual([epoll.data(0), epoll.events(0)], [2, EPOLL.OUT]);
    assert.throws(
      () => epoll.add(event.fd, EPOLL.IN, 1),
      (error) => error instanceof SysError && error.errno === ERRNO.EEXIST,
    );
    epoll.remove(event.fd);
    assert.equal(epoll.wait(0), 0);
    assert.throws(() => epoll.remove(event.fd), /ENOENT/);
  });
});

Deno.test("drainEventFd() returns how often it was signalled, then EAGAIN", () => {
  countingDescriptors(() => {
    using arena = Arena.open(65536);
    using event = EventFd.open();
    const at = arena.alloc(8);
    event.signal();
    event.signal();
    assert.equal(drainEventFd(event.fd, arena, at), 2);
    assert.equal(drainEventFd(event.fd, arena, at), -ERRNO.EAGAIN);
  });
});

Deno.test("EventFd.signal() wakes a worker that waits in epoll, and does nothing once closed", async () => {
  const event = EventFd.open();
  const source = new URL("./_testing_worker.ts", import.meta.url);
  const worker = new Worker(source, { type: "module", name: "epoll" });
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.onmessage = (message: MessageEvent<unknown>) => resolve(message.data);
      worker.onerror = (error) => reject(new Error(error.message));
    });
  const waiting = next();
  worker.postMessage({ kind: "wait", fd: event.fd });
  assert.equal(await waiting, "waiting");
  const result = next();
  event.signal();
  assert.deepEqual(await result, { count: 1, data: 5, signals: 1, again: -ERRNO.EAGAIN });
  worker.terminate();
  event[Symbol.dispose]();
  event.signal();
});
