import type { AccountingEvent } from "../../core/accounting-event.ts";
import { asciiJson } from "../../core/ascii-json.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { AccountingLog, EventPage } from "../../ports/accounting-log.ts";
import type { EventFeed } from "../../ports/event-feed.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { Session } from "../session/session.ts";
import { type EventParameters, parseEventQuery } from "./event-query.ts";

export interface FollowedEvent {
  readonly event: AccountingEvent;
  /** Following goes on behind this event. */
  readonly cursor: string;
}

/** What came next. `position` is the cursor behind all that was looked at, with which following goes on as well. */
export interface FollowedPage {
  readonly events: readonly FollowedEvent[];
  readonly position: string | undefined;
  /** Whether there is more already. */
  readonly hasMore: boolean;
}

export interface FollowOptions {
  /** From an earlier event, or from a page of the record. */
  readonly cursor?: string | undefined;
  /** Ends the stream. */
  readonly gone: Promise<void>;
}

/**
 * The accounting record as it grows, for accounts with the role `auditor`: what is behind the cursor, or from `since`
 * on, or else from this moment on. The first page comes at once; later an empty one says that nothing happened for
 * limits.eventHeartbeatMs. It ends when the server stops, or with the first page where answers have to end.
 * @throws FileError `permission-denied`, on record; `invalid-argument`; `unavailable` once the session has ended
 */
export type FollowEvents = (
  session: Session,
  parameters: EventParameters,
  options: FollowOptions,
) => AsyncGenerator<FollowedPage, void>;

export interface FollowServices {
  readonly accounting: AccountingLog;
  readonly feed: Pick<EventFeed, "onAppend">;
  readonly runtime: Pick<Runtime, "now" | "every">;
  readonly isStopping: () => boolean;
}

const pointless = ["until", "limit", "order", "cursor"];

export function createEventFollower(services: FollowServices): FollowEvents {
  return async function* follow(session, parameters, options) {
    const pages = pageReader(services, parameters, options.cursor);
    const bell = new Bell(services, options.gone);
    try {
      let page = await pages(session);
      yield followed(page);
      while (!services.isStopping() && !bell.isGone) {
        const rung = page.cursor === undefined ? await bell.rung() : "event";
        bell.reset();
        if (bell.isGone) return;
        page = await pages(session);
        if (page.events.length > 0 || rung === "heartbeat") yield followed(page);
      }
    } finally {
      bell.close();
    }
  };
}

/** For servers whose answers have to end and have a size: one page of at most so many bytes of JSON. */
export function createEventGlance(
  services: Pick<FollowServices, "accounting" | "runtime">,
  mostBytes: number,
): FollowEvents {
  return async function* follow(session, parameters, options) {
    const page = followed(await pageReader(services, parameters, options.cursor)(session));
    yield shortened(page, mostBytes);
  };
}

function shortened(page: FollowedPage, mostBytes: number): FollowedPage {
  let bytes = 0;
  const tooMuch = page.events.findIndex(({ event }) => {
    bytes += asciiJson(event).length;
    return bytes > mostBytes;
  });
  // One event is no more than limits.eventBytes.
  const events = tooMuch < 0 ? page.events : page.events.slice(0, Math.max(1, tooMuch));
  if (events.length === page.events.length) return page;
  return { events, position: events.at(-1)?.cursor, hasMore: true };
}

/** Each call answers what came behind the page before. */
function pageReader(
  { accounting, runtime }: Pick<FollowServices, "accounting" | "runtime">,
  parameters: EventParameters,
  cursor: string | undefined,
): (session: Session) => Promise<EventPage> {
  const filter = readFilter(parameters);
  const start = cursor === undefined ? (filter.since ?? isoNow(runtime)) : filter.since;
  let position: { cursor: string | undefined; since: string | undefined } = { cursor, since: start };
  return async (session) => {
    await session.requireRole("auditor", "follow-events");
    const page = await accounting.query({ ...filter, ...position, limit: limits.eventPageEntries });
    if (page.reached !== undefined) position = { cursor: page.reached, since: filter.since };
    return page;
  };
}

function followed({ events, cursors, cursor, reached }: EventPage): FollowedPage {
  const placed = events.map((event, index) => ({ event, cursor: cursors[index] ?? "" }));
  return { events: placed, position: reached, hasMore: cursor !== undefined };
}

function readFilter(parameters: EventParameters) {
  const given = [...parameters];
  const [field] = given.find(([name]) => pointless.includes(name)) ?? [];
  if (field !== undefined) {
    throw new FileError("invalid-argument", `${field} has no meaning for a stream of events`, { field });
  }
  const { since, types, account, peer, path } = parseEventQuery(given);
  return { since, types, account, peer, path };
}

function isoNow({ now }: Pick<Runtime, "now">): string {
  return new Date(now()).toISOString();
}

/** Rings when there may be something new, when there was nothing for a while, and when nobody listens any more. */
class Bell {
  isGone = false;
  #ringing = Promise.withResolvers<"event" | "heartbeat">();
  readonly #stops: readonly (() => void)[];

  constructor({ feed, runtime }: FollowServices, gone: Promise<void>) {
    this.#stops = [
      feed.onAppend(() => this.#ringing.resolve("event")),
      runtime.every(limits.eventHeartbeatMs, () => this.#ringing.resolve("heartbeat")),
    ];
    void gone.then(() => {
      this.isGone = true;
      this.#ringing.resolve("event");
    });
  }

  /** What rings from here on is heard by the next `rung`. */
  reset(): void {
    if (!this.isGone) this.#ringing = Promise.withResolvers();
  }

  rung(): Promise<"event" | "heartbeat"> {
    return this.#ringing.promise;
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }
}
