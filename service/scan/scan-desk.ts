import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import { type HeldFile, type HeldPage, heldFileOf, isHeldUpload } from "../../core/held-file.ts";
import { limits } from "../../core/limits.ts";
import { type FinalVerdict, ScannerDown, type ScanVerdict } from "../../ports/content-scanner.ts";
import type { EventHandler } from "../consume/event-consumer.ts";
import { isLasting, reasonOf, retryDelayMs, WorkBusy } from "../consume/retry.ts";

import { deletionEvent, type OpenedFile, operatorRelease, type QuarantineDesk } from "./quarantine-desk.ts";
import { type ScanServices, scanConsumer, scanEvent } from "./scan-services.ts";
import { askScanner, type ReleaseReason, type Settled, settle, VerdictPending } from "./settlement.ts";

/** A file on its way to a verdict, in this process. */
interface Case {
  readonly file: HeldFile;
  attempts: number;
  /** Tries that found no scanner, one after the other. */
  unreached: number;
  /** Some of the file has got to a scanner that then said nothing: it may be what ended the scanner. */
  wasBegun: boolean;
}

/**
 * Has every held file scanned, some at the same time, each again with growing pauses until there is a verdict. What is
 * to be done is kept in the quarantine, so that a restart goes on with it.
 */
export class ScanDesk implements QuarantineDesk {
  readonly #services: ScanServices;
  readonly #cases = new Map<string, Case>();
  readonly #queue: Case[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #pauses = new Set<() => void>();
  readonly #waiting = new Map<string, Set<(settled: Settled | undefined) => void>>();
  #isStopping = false;

  constructor(services: ScanServices) {
    this.#services = services;
  }

  /** Takes up what an earlier process left, also what that one had given up. */
  async start(): Promise<void> {
    for await (const file of this.#services.quarantine.load()) if (file.state !== "infected") this.#enqueue(file);
  }

  /** Ends what is under way; the rest waits for the next start. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const cancel of this.#pauses) cancel();
    for (const transferId of this.#waiting.keys()) this.#tell(transferId, undefined);
    await Promise.all(this.#running);
  }

  /** Brings uploads here that are complete and held: the file is taken up when the event is handled. */
  handler(): EventHandler {
    return {
      name: scanConsumer,
      selects: isHeldUpload,
      handle: async (event) => {
        const file = await this.#hold(event);
        if (file && file.state !== "infected") this.#enqueue(file);
      },
      replay: (event) => this.#again(event),
    };
  }

  /** What became of an upload, when that is known within limits.scanAnswerMs. */
  settled(transferId: string): Promise<Settled | undefined> {
    return new Promise((resolve) => {
      let cancel = () => {};
      const answer = (settled: Settled | undefined) => {
        cancel();
        waiting.delete(answer);
        if (waiting.size === 0) this.#waiting.delete(transferId);
        resolve(settled);
      };
      const waiting = this.#waiting.get(transferId) ?? new Set();
      this.#waiting.set(transferId, waiting.add(answer));
      cancel = this.#services.runtime.every(limits.scanAnswerMs, () => answer(undefined));
    });
  }

  /** The verdict of a scanner that answers later. Harmless for a file that has its end. @throws as the stores. */
  async answer(transferId: string, verdict: FinalVerdict): Promise<void> {
    const file = await this.#services.quarantine.find(transferId);
    if (file && file.state !== "infected") await this.#settle(file, async () => verdict);
  }

  async release(transferId: string, by: string): Promise<Settled> {
    const file = await this.find(transferId);
    const reason = operatorRelease(file, by);
    if (file.state !== "infected") return this.#settle(file, async () => reason);
    return settle(this.#services, file, async () => reason, "release");
  }

  async find(transferId: string): Promise<HeldFile> {
    const file = await this.#services.quarantine.find(transferId);
    if (!file) throw new FileError("not-found", "there is no such file in quarantine");
    return file;
  }

  list(page: { readonly limit: number; readonly after?: string | undefined }): Promise<HeldPage> {
    return this.#services.quarantine.list(page);
  }

  async open(transferId: string): Promise<OpenedFile> {
    const file = await this.find(transferId);
    return { file, reader: await this.#services.quarantine.open(transferId) };
  }

  async remove(transferId: string, why: string): Promise<void> {
    const { accounting, quarantine, deadLetters } = this.#services;
    const file = await this.find(transferId);
    await accounting.append(deletionEvent(this.#services, file, why));
    await quarantine.remove(transferId);
    quarantine.leave(file.objectKey, transferId);
    this.#cases.delete(transferId);
    await deadLetters.remove(`${scanConsumer}.${file.event.id}`);
  }

  /** Removes infected files whose time is over. */
  async removeExpired(): Promise<void> {
    const { quarantine, runtime, scanner } = this.#services;
    const days = scanner()?.retentionDays ?? limits.quarantineRetentionDays;
    const before = runtime.now() - days * 24 * 60 * 60 * 1000;
    for await (const file of quarantine.all()) {
      if (file.state !== "infected" || file.since > before) continue;
      await this.remove(file.transferId, `it was kept for ${days} days`);
    }
  }

  /** The record of the file, made where it is missing. Undefined for a file that has left the quarantine. */
  async #hold(event: AccountingEvent): Promise<HeldFile | undefined> {
    const { quarantine, runtime } = this.#services;
    const file = heldFileOf(event, runtime.now());
    const known = await quarantine.find(file.transferId);
    if (!(await quarantine.content(file.transferId))) {
      if (known) await quarantine.remove(file.transferId);
      return undefined;
    }
    if (!known) await quarantine.put(file);
    return known ?? file;
  }

  async #again(event: AccountingEvent): Promise<void> {
    const file = await this.#hold(event);
    if (file && file.state !== "infected") await this.#settle(file, () => askScanner(this.#services, file));
  }

  #enqueue(file: HeldFile): void {
    this.#services.quarantine.reserve(file.objectKey, file.transferId);
    if (this.#cases.has(file.transferId)) return;
    const entry = { file, attempts: 0, unreached: 0, wasBegun: false };
    this.#cases.set(file.transferId, entry);
    this.#queue.push(entry);
    this.#pump();
  }

  #pump(): void {
    while (!this.#isStopping && this.#running.size < limits.scansAtOnce) {
      const next = this.#queue.shift();
      if (!next) return;
      const run = this.#run(next).finally(() => {
        this.#running.delete(run);
        this.#pump();
      });
      this.#running.add(run);
    }
  }

