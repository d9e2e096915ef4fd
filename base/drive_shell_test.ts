import assert from "node:assert/strict";
import { drive } from "./drive_shell.ts";
import type { Machine, Millis } from "./machine.ts";

/** Repeats what it hears, and ticks when told to. */
class Echo implements Machine<string, string> {
  readonly times: [string, Millis][] = [];
  at: Millis | undefined;
  #out: string[] = [];
  handle(input: string, now: Millis): void {
    this.times.push([input, now]);
    if (input === "tick") this.at = undefined;
    this.#out.push(`${input}1`, `${input}2`);
  }
  poll(): string | undefined {
    return this.#out.shift();
  }
  deadline(): Millis | undefined {
    return this.at;
  }
}

Deno.test("drive() performs all outputs of an input before the next input", () => {
  const echo = new Echo();
  const performed: string[] = [];
  const driver = drive<string, string>(echo, "tick", (output) => {
    performed.push(output);
    if (output === "a1") driver.feed("b");
  }, () => 5);
  driver.feed("a");
  assert.deepEqual(performed, ["a1", "a2", "b1", "b2"]);
  assert.deepEqual(echo.times, [["a", 5], ["b", 5]]);
  driver.stop();
});

Deno.test("drive() ticks when the deadline is there and keeps one timer", async () => {
  const echo = new Echo();
  const ticked = Promise.withResolvers<void>();
  const driver = drive<string, string>(echo, "tick", (output) => {
    if (output === "tick2") ticked.resolve();
  });
  echo.at = performance.now() + 100_000;
  driver.feed("a");
  echo.at = performance.now() + 1;
  driver.feed("b");
  await ticked.promise;
  assert.deepEqual(echo.times.map(([input]) => input), ["a", "b", "tick"]);
  driver.stop();
});

Deno.test("drive() leaves the timer alone while the deadline stays", () => {
  const echo = new Echo();
  const driver = drive<string, string>(echo, "tick", () => {});
  const plain = globalThis.setTimeout;
  let set = 0;
  globalThis.setTimeout = ((...args: Parameters<typeof plain>) => {
    set++;
    return plain(...args);
  }) as typeof plain;
  try {
    echo.at = performance.now() + 100_000;
    for (const input of ["a", "b", "c"]) driver.feed(input);
    assert.equal(set, 1);
    echo.at++;
    driver.feed("d");
    assert.equal(set, 2);
  } finally {
    globalThis.setTimeout = plain;
    driver.stop();
  }
});

Deno.test("drive() says when an input and all that it caused have been dealt with", () => {
  const seen: string[] = [];
  const effect = (output: string): void => {
    seen.push(output);
    if (output === "a1") driver.feed("b");
  };
  const driver = drive<string, string>(new Echo(), "tick", effect, () => 5, () => seen.push("."));
  driver.feed("a");
  driver.feed("c");
  assert.deepEqual(seen, ["a1", "a2", "b1", "b2", ".", "c1", "c2", "."]);
  driver.stop();
});

Deno.test("drive() does nothing more when it is stopped", () => {
  const echo = new Echo();
  const performed: string[] = [];
  const driver = drive<string, string>(echo, "tick", (output) => {
    performed.push(output);
    driver.feed("late");
    driver.stop();
  });
  echo.at = performance.now() + 1;
  driver.feed("a");
  driver.feed("b");
  // The sanitizer of the test runner would see a timer that is left.
  assert.deepEqual(performed, ["a1", "a2"]);
});
