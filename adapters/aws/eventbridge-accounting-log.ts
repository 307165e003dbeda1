import type { AccountingEvent, EventType } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import type { AccountingLog, EventPage, EventQuery, UnfinishedTransfer } from "../../ports/accounting-log.ts";
import type { AuditIndex } from "./dynamo-audit-index.ts";
import { OpenStarts, type OpenStartsOptions, type Span } from "./dynamo-open-starts.ts";
import { EventPublisher, type EventPublisherOptions } from "./eventbridge-publisher.ts";

export interface EventBridgeAccountingLogOptions extends EventPublisherOptions, OpenStartsOptions {
  /** Where `query` and `find` look; the accounting function fills it. */
  readonly index: Pick<AuditIndex, "query" | "find">;
}

/**
 * The accounting record on AWS. An event is durable when EventBridge has accepted it; the start of a transfer or of a
 * session also stands in the table until its end is accepted. `query` and `find` know an event once the accounting
 * function has put it into the audit index, usually within seconds.
 */
export function createEventBridgeAccountingLog(options: EventBridgeAccountingLogOptions): AccountingLog {
  return new EventBridgeAccountingLog(options);
}

class EventBridgeAccountingLog implements AccountingLog {
  readonly #publisher: EventPublisher;
  readonly #starts: OpenStarts;
  readonly #index: Pick<AuditIndex, "query" | "find">;
  readonly #appending = new Set<Promise<void>>();
  #close: Promise<unknown> | undefined;

  constructor(options: EventBridgeAccountingLogOptions) {
    this.#publisher = new EventPublisher(options);
    this.#starts = new OpenStarts(options);
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
    return (await this.#starts.unfinished("transfer")).map((started) => ({ started }));
  }

  async unfinishedSessions(): Promise<readonly AccountingEvent[]> {
    this.#assertOpen();
    return this.#starts.unfinished("session");
  }

  /** Everything appended before is accepted when this resolves, or its append has failed. */
  async close(): Promise<void> {
    this.#close ??= Promise.allSettled(this.#appending);
    await this.#close;
  }

  async #append(event: AccountingEvent): Promise<void> {
    const begun = spanOf(event, starts);
    if (begun) return begun.kind === "session" ? this.#beginSession(event, begun) : this.#beginTransfer(event, begun);
    await this.#publisher.publish(event);
    // Behind the end: a crash in between repeats the end, which has the same id; the other way round would lose it.
    const ended = spanOf(event, ends);
    if (ended) await this.#starts.end(ended);
  }

  /** The two at once: a start is durable when both are. Whoever hears of a failure puts the end on record. */
  async #beginTransfer(event: AccountingEvent, span: Span): Promise<void> {
    const published = this.#publisher.publish(event);
    const results = await Promise.allSettled([published, this.#starts.open(event, span)]);
    const failure = results.find((result) => result.status === "rejected");
    if (!failure) return;
    throw failure.reason;
  }

  /**
   * One behind the other, for no client waits: a crash in between leaves an end to be put on record and no start, never
   * a start that nobody gives an end. A start is on record also where the table fails.
   */
  async #beginSession(event: AccountingEvent, span: Span): Promise<void> {
    const opened = this.#starts.open(event, span);
    await Promise.allSettled([opened]);
    await this.#publisher.publish(event);
    await opened;
  }

  #assertOpen(): void {
    if (this.#close !== undefined) throw new FileError("unavailable", "the accounting log is closed");
  }
}

type SpanKinds = Readonly<Partial<Record<EventType, Span["kind"]>>>;

const starts: SpanKinds = { "transfer.started": "transfer", "session.started": "session" };
const ends: SpanKinds = {
  "transfer.completed": "transfer",
  "transfer.aborted": "transfer",
  "session.ended": "session",
};

/** What the event begins or ends. A session over HTTP is none: with a token it goes on at any other function. */
function spanOf({ type, session, protocol, data }: AccountingEvent, kinds: SpanKinds): Span | undefined {
  const kind = kinds[type];
  if (kind === undefined || (kind === "session" && protocol === "https")) return undefined;
  const id = kind === "session" ? session : data.transferId;
  return typeof id === "string" ? { kind, id } : undefined;
}
