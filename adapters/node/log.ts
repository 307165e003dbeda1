import type { Writable } from "node:stream";
import type { Log } from "../../ports/runtime.ts";

const levels = ["info", "warn", "error"] as const;

export type LogLevel = (typeof levels)[number];

/**
 * What JSON leaves as it is and some terminals and viewers obey: the remaining control characters, line separators,
 * and the marks that reorder text.
 */
const deceptiveCharacter = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Writes one line of JSON for each entry: `{"time","level","message","fields"}`, fields only where there are any.
 * Entries below `level` are left out. A stream that cannot be written to loses entries and stops nothing.
 */
export function createLog({ stream, level = "info" }: { readonly stream: Writable; readonly level?: LogLevel }): Log {
  stream.on("error", () => {});
  const minimum = levels.indexOf(level);
  const writer = (name: LogLevel): Log["info"] => {
    if (levels.indexOf(name) < minimum) return () => {};
    return (message, fields) => stream.write(logLine(name, message, fields));
  };
  return { info: writer("info"), warn: writer("warn"), error: writer("error") };
}

function logLine(level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> | undefined): string {
  const entry = { time: new Date().toISOString(), level, message, fields };
  return `${jsonOf(entry).replace(deceptiveCharacter, escaped)}\n`;
}

/** A log entry must not fail: what cannot be written as JSON is left out, and said to be. */
function jsonOf(entry: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(entry, plain);
  } catch (error) {
    return JSON.stringify({ ...entry, fields: { unwritable: String(error) } });
  }
}

function plain(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error)
    return { name: value.name, message: value.message, stack: value.stack, cause: value.cause };
  return value;
}

/** The way JSON writes a character by its number; all of them are in the first plane of Unicode. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
