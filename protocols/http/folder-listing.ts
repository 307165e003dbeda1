import { z } from "zod";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { isListingPosition } from "../../core/object-key.ts";
import type { Session } from "../../service/session/session.ts";
import { jsonAnswer, toResponse } from "./answer.ts";

export const listedFolder = z
  .object({
    entries: z.array(
      z.object({
        name: z.string(),
        type: z.enum(["file", "directory"]),
        size: z.int().describe("bytes; 0 for a directory"),
        modified: z.iso.datetime(),
      }),
    ),
    next: z.string().optional().describe("pass as `cursor` for the next page; absent on the last"),
  })
  .meta({ id: "Directory" });

export interface PageRequest {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** A page of a folder as JSON, its entries in the order of the store. */
export async function listFolder(session: Session, url: URL, { limit, cursor }: PageRequest): Promise<Response> {
  const after = cursor === undefined ? undefined : positionFrom(cursor);
  const options = { after, limit: limit ?? limits.listingPageEntries };
  const page = await session.listPage(url.searchParams.get("path") ?? "", options);
  const next = page.next === undefined ? undefined : Buffer.from(page.next).toString("base64url");
  const entries = page.entries.map(shown);
  return toResponse(jsonAnswer(200, { entries, next }, next === undefined ? {} : { link: nextLink(url, next) }));
}

function shown({ name, type, size, modifiedAtMs }: Awaited<ReturnType<Session["listPage"]>>["entries"][number]) {
  return { name, type, size, modified: new Date(modifiedAtMs).toISOString() };
}

/** The cursor is where the last name stands, so that it stays good whatever comes and goes. */
function positionFrom(cursor: string): string {
  const position = Buffer.from(cursor, "base64url").toString();
  // What decodes to the same in another way was not written here.
  const isOurs = Buffer.from(position).toString("base64url") === cursor;
  if (isOurs && isListingPosition(position)) return position;
  throw new FileError("invalid-argument", "this cursor is from no page of a listing", { field: "cursor" });
}

function nextLink({ searchParams }: URL, cursor: string): string {
  const next = new URLSearchParams(searchParams);
  next.set("cursor", cursor);
  return `<?${next}>; rel="next"`;
}
