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
type Ask = { kind: "arena" } | { kind: "wait"; fd: number };

const HOLD_MS = 100;

self.onmessage = (event: MessageEvent<Ask>): void => {
  if (event.data.kind === "arena") {
    const arena = Arena.open(1 << 20);
    // Both workers hold theirs before either answers.
    setTimeout(() => {
      const { base } = arena;
      arena[Symbol.dispose]();
      self.postMessage(base);
    }, HOLD_MS);
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
