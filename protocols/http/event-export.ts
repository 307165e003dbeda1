import { limits } from "../../core/limits.ts";
import type { ReadEvents } from "../../service/audit/read-events.ts";
import type { Session } from "../../service/session/session.ts";
import type { EventFormat } from "./event-formats.ts";
import type { StreamedReply } from "./operation.ts";
import { textStream } from "./text-stream.ts";

/**
 * Every event that the parameters select, page after page as the client reads, so that the record may be of any size.
 * The first page is read before the answer begins: what is wrong with the parameters is an error.
 */
export async function exportEvents(
  readEvents: ReadEvents,
  session: Session,
  parameters: URLSearchParams,
  format: EventFormat,
): Promise<StreamedReply> {
  const pages = eventPages(readEvents, session, parameters);
  const first = await pages.next();
  return textStream(exportPieces(first, pages, format), format.contentType);
}

type Pages = AsyncGenerator<Awaited<ReturnType<ReadEvents>>["events"], void>;

async function* eventPages(readEvents: ReadEvents, session: Session, parameters: URLSearchParams): Pages {
  const page = new URLSearchParams(parameters);
  page.set("limit", `${limits.eventPageEntries}`);
  for (let isLast = false; !isLast; ) {
    const { events, cursor } = await readEvents(session, page);
    yield events;
    isLast = cursor === undefined;
    page.set("cursor", cursor ?? "");
  }
}

async function* exportPieces(
  first: Awaited<ReturnType<Pages["next"]>>,
  rest: Pages,
  { head, piece }: EventFormat,
): AsyncGenerator<string> {
  yield head + (first.value ?? []).map(piece).join("");
  for await (const events of rest) yield events.map(piece).join("");
}
