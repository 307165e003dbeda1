import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import type { AccountingLog, EventPage, EventQuery, UnfinishedTransfer } from "../../ports/accounting-log.ts";
import type { AuditIndex } from "./dynamo-audit-index.ts";
import { OpenTransfers, type OpenTransfersOptions } from "./dynamo-open-transfers.ts";
import { EventPublisher, type EventPublisherOptions } from "./eventbridge-publisher.ts";

export interface EventBridgeAccountingLogOptions extends EventPublisherOptions, OpenTransfersOptions {
  /** Where `query` and `find` look; the accounting function fills it. */
  readonly index: Pick<AuditIndex, "query" | "find">;
}

/**
 * The accounting record on AWS. An event is durable when EventBridge has accepted it; the start of a transfer also
 * stands in the table until its end is accepted. `query` and `find` know an event once the accounting function has put
 * it into the audit index, usually within seconds.
 */
export function createEventBridgeAccountingLog(options: EventBridgeAccountingLogOptions): AccountingLog {
  return new EventBridgeAccountingLog(options);
}

class EventBridgeAccountingLog implements AccountingLog {
  readonly #publisher: EventPublisher;
  readonly #transfers: OpenTransfers;
  readonly #index: Pick<AuditIndex, "query" | "find">;
  readonly #appending = new Set<Promise<void>>();
  #close: Promise<unknown> | undefined;

  constructor(options: EventBridgeAccountingLogOptions) {
    this.#publisher = new EventPublisher(options);
    this.#transfers = new OpenTransfers(options);
    this.#index = options.index;
  }

  async append(event: AccountingEvent): Promise<void> {
    this.#assertOpen();
    const appended = this.#append(event);
    this.#appending.add(appended);
    await appended.finally(() => this.#appending.delete(appended));
  }

  async query(query: EventQuery): Promise<EventPage> {
    this.#assertOpen();
    return this.#index.query(query);
  }

  async find(eventId: string): Promise<AccountingEvent | undefined> {
    this.#assertOpen();
    return this.#index.find(eventId);
  }

  async unfinishedTransfers(): Promise<readonly UnfinishedTransfer[]> {
    this.#assertOpen();
    return this.#transfers.unfinished();
  }

  /** Tasks and functions come and go at any time, so that a session without an end may be one of a living task. */
  async unfinishedSessions(): Promise<readonly AccountingEvent[]> {
    return [];
  }

  /** Everything appended before is accepted when this resolves, or its append has failed. */
  async close(): Promise<void> {
    this.#close ??= Promise.allSettled(this.#appending);
    await this.#close;
  }

  async #append(event: AccountingEvent): Promise<void> {
    const { transferId } = event.data;
    const published = this.#publisher.publish(event);
    if (event.type === "transfer.started" && typeof transferId === "string") {
      await this.#begin(event, { transferId, published });
      return;
    }
    await published;
    // Behind the end: a crash in between repeats the end, which has the same id; the other way round would lose it.
    if (isEnd(event) && typeof transferId === "string") await this.#transfers.end(transferId);
  }

  /** The two at once: a start is durable when both are. Whoever hears of a failure puts the end on record. */
  async #begin(
    event: AccountingEvent,
    { transferId, published }: { readonly transferId: string; readonly published: Promise<void> },
  ): Promise<void> {
    const results = await Promise.allSettled([published, this.#transfers.open(event, transferId)]);
    const failure = results.find((result) => result.status === "rejected");
    if (!failure) return;
    throw failure.reason;
  }

  #assertOpen(): void {
    if (this.#close !== undefined) throw new FileError("unavailable", "the accounting log is closed");
  }
}

function isEnd({ type }: AccountingEvent): boolean {
  return type === "transfer.completed" || type === "transfer.aborted";
}
