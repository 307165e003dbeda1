import { accepts } from "hono/accepts";
import type { ReadEvents } from "../../service/audit/read-events.ts";
import { type Answer, jsonAnswer, toResponse } from "./answer.ts";
import type { SessionWork } from "./in-session.ts";

const ndjson = "application/x-ndjson";

/**
 * `GET /v1/events`: a page as `{events, cursor?}`, or one event a line for who prefers that media type. Either has a
 * Link to the next page (RFC 8288), relative to the request, so that the lines need no envelope.
 */
export function eventsResource(readEvents: ReadEvents): SessionWork {
  return async (session, context) => {
    const { searchParams } = new URL(context.req.url);
    const { events, cursor } = await readEvents(session, searchParams);
    const headers = { vary: "accept", ...(cursor !== undefined && { link: nextLink(searchParams, cursor) }) };
    const prefersLines = accepts(context, {
      header: "Accept",
      supports: ["application/json", ndjson],
      default: "application/json",
    });
    const answer: Answer =
      prefersLines === ndjson
        ? {
            status: 200,
            mediaType: ndjson,
            text: events.map((event) => `${JSON.stringify(event)}\n`).join(""),
            headers,
          }
        : jsonAnswer(200, { events, cursor }, headers);
    return toResponse(answer);
  };
}

function nextLink(parameters: URLSearchParams, cursor: string): string {
  const next = new URLSearchParams(parameters);
  next.set("cursor", cursor);
  return `<?${next}>; rel="next"`;
}
