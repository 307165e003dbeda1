import {
  type EventBridgeClient,
  PutEventsCommand,
  type PutEventsRequestEntry,
  type PutEventsResultEntry,
} from "@aws-sdk/client-eventbridge";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { eventSource } from "./env.ts";

export interface EventPublisherOptions {
  readonly client: Pick<EventBridgeClient, "send">;
  readonly eventBus: string;
  /** Calls at the same time, in place of limits.busCalls; 1 sends in the order of the appends. */
  readonly calls?: number | undefined;
  /** In place of limits.queuedEventBytes. */
  readonly queuedBytes?: number | undefined;
}

interface Waiting {
  readonly entry: PutEventsRequestEntry;
  readonly bytes: number;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Sends accounting events to a bus. Events that arrive while calls are under way share the next ones; an answer is
 * given only after those of all earlier events, so that waiting for the last waits for all. What the bus did not take
 * of a call is sent again alone. A call whose answer is lost is repeated by the SDK, so the bus may carry an event
 * twice; both have its id.
 */
export class EventPublisher {
  readonly #options: EventPublisherOptions;
  #queue: Waiting[] = [];
  #queuedBytes = 0;
  #calls = 0;
  #sending: NodeJS.Immediate | undefined;
  /** Ends when everything before has its answer. */
  #answered: Promise<unknown> = Promise.resolve();

  constructor(options: EventPublisherOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the bus has the event.
   * @throws FileError `unavailable`; `invalid-argument` for an event over limits.eventBytes of JSON
   */
  publish(event: AccountingEvent): Promise<void> {
    const detail = JSON.stringify(event);
    const detailBytes = Buffer.byteLength(detail);
    if (detailBytes > limits.eventBytes) throw new FileError("invalid-argument", "the accounting event is too large");
    if (this.#queuedBytes + detailBytes > (this.#options.queuedBytes ?? limits.queuedEventBytes)) {
      throw new FileError("unavailable", "too many accounting events wait for the event bus");
    }
    this.#queuedBytes += detailBytes;
    const waiting: Waiting = {
      entry: this.#entryOf(event, detail),
      // As EventBridge counts: the time, the source and the type beside the content.
      bytes: detailBytes + eventSource.length + event.type.length + countedTimeBytes,
      done: Promise.withResolvers(),
    };
    this.#queue.push(waiting);
    const answer = inTurn(this.#answered, waiting.done.promise).finally(() => {
      this.#queuedBytes -= detailBytes;
    });
    this.#answered = answer.catch(() => {});
    // What is published at the same time shares a call.
    this.#sending ??= setImmediate(() => {
      this.#sending = undefined;
      this.#send();
    });
    return answer;
  }

  #entryOf(event: AccountingEvent, detail: string): PutEventsRequestEntry {
    const { eventBus } = this.#options;
    return { EventBusName: eventBus, Source: eventSource, DetailType: event.type, Detail: detail };
  }

  #send(): void {
    while (this.#queue.length > 0 && this.#calls < (this.#options.calls ?? limits.busCalls)) {
      const batch = this.#nextBatch();
      this.#calls += 1;
      void this.#putAll(batch).finally(() => {
        this.#calls -= 1;
        this.#send();
      });
    }
  }

  #nextBatch(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue.slice(0, limits.busEntries)) {
      bytes += waiting.bytes;
      if (count > 0 && bytes > limits.busRequestBytes) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /** Gives every one of the batch its answer; never throws. */
  async #putAll(batch: readonly Waiting[]): Promise<void> {
    let left = batch;
    const endsAtMs = performance.now() + limits.busLongestMs;
    for (let attempt = 1; left.length > 0; attempt += 1) {
      const { refused, reason } = await this.#put(left);
      left = refused;
      if (left.length === 0) return;
      if (attempt === limits.busTries || performance.now() >= endsAtMs) {
        const failure = new FileError("unavailable", "the event bus does not take the accounting event", {
          cause: reason,
        });
        for (const { done } of left) done.reject(failure);
        return;
      }
      await pause(limits.busRetryMs * 2 ** (attempt - 1));
    }
  }

  async #put(batch: readonly Waiting[]): Promise<{ refused: readonly Waiting[]; reason: unknown }> {
    try {
      const Entries = batch.map(({ entry }) => entry);
      const { Entries: results = [] } = await this.#options.client.send(new PutEventsCommand({ Entries }));
      const refused = batch.filter((_, index) => !isTaken(results[index]));
      for (const waiting of batch) if (!refused.includes(waiting)) waiting.done.resolve();
      return { refused, reason: results.find(({ ErrorCode }) => ErrorCode !== undefined) };
    } catch (error) {
      return { refused: batch, reason: error };
    }
  }
}

const countedTimeBytes = 14;

/** Only an id says that the bus has the entry. */
function isTaken(result: PutEventsResultEntry | undefined): boolean {
  return result?.EventId !== undefined && result.ErrorCode === undefined;
}

async function inTurn(before: Promise<unknown>, own: Promise<void>): Promise<void> {
  const [, result] = await Promise.allSettled([before, own]);
  if (result.status === "rejected") throw result.reason;
}

function pause(longestMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, longestMs * (0.5 + Math.random() / 2)));
}
