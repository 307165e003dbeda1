import { createHash, randomBytes } from "node:crypto";
import type { Log, Runtime, Sha256 } from "../../ports/runtime.ts";

/** The clock, random numbers, timers and digests of Node. */
export function createRuntime({ log }: { readonly log: Log }): Runtime {
  return {
    now: () => Date.now(),
    newId: createIdSource(() => Date.now()),
    random: () => Math.random(),
    sha256,
    every: (intervalMs, action) => every(log, intervalMs, action),
    log,
  };
}

/**
 * Makes UUIDs of version 7 (RFC 9562 §5.7). Each is greater than the one before, also within a millisecond and when
 * `now` steps back: the twelve bits behind the time count on from a random start (RFC 9562 §6.2, method 1).
 */
export function createIdSource(now: () => number): () => string {
  let lastMs = 0;
  let counter = 0;
  return () => {
    const random = randomBytes(10);
    counter += 1;
    const nowMs = now();
    if (nowMs > lastMs || counter > 0xfff) {
      lastMs = Math.max(nowMs, lastMs + 1);
      // Half of the range stays free for counting.
      counter = random.readUInt16BE(0) & 0x7ff;
    }
    const time = lastMs.toString(16).padStart(12, "0");
    const variant = ((random.readUInt16BE(2) & 0x3fff) | 0x8000).toString(16);
    const tail = random.toString("hex", 4);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, "0")}-${variant}-${tail}`;
  };
}

function sha256(): Sha256 {
  const hash = createHash("sha256");
  return {
    update: (chunk) => void hash.update(chunk),
    hex: () => hash.digest("hex"),
  };
}

/** One repetition that fails is logged and does not end the others. */
function every(log: Log, intervalMs: number, action: () => void): () => void {
  const repeat = () => {
    try {
      action();
    } catch (error) {
      log.error("a repeated action failed", { error });
    }
  };
  const timer = setInterval(repeat, intervalMs).unref();
  return () => clearInterval(timer);
}
