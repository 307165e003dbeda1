import { limits } from "../../core/limits.ts";
import type { VirtualPath } from "../../core/virtual-path.ts";
import type { Recorder } from "./recorder.ts";
import type { Kept } from "./resumable-uploads.ts";
import type { SessionServices } from "./services.ts";

/** A path that was authorized, and where it lies in the store. */
export interface Target {
  readonly path: VirtualPath;
  readonly objectKey: string;
}

/** What goes on record of a file that gets another path, or a copy at one. */
export function movement(from: Target, to: Target): Readonly<Record<string, unknown>> {
  return { path: to.path, objectKey: to.objectKey, from: from.path, to: to.path };
}

/** What a transfer is about: a file of the store, and where it goes to or comes from where no client asked for it. */
export interface TransferSubject extends Target {
  /** Which way the bytes go, as the store sees it. */
  readonly direction: "upload" | "download";
  /** That of a transfer that is gone on with. */
  readonly transferId?: string | undefined;
  readonly remote?: { readonly destination: string; readonly remotePath: string } | undefined;
  /**
   * Of an upload that nobody can read when it is complete, with the version that it found at its place; or of what an
   * operator reads in quarantine, by its id there.
   */
  readonly quarantine?:
    | { readonly quarantined: true; readonly replacesEtag?: string; readonly quarantineId?: string }
    | undefined;
  /** Of an upload that can be gone on with when it breaks off, and of one that goes on with another. */
  readonly resumption?: Resumption | undefined;
}

export interface Resumption {
  readonly resumable?: true;
  /** The transferId of the one that broke off, and where this one begins. */
  readonly resumes?: string;
  readonly resumedBytes?: number;
}

/** Where a destination has a part in it. */
const verbs = { upload: "pull", download: "push" } as const;

/** The record of one file moving: started once, ended once. */
export class TransferRecord {
  readonly transferId: string;
  readonly #recorder: Recorder;
  readonly #services: Pick<SessionServices, "runtime">;
  readonly #data: Readonly<Record<string, unknown>>;
  readonly #startedAtMs: number;
  readonly #verb: string;
  #started: Promise<void> | undefined;

  constructor(
    services: Pick<SessionServices, "runtime">,
    recorder: Recorder,
    { path, objectKey, direction, transferId, remote, quarantine, resumption }: TransferSubject,
  ) {
    this.transferId = transferId ?? services.runtime.newId();
    this.#services = services;
    this.#recorder = recorder;
    this.#startedAtMs = services.runtime.now();
    this.#verb = remote ? verbs[direction] : direction;
    this.#data = { path, objectKey, direction, transferId: this.transferId, ...remote, ...quarantine, ...resumption };
  }

  /**
   * Puts the start on record. For an upload this comes after the store knows the transferId: recovery takes an upload
   * that was started and is not staged for a published one.
   */
  start(): void {
    this.#started = this.#record("transfer.started", `${this.#verb} of ${this.#data.path} started`, {});
    // Whoever ends the transfer awaits `started`; until then a failure must not count as unhandled.
    this.#started.catch(() => {});
  }

  /** Resolves when the start is durable. */
  async started(): Promise<void> {
    await this.#started;
  }

  /**
   * Where the record fails, it is tried again until it is made: the transfer has ended well, and what waits for its
   * event must not wait for the next start of the server.
   */
  async completed(result: { bytes: number; sha256?: string | undefined; etag?: string }): Promise<void> {
    const data = { ...result, durationMs: this.#durationMs() };
    const record = () => this.#record("transfer.completed", `${this.#verb} of ${this.#data.path} completed`, data);
    try {
      await record();
    } catch (error) {
      const stop = this.#services.runtime.every(limits.recordRetryMs, () => void record().then(stop, () => {}));
      throw error;
    }
  }

  aborted(bytes: number, reason: string, kept?: Kept): Promise<void> {
    return this.#record("transfer.aborted", `${this.#verb} of ${this.#data.path} aborted: ${reason}`, {
      bytes,
      reason,
      ...(kept && keptData(kept)),
      durationMs: this.#durationMs(),
    });
  }

  #durationMs(): number {
    return Math.max(0, this.#services.runtime.now() - this.#startedAtMs);
  }

  #record(
    type: "transfer.started" | "transfer.completed" | "transfer.aborted",
    message: string,
    data: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    return this.#recorder.record({
      type,
      message,
      id: transferEventId(this.transferId, type),
      data: { ...this.#data, ...data },
    });
  }
}

/** As it stands in the record of a transfer's end. */
export function keptData({ keptBytes, keptUntilMs }: Kept): Readonly<Record<string, unknown>> {
  return { keptBytes, keptUntil: new Date(keptUntilMs).toISOString() };
}

/** A transfer's events have ids made from its own, so that recovery cannot record an end twice. */
export function transferEventId(transferId: string, type: string): string {
  return `${transferId}.${type.slice("transfer.".length)}`;
}
