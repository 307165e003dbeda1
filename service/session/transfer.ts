import { limits } from "../../core/limits.ts";
import type { VirtualPath } from "../../core/virtual-path.ts";
import type { Recorder } from "./recorder.ts";
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

/** The record of one file moving: started once, ended once. */
export class TransferRecord {
  readonly transferId: string;
  readonly #recorder: Recorder;
  readonly #services: SessionServices;
  readonly #data: Readonly<Record<string, unknown>>;
  readonly #startedAtMs: number;
  readonly #verb: string;
  #started: Promise<void> | undefined;

  constructor(
    services: SessionServices,
    recorder: Recorder,
    target: Target & { readonly direction: "upload" | "download" },
  ) {
    this.transferId = services.runtime.newId();
    this.#services = services;
    this.#recorder = recorder;
    this.#startedAtMs = services.runtime.now();
    this.#verb = target.direction;
    this.#data = {
      path: target.path,
      objectKey: target.objectKey,
      direction: target.direction,
      transferId: this.transferId,
    };
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
  async completed(result: { bytes: number; sha256?: string; etag?: string }): Promise<void> {
    const data = { ...result, durationMs: this.#durationMs() };
    const record = () => this.#record("transfer.completed", `${this.#verb} of ${this.#data.path} completed`, data);
    try {
      await record();
    } catch (error) {
      const stop = this.#services.runtime.every(limits.recordRetryMs, () => void record().then(stop, () => {}));
      throw error;
    }
  }

  aborted(bytes: number, reason: string): Promise<void> {
    return this.#record("transfer.aborted", `${this.#verb} of ${this.#data.path} aborted: ${reason}`, {
      bytes,
      reason,
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

/** A transfer's events have ids made from its own, so that recovery cannot record an end twice. */
export function transferEventId(transferId: string, type: string): string {
  return `${transferId}.${type.slice("transfer.".length)}`;
}
