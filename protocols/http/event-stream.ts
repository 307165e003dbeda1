import { FileError } from "../../core/errors.ts";
import type { FollowEvents, FollowedEvent, FollowedPage } from "../../service/audit/follow-events.ts";
import type { Session } from "../../service/session/session.ts";
import type { StreamedReply } from "./operation.ts";
import { textStream } from "./text-stream.ts";

export const eventStreamMediaType = "text/event-stream";

/** How long a client waits before it comes back; hardly, where there is more already. */
const retryMs = 5000;
const shortRetryMs = 100;

/**
 * The record as server-sent events (HTML Living Standard §9.2): `data` is the event as JSON, `id` its cursor, with
 * which a client goes on (`Last-Event-ID`). An `id` without `data` says how far the record was looked at: to a client
 * that is no event, and still the place where it goes on. A comment is a heartbeat.
 */
export async function streamEvents(
  followEvents: FollowEvents,
  session: Session,
  request: Request,
): Promise<StreamedReply> {
  const { searchParams } = new URL(request.url);
  const cursor = request.headers.get("last-event-id") ?? searchParams.get("cursor") ?? undefined;
  searchParams.delete("cursor");
  const events = followEvents(session, searchParams, { cursor, gone: abortOf(request.signal) });
  // What is wrong with the request is an error as long as the answer has not begun.
  const first = await events.next();
  return textStream(messages(first.value || nothing, events), eventStreamMediaType);
}

const nothing: FollowedPage = { events: [], position: undefined, hasMore: false };

/** A session that was ended ends the stream; the client learns the reason when it comes again. */
async function* messages(first: FollowedPage, rest: AsyncGenerator<FollowedPage, void>): AsyncGenerator<string, void> {
  try {
    yield `retry: ${first.hasMore ? shortRetryMs : retryMs}\n\n${first.events.map(message).join("")}${placeOf(first)}`;
    for await (const page of rest) {
      yield page.events.length === 0 ? `: nothing new\n${placeOf(page)}` : page.events.map(message).join("");
    }
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
  } finally {
    await rest.return();
  }
}

/** It ends what was begun. */
function placeOf({ position }: FollowedPage): string {
  return position === undefined ? "\n" : `id: ${position}\n\n`;
}

function message({ event, cursor }: FollowedEvent): string {
  return `id: ${cursor}\ndata: ${JSON.stringify(event)}\n\n`;
}

function abortOf(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
