import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { HeldFile } from "../../core/held-file.ts";
import { limits } from "../../core/limits.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { Claims } from "../../ports/claims.ts";
import type { ContentScanner } from "../../ports/content-scanner.ts";
import type { DeadLetters } from "../../ports/dead-letters.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { RetryPolicy } from "../consume/retry.ts";
import type { Quarantine } from "./quarantine.ts";

/** The scanner of the configuration in force. */
export interface ScannerInForce {
  readonly scanner: ContentScanner;
  /** What happens to files when the scanner cannot be reached: they wait, or are released unscanned. */
  readonly whenDown: "hold" | "release";
  /** How long infected files are kept. */
  readonly retentionDays: number;
}

/** What the dispatch step `scan` stands on, besides what every step does. */
export interface DispatchScanning {
  readonly quarantine: Quarantine;
  /** Undefined when none is configured. */
  readonly scanner: () => ScannerInForce | undefined;
}

/** What scanning stands on. */
export interface ScanServices extends DispatchScanning {
  /** Where files go that are clean. */
  readonly objects: ObjectStore;
  readonly accounting: AccountingLog;
  readonly claims: Claims;
  readonly deadLetters: DeadLetters;
  readonly runtime: Runtime;
  readonly retries: RetryPolicy;
}

export const scanConsumer = "scan";

export const scanRetries: RetryPolicy = {
  tries: limits.scanTries,
  firstDelayMs: limits.scanRetryMs,
  longestDelayMs: limits.scanLongestRetryMs,
};

export interface ScanEventContent {
  readonly type: "scan.clean" | "scan.infected" | "scan.failed" | "scan.released" | "file.deleted";
  /** What tells this event of the file from others of the same type. */
  readonly suffix?: string;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * An event about a held file, of whoever uploaded it. Its id is made from the transfer, so that recording it again
 * changes nothing.
 */
export function scanEvent(
  { runtime }: Pick<ScanServices, "runtime">,
  { event, transferId }: HeldFile,
  { type, suffix = "", message, data = {} }: ScanEventContent,
): AccountingEvent {
  const { quarantined, replacesEtag, durationMs, recovered, ...transfer } = event.data;
  return {
    ...event,
    id: `${transferId}.${type}${suffix}`,
    type,
    time: new Date(runtime.now()).toISOString(),
    message,
    data: { ...transfer, ...data, cause: event.id },
  };
}
