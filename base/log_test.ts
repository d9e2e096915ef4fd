import assert from "node:assert/strict";
import { createLogger, type LoggerOptions } from "./log.ts";

function capture(options: Partial<LoggerOptions> = {}): [LoggerOptions, string[]] {
  const lines: string[] = [];
  const now = (): Date => new Date("2026-01-02T03:04:05.678Z");
  return [{ level: "info", write: (line) => lines.push(line), now, ...options }, lines];
}

Deno.test("createLogger() writes time, level, area, message and fields on one line", () => {
  const [options, lines] = capture();
  const log = createLogger("mesh", options);
  log.info("connected", { peer: "02:00:00:00:00:01", count: 3, reason: 'say "no" twice' });
  log.area("dns").warn("two\r\nlines", {});
  log.error("plain");
  assert.deepEqual(lines, [
    '2026-01-02T03:04:05.678Z info mesh connected peer=02:00:00:00:00:01 count=3 reason="say \\"no\\" twice"',
    "2026-01-02T03:04:05.678Z warn dns two lines",
    "2026-01-02T03:04:05.678Z error mesh plain",
  ]);
});

Deno.test("createLogger() quotes values so that one line stays one line", () => {
  const [options, lines] = capture();
  createLogger("a", options).info("m", { reason: "x\ny", error: "", file: "a=b" });
  assert.deepEqual(lines, [
    '2026-01-02T03:04:05.678Z info a m reason="x\\ny" error="" file="a=b"',
  ]);
});

Deno.test("createLogger() writes no control characters, which a peer may have sent", () => {
  const [options, lines] = capture();
  createLogger("a", options).info("m\x1b[2J", { peer: "x\x1b[31m", reason: "\x9b31m\x7f" });
  assert.deepEqual(lines, [
    '2026-01-02T03:04:05.678Z info a m [2J peer="x\\u001b[31m" reason="\\u009b31m\\u007f"',
  ]);
});

Deno.test("createLogger() leaves out lines below its level", () => {
  for (const [level, count] of [["debug", 4], ["info", 3], ["warn", 2], ["error", 1]] as const) {
    const [options, lines] = capture({ level });
    const log = createLogger("a", options);
    log.debug("m");
    log.info("m");
    log.warn("m");
    log.error("m");
    assert.equal(lines.length, count);
  }
});

Deno.test("createLogger() writes one JSON object a line when asked", () => {
  const [options, lines] = capture({ json: true });
  createLogger("mesh", options).info("connected", { count: 3 });
  assert.deepEqual(JSON.parse(lines[0] ?? ""), {
    time: "2026-01-02T03:04:05.678Z",
    level: "info",
    area: "mesh",
    message: "connected",
    count: 3,
  });
});
