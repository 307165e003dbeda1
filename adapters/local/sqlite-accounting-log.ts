import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { AccountingLog, EventPage, EventQuery, UnfinishedTransfer } from "../../ports/accounting-log.ts";
import type { EventFeed, PlacedEvent } from "../../ports/event-feed.ts";
import type { EventRow } from "./sqlite-accounting-database.ts";
import type { AccountingRequest, AccountingThreadOptions } from "./sqlite-accounting-worker.ts";
import { DatabaseThread } from "./sqlite-database-thread.ts";
import { cursorBehind, selectionOf } from "./sqlite-event-query.ts";

interface QueuedEvent {
  readonly json: string;
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The accounting record in one SQLite file; its folder has to exist.
 * @throws Error when the file cannot be used, for example because it is damaged; the message is for the operator.
 */
export async function createSqliteAccountingLog({
  file,
}: {
  readonly file: string;
}): Promise<AccountingLog & EventFeed> {
  const writer = accountingThread({ file, readOnly: false });
  try {
    await writer.call({ kind: "open" });
  } catch (error) {
    await writer.close();
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`the accounting log ${file} cannot be used: ${reason}`);
  }
  return new SqliteAccountingLog(writer, accountingThread({ file, readOnly: true }));
}

type AccountingThread = DatabaseThread<AccountingRequest>;

function accountingThread(workerData: AccountingThreadOptions): AccountingThread {
  const workerFile = new URL("./sqlite-accounting-worker.ts", import.meta.url);
  return new DatabaseThread({ workerFile, workerData, name: "the accounting log" });
}

/** One thread writes and one reads, so that a long search does not hold up transfers. */
class SqliteAccountingLog implements AccountingLog, EventFeed {
  readonly #writer: AccountingThread;
  readonly #reader: AccountingThread;
  readonly #listeners = new Set<() => void>();
  #telling: NodeJS.Timeout | undefined;
  #queue: QueuedEvent[] = [];
  #queuedBytes = 0;
  #commits: Promise<void> | undefined;
  #close: Promise<void> | undefined;

  constructor(writer: AccountingThread, reader: AccountingThread) {
    this.#writer = writer;
    this.#reader = reader;
  }

  /** @throws FileError `unavailable`; `invalid-argument` for an event over limits.eventBytes of JSON. */
  async append(event: AccountingEvent): Promise<void> {
    this.#assertOpen();
    const json = JSON.stringify(event);
    const bytes = Buffer.byteLength(json);
    if (bytes > limits.eventBytes) throw new FileError("invalid-argument", "the accounting event is too large");
    if (this.#queuedBytes + bytes > limits.queuedEventBytes) {
      throw new FileError("unavailable", "too many accounting events wait for the disk");
    }
    this.#queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ json, bytes, resolve, reject });
      this.#commits ??= this.#commitQueue();
    });
  }

  async query(query: EventQuery): Promise<EventPage> {
    this.#assertOpen();
    const selection = selectionOf(query);
    const end = await this.end();
    const rows = await this.#reader.call<readonly EventRow[]>({ kind: "select", selection });
    const page = rows.slice(0, selection.limit);
    const cursors = page.map(({ seq }) => cursorBehind(seq, selection.order));
    const cursor = rows.length > page.length ? cursors.at(-1) : undefined;
    const isAscending = selection.order === "asc";
    const seen = Math.max(end, selection.behindSeq ?? 0, page.at(-1)?.seq ?? 0);
    const reached = isAscending ? (cursor ?? cursorBehind(seen, "asc")) : undefined;
    return { events: page.map(({ json }) => eventOf(json)), cursor, cursors, reached };
  }

  async find(eventId: string): Promise<AccountingEvent | undefined> {
    this.#assertOpen();
    const json = await this.#reader.call<string | undefined>({ kind: "find", eventId });
    return json === undefined ? undefined : eventOf(json);
  }

  async unfinishedTransfers(): Promise<readonly UnfinishedTransfer[]> {
    this.#assertOpen();
    const started = await this.#reader.call<readonly string[]>({ kind: "unfinishedTransfers" });
    return started.map((json) => ({ started: eventOf(json) }));
  }

  async unfinishedSessions(): Promise<readonly AccountingEvent[]> {
    this.#assertOpen();
    const started = await this.#reader.call<readonly string[]>({ kind: "unfinishedSessions" });
    return started.map(eventOf);
  }

  async end(): Promise<number> {
    this.#assertOpen();
    return this.#reader.call<number>({ kind: "end" });
  }

  async readBehind(position: number, limit: number): Promise<readonly PlacedEvent[]> {
    this.#assertOpen();
    const rows = await this.#reader.call<readonly EventRow[]>({ kind: "readBehind", position, limit });
    return rows.map(({ seq, json }) => ({ position: seq, event: eventOf(json) }));
  }

  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Everything appended before is on disk when this resolves, or its append has failed. */
  close(): Promise<void> {
    this.#close ??= this.#finish();
    return this.#close;
  }

  async #finish(): Promise<void> {
    await this.#commits;
    clearTimeout(this.#telling);
    await this.#reader.close();
    await this.#writer.close();
  }

  /** What arrives while one transaction is on its way to the disk shares the next. */
  async #commitQueue(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      await this.#commit(batch);
    }
    this.#commits = undefined;
  }

  async #commit(batch: readonly QueuedEvent[]): Promise<void> {
    try {
      await this.#writer.call({ kind: "append", events: batch.map(({ json }) => json) });
      for (const { resolve } of batch) resolve();
      this.#tellListeners();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      for (const { bytes } of batch) this.#queuedBytes -= bytes;
    }
  }

  /** Events come in groups, and looking at one at a time costs listeners more than most are worth. */
  #tellListeners(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      for (const listener of this.#listeners) listener();
    }, limits.appendGatherMs).unref();
  }

  #assertOpen(): void {
    if (this.#close !== undefined) throw new FileError("unavailable", "the accounting log is closed");
  }
}

function eventOf(json: string): AccountingEvent {
  return JSON.parse(json);
}