  async #run(entry: Case): Promise<void> {
    const { transferId } = entry.file;
    if (this.#cases.get(transferId) !== entry) return;
    try {
      await this.#settle(entry.file, () => this.#judge(entry));
    } catch (error) {
      await this.#failed(entry, error);
    }
  }

  async #settle(file: HeldFile, judge: () => Promise<ScanVerdict | ReleaseReason>): Promise<Settled> {
    const settled = await settle(this.#services, file, judge);
    this.#cases.delete(file.transferId);
    this.#tell(file.transferId, settled);
    return settled;
  }

  #tell(transferId: string, settled: Settled | undefined): void {
    for (const answer of this.#waiting.get(transferId) ?? []) answer(settled);
  }

  /** Where the configuration says so, what finds no scanner at all is released. */
  async #judge(entry: Case): Promise<ScanVerdict | ReleaseReason> {
    try {
      const verdict = await askScanner(this.#services, entry.file);
      entry.unreached = 0;
      return verdict;
    } catch (error) {
      entry.unreached = error instanceof ScannerDown ? entry.unreached + 1 : 0;
      entry.wasBegun ||= !(error instanceof ScannerDown);
      const isOpen = this.#services.scanner()?.whenDown === "release" && !entry.wasBegun;
      if (!isOpen || entry.unreached < limits.scanReleaseTries) throw error;
      const reason = reasonOf(error);
      return {
        type: "scan.released",
        message: `${entry.file.path} was released without a scan: ${reason}`,
        data: { reason },
      };
    }
  }

  async #failed(entry: Case, error: unknown): Promise<void> {
    const { runtime, retries } = this.#services;
    const { transferId, path } = entry.file;
    if (!(error instanceof WorkBusy)) entry.attempts += 1;
    runtime.log.warn("a file could not be scanned", { transferId, path, attempts: entry.attempts, error: `${error}` });
    const isOver = isLasting(error) || entry.attempts >= retries.tries;
    if (isOver && (await this.#giveUp(entry, error))) return;
    const delayMs = retryDelayMs(retries, entry.attempts, runtime.random());
    this.#later(error instanceof VerdictPending ? limits.scanPendingMs / retries.tries : delayMs, entry);
  }

  #later(delayMs: number, entry: Case): void {
    if (this.#isStopping) return;
    const cancel = this.#services.runtime.every(delayMs, () => {
      cancel();
      this.#pauses.delete(cancel);
      this.#queue.push(entry);
      this.#pump();
    });
    this.#pauses.add(cancel);
  }

  /** The file stays where it is, and somebody has to look. False when that could not be put on record. */
  async #giveUp({ file, attempts }: Case, error: unknown): Promise<boolean> {
    const { accounting, deadLetters, quarantine, runtime } = this.#services;
    const reason = reasonOf(error);
    try {
      await accounting.append(
        scanEvent(this.#services, file, {
          type: "scan.failed",
          suffix: `.${attempts}`,
          message: `${file.path} could not be scanned and stays in quarantine: ${reason}`,
          data: { reason, attempts },
        }),
      );
      await quarantine.put({ ...file, state: "failed", reason, since: runtime.now() });
      const failedAt = new Date(runtime.now()).toISOString();
      const id = `${scanConsumer}.${file.event.id}`;
      await deadLetters.put({ id, consumer: scanConsumer, event: file.event, reason, attempts, failedAt });
    } catch (failure) {
      runtime.log.error("that a file could not be scanned is not on record", { error: `${failure}` });
      return false;
    }
    this.#cases.delete(file.transferId);
    this.#tell(file.transferId, undefined);
    return true;
  }
}
