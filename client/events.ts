import type { ApiClient, Input } from "./api-client.ts";
import { pause } from "./retry.ts";
import type { AccountingEvent } from "./schemas.ts";
import { type ServerSentEvent, serverSentEvents } from "./server-sent-events.ts";

export type EventSelection = Omit<NonNullable<Input<"readEvents">["query"]>, "format" | "cursor">;

/** Every event of the record that is selected, page after page. */
export async function* readEvents(client: ApiClient, selection: EventSelection = {}): AsyncGenerator<AccountingEvent> {
  for (let cursor: string | undefined, isMore = true; isMore; isMore = cursor !== undefined) {
    const query = { ...selection, format: "json" as const, ...(cursor !== undefined && { cursor }) };
    const { body } = await client.call("readEvents", { query });
    if (!("events" in body)) throw new Error("the events are not JSON");
    yield* body.events;
    cursor = body.cursor;
  }
}

export type FollowSelection = Omit<NonNullable<Input<"followEvents">["query"]>, "cursor">;

export interface FollowOptions {
  /** Ends the following; without it, leaving the loop does. */
  readonly signal?: AbortSignal | undefined;
  /** The `position` of an event that came earlier. */
  readonly behind?: string | undefined;
}

export interface PlacedEvent {
  readonly event: AccountingEvent;
  /** Where a program that was restarted goes on. */
  readonly position: string;
}

const defaultRetryMs = 5000;

/**
 * The record as it grows, without an end: from this moment on, or from `since`, or behind an earlier event. Where the
 * answer ends or the connection is lost it comes back, behind the last event that came.
 * @throws ProblemError when the server refuses it; the signal's reason
 */
export async function* followEvents(
  client: ApiClient,
  selection: FollowSelection = {},
  { signal, behind }: FollowOptions = {},
): AsyncGenerator<PlacedEvent, void> {
  let [position, waitMs] = [behind, defaultRetryMs];
  for (;;) {
    for await (const { id, data, retryMs } of nextEvents(client, selection, { signal, behind: position })) {
      waitMs = retryMs ?? waitMs;
      position = id ?? position;
      if (data !== undefined) yield { event: JSON.parse(data), position: position ?? "" };
    }
    await pause(waitMs, signal);
  }
}

/** Of one answer; a connection that is lost ends it as well. */
async function* nextEvents(
  client: ApiClient,
  query: FollowSelection,
  { signal, behind }: FollowOptions,
): AsyncGenerator<ServerSentEvent, void> {
  const headers = behind === undefined ? {} : { "Last-Event-ID": behind };
  try {
    const { body } = await client.call("followEvents", { query, headers }, { signal });
    yield* serverSentEvents(body);
  } catch (error) {
    if (!isLostConnection(error)) throw error;
  }
}

/** `fetch` tells no more than that. */
function isLostConnection(error: unknown): boolean {
  return error instanceof TypeError;
}
