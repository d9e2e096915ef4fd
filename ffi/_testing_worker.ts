/**
 * The worker of the system tests.
 *
 * @module
 */

/// <reference lib="deno.worker" />

import { Arena } from "./arena.ts";
import { EPOLL, Epoll } from "./epoll.ts";
import { drainEventFd } from "./eventfd.ts";
import { libc } from "./libc.ts";

/** What the test asks for. */
type Ask = { kind: "arena" } | { kind: "release" } | { kind: "wait"; fd: number };

let held: Arena | undefined;

self.onmessage = (event: MessageEvent<Ask>): void => {
  if (event.data.kind === "arena") {
    held = Arena.open(1 << 20);
    self.postMessage(held.base);
    return;
  }
  if (event.data.kind === "release") {
    held?.[Symbol.dispose]();
    self.postMessage("released");
    return;
  }
  const { fd } = event.data;
  using arena = Arena.open(1 << 20);
  using epoll = Epoll.open(arena);
  epoll.add(fd, EPOLL.IN, 5);
  self.postMessage("waiting");
  const count = epoll.wait(5000);
  const data = epoll.data(0);
  const signals = drainEventFd(fd, arena, arena.alloc(8));
  self.postMessage({ count, data, signals, again: drainEventFd(fd, arena, arena.alloc(8)) });
  libc().sched_yield();
};
