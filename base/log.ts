/**
 * Log lines: `time level area message key=value ...`, or one JSON object a line.
 *
 * Only shells log. The writer is passed in; keys are a closed list, so that one word means one thing in all lines.
 * Never log keys, passwords or payloads. What one frame can trigger is a counter, not a line.
 *
 * @module
 */

/** Severity. debug: off the happy path; info: an operator cares; warn: worth waking someone; error: a part stopped. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** All keys that a line may carry. */
export type LogKey =
  | "address"
  | "bridge"
  | "connection"
  | "container"
  | "count"
  | "device"
  | "error"
  | "file"
  | "mtu"
  | "overlay"
  | "peer"
  | "pid"
  | "port"
  | "reason"
  | "remote"
  | "target"
  | "version";

/** The values beside a message. */
export type LogFields = Partial<Record<LogKey, string | number | boolean>>;

/** Writes log lines of one area. */
export interface Logger {
  /** Writes a line at level debug. */
  debug(message: string, fields?: LogFields): void;
  /** Writes a line at level info. */
  info(message: string, fields?: LogFields): void;
  /** Writes a line at level warn. */
  warn(message: string, fields?: LogFields): void;
  /** Writes a line at level error. */
  error(message: string, fields?: LogFields): void;
  /** Returns a logger of another area that shares level and writer. */
  area(name: string): Logger;
}

/** What {@link createLogger} needs. */
export interface LoggerOptions {
  /** Lines below it are not written. */
  readonly level: LogLevel;
  /** Takes one finished line without a line end. */
  readonly write: (line: string) => void;
  /** Returns the time of a line. */
  readonly now: () => Date;
  /** JSON objects instead of text. */
  readonly json?: boolean;
}

const ORDER: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Returns a logger of one area. */
export function createLogger(area: string, options: LoggerOptions): Logger {
  const at = (level: LogLevel) => (message: string, fields: LogFields = {}): void => {
    if (ORDER.indexOf(level) < ORDER.indexOf(options.level)) return;
    const time = options.now().toISOString();
    options.write(
      options.json === true
        ? JSON.stringify({ time, level, area, message, ...fields })
        : formatLine(time, level, area, message, fields),
    );
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    area: (name) => createLogger(name, options),
  };
}

function formatLine(
  time: string,
  level: LogLevel,
  area: string,
  message: string,
  fields: LogFields,
): string {
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${quote(String(value))}`);
  // A message may hold text from a peer: one line stays one line, and tells the terminal nothing.
  return [time, level, area, message.replace(/\p{Cc}+/gu, " "), ...pairs].join(" ");
}

function quote(value: string): string {
  if (/^[^\s"=\p{Cc}]+$/u.test(value)) return value;
  // JSON leaves those from DEL on as they are, of which some begin commands of a terminal.
  return JSON.stringify(value).replace(/\p{Cc}/gu, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}
