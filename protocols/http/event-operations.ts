import { accepts } from "hono/accepts";
import { z } from "zod";
import { eventTypes } from "../../core/accounting-event.ts";
import { limits } from "../../core/limits.ts";
import type { FollowEvents } from "../../service/audit/follow-events.ts";
import type { ReadEvents } from "../../service/audit/read-events.ts";
import type { Session } from "../../service/session/session.ts";
import { jsonAnswer, protectiveHeaders, toResponse } from "./answer.ts";
import { exportEvents } from "./event-export.ts";
import { eventFormats } from "./event-formats.ts";
import { eventStreamMediaType, streamEvents } from "./event-stream.ts";
import type { HttpContext } from "./http-context.ts";
import { type Operation, sessionOperation } from "./operation.ts";

export const accountingEvent = z
  .object({
    id: z.string(),
    type: z.enum(eventTypes),
    time: z.iso.datetime(),
    server: z.string(),
    account: z.object({ name: z.string(), groups: z.array(z.string()) }).optional(),
    session: z.string().optional(),
    protocol: z.enum(["sftp", "ftps", "https", "system"]),
    peer: z.object({ address: z.string(), port: z.int() }).optional(),
    message: z.string(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: "AccountingEvent" });

/** What they may hold is checked by the reader of the record, which serves every protocol. */
const eventQuery = z.object({
  since: z.string().optional().describe("ISO 8601 date or date-time, inclusive"),
  until: z.string().optional().describe("ISO 8601 date or date-time, exclusive"),
  type: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe("a type of event; may be given several times, or hold several with commas between"),
  account: z.string().optional().describe("the account's name"),
  peer: z.string().optional().describe("the client's address"),
  path: z
    .string()
    .optional()
    .describe("exactly this path, or everything below it when it ends in /; * stands for any characters"),
  limit: z.string().optional().describe(`events on a page, 1 to ${limits.eventPageEntries}`),
  cursor: z.string().optional().describe("from the page before"),
  order: z.string().optional().describe("asc: the newest last; desc: the newest first"),
});

export interface EventServices {
  readonly readEvents: ReadEvents;
  readonly followEvents: FollowEvents;
}

export function eventOperations(services: EventServices): readonly Operation[] {
  return [readOperation(services), followOperation(services)];
}

function readOperation({ readEvents }: EventServices): Operation {
  return sessionOperation(
    {
      method: "GET",
      path: "/v1/events",
      operationId: "readEvents",
      scope: "events:read",
      summary: "The accounting record: a page as JSON, or everything as NDJSON or CSV",
      description:
        "JSON comes in pages of `limit` events. NDJSON and CSV (`Accept`, or `format`) come as a stream of all " +
        "events that the parameters select, unless `limit` asks for a page.",
      tags: ["events"],
      role: "auditor",
      query: eventQuery.extend({
        format: z.enum(["json", "ndjson", "csv"]).optional().describe("goes before the Accept field"),
      }),
      responses: {
        200: {
          description: "the events, and the cursor of the next page if there is one, as in the Link header",
          schema: z.object({ events: z.array(accountingEvent), cursor: z.string().optional() }),
          otherMediaTypes: [eventFormats.ndjson.mediaType, eventFormats.csv.mediaType],
        },
      },
    },
    async (session, { context, query }) => {
      const { searchParams } = new URL(context.req.url);
      searchParams.delete("format");
      const format = query.format ?? preferredFormat(context);
      if (format === "json" || searchParams.has("limit")) return eventPage(readEvents, session, searchParams, format);
      if (context.req.method === "HEAD") return emptyAnswer(eventFormats[format].contentType);
      return exportEvents(readEvents, session, searchParams, eventFormats[format]);
    },
  );
}

async function eventPage(
  readEvents: ReadEvents,
  session: Session,
  parameters: URLSearchParams,
  format: "json" | "ndjson" | "csv",
): Promise<Response> {
  const { events, cursor } = await readEvents(session, parameters);
  const headers = { vary: "accept", ...(cursor !== undefined && { link: nextLink(parameters, cursor) }) };
  if (format === "json") return toResponse(jsonAnswer(200, { events, cursor }, headers));
  const { contentType, head, piece } = eventFormats[format];
  return toResponse({ status: 200, mediaType: contentType, text: head + events.map(piece).join(""), headers });
}

function followOperation({ followEvents }: EventServices): Operation {
  return sessionOperation(
    {
      method: "GET",
      path: "/v1/events/stream",
      operationId: "followEvents",
      scope: "events:read",
      summary: "The accounting record as it grows, as server-sent events",
      description:
        "From this moment on, or from `since`, or behind `cursor` or `Last-Event-ID`. `data` is the event as JSON, " +
        "`id` its cursor. The stream ends with the server, and when the account may no longer read the record; " +
        "behind API Gateway with what is there. Come back with `Last-Event-ID` after the time that `retry` says.",
      tags: ["events"],
      role: "auditor",
      query: eventQuery.omit({ until: true, limit: true, order: true }),
      headers: { "Last-Event-ID": "the last `id` that came; goes before `cursor`" },
      responses: { 200: { description: "a stream", mediaType: eventStreamMediaType } },
    },
    async (session, { context }) => {
      if (context.req.method === "HEAD") return emptyAnswer(eventStreamMediaType);
      return streamEvents(followEvents, session, context.req.raw);
    },
  );
}

function emptyAnswer(mediaType: string): Response {
  return new Response(null, { headers: { ...protectiveHeaders, "content-type": mediaType, vary: "accept" } });
}

const mediaTypes = { json: "application/json", ndjson: "application/x-ndjson", csv: "text/csv" } as const;

function preferredFormat(context: HttpContext): "json" | "ndjson" | "csv" {
  const supports = Object.values(mediaTypes);
  const accepted = accepts(context, { header: "Accept", supports: [...supports], default: mediaTypes.json });
  return accepted === mediaTypes.ndjson ? "ndjson" : accepted === mediaTypes.csv ? "csv" : "json";
}

/** To the next page (RFC 8288), relative to the request, so that lines of events need no envelope. */
function nextLink(parameters: URLSearchParams, cursor: string): string {
  const next = new URLSearchParams(parameters);
  next.set("cursor", cursor);
  return `<?${next}>; rel="next"`;
}
