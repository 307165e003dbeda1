import { z } from "zod";
import type { HeldFile } from "../../core/held-file.ts";
import { limits } from "../../core/limits.ts";
import { nameOf } from "../../core/virtual-path.ts";
import type { QuarantineDesk } from "../../service/scan/quarantine-desk.ts";
import type { Session } from "../../service/session/session.ts";
import { jsonAnswer, toResponse } from "./answer.ts";
import { notModified, sendOpened } from "./file-content.ts";
import { type Operation, type Reply, sessionOperation } from "./operation.ts";
import { queryInteger, text } from "./request-input.ts";

const tags = ["quarantine"];
const parameters = z.object({ id: text(100) });
const mostFiles = limits.quarantinePageEntries;

const quarantinedFile = z
  .object({
    id: z.string().describe("the transferId of the upload, or of what found the file elsewhere"),
    account: z.string().optional().describe("absent where nobody knows whose file it is"),
    path: z.string().describe("where the file belongs"),
    bytes: z.int(),
    sha256: z.string().optional().describe("absent where nobody knows it"),
    heldAt: z.iso.datetime().describe("when the upload was complete"),
    state: z
      .enum(["waiting", "infected", "failed"])
      .describe("failed: there is no verdict, and it is not tried any more"),
    since: z.iso.datetime().describe("of the state"),
    reason: z.string().optional().describe("what was found, or why there is no verdict"),
    repeats: z
      .object({
        count: z.int(),
        id: z.string().describe("the transferId of the last"),
        heldAt: z.iso.datetime().describe("when the last was complete"),
      })
      .optional()
      .describe("later uploads of the same content to the same path, which are not kept once more"),
  })
  .meta({
    id: "QuarantinedFile",
    description: "A file that nobody can read: it waits for the scanner, or is infected.",
  });

/** For those who look after files that were not let through. */
export function quarantineOperations(desk: QuarantineDesk): readonly Operation[] {
  return [
    sessionOperation(listQuarantine, async (_session, { query }) => {
      const { files, next } = await desk.list({
        limit: query.limit ?? limits.quarantinePageDefaultEntries,
        after: query.cursor,
      });
      return toResponse(jsonAnswer(200, { files: files.map(shown), cursor: next }));
    }),
    sessionOperation(readQuarantined, async (_session, { parameters: { id } }) =>
      toResponse(jsonAnswer(200, shown(await desk.find(id)))),
    ),
    sessionOperation(downloadQuarantined, (session, { parameters: { id }, context }) =>
      download(desk, session, id, context.req.raw),
    ),
    sessionOperation(releaseQuarantined, async (session, { parameters: { id } }) => {
      await desk.release(id, session.account?.name ?? "");
      return new Response(null, { status: 204 });
    }),
    sessionOperation(deleteQuarantined, async (session, { parameters: { id } }) => {
      await desk.remove(id, `${session.account?.name} deleted it`);
      return new Response(null, { status: 204 });
    }),
  ];
}

function shown(file: HeldFile): z.output<typeof quarantinedFile> {
  const { transferId, accountName, path, bytes, sha256, heldAt, state, reason, since, repeats } = file;
  const more = {
    ...(accountName !== "" && { account: accountName }),
    ...(sha256 !== "" && { sha256 }),
    since: new Date(since).toISOString(),
    ...(reason !== undefined && { reason }),
    ...(repeats && { repeats: { count: repeats.count, id: repeats.transferId, heldAt: repeats.heldAt } }),
  };
  return { id: transferId, path, bytes, heldAt, state, ...more };
}

/** As a download that no program opens by itself, on record like any other, with the id of the file in quarantine. */
async function download(desk: QuarantineDesk, session: Session, id: string, { headers }: Request): Promise<Reply> {
  const { file, reader } = await desk.open(id);
  const { path, objectKey } = file;
  const quarantine = { quarantined: true, quarantineId: id } as const;
  const begin = () => session.transferOut({ path, objectKey, quarantine }, reader);
  const name = `${nameOf(path)}.quarantined`;
  let reply: Reply | undefined;
  try {
    reply = sendOpened(reader.entry, { name, headers, begin });
    return reply ?? notModified(reader.entry);
  } finally {
    if (!reply) await reader.close();
  }
}

const listQuarantine = {
  method: "GET",
  path: "/v1/quarantine",
  operationId: "listQuarantine",
  scope: "management",
  summary: "Files that wait for the scanner, are infected or could not be scanned, oldest first",
  tags,
  role: "operator",
  query: z.object({
    limit: queryInteger(1, mostFiles).optional().describe(`files on a page, 1 to ${mostFiles}`),
    cursor: text(100).optional().describe("from the page before"),
  }),
  responses: {
    200: {
      description: "the files, and the cursor of the next page if there is one",
      schema: z.object({ files: z.array(quarantinedFile), cursor: z.string().optional() }),
    },
  },
} as const;

const readQuarantined = {
  method: "GET",
  path: "/v1/quarantine/{id}",
  operationId: "readQuarantined",
  scope: "management",
  summary: "One file in quarantine",
  tags,
  role: "operator",
  parameters,
  responses: { 200: { description: "the file", schema: quarantinedFile } },
  problems: [404],
} as const;

const downloadQuarantined = {
  method: "GET",
  path: "/v1/quarantine/{id}/content",
  operationId: "downloadQuarantined",
  scope: "management",
  summary: "The content of a file in quarantine, which may be malware",
  tags,
  role: "operator",
  parameters,
  headers: { Range: "one range of bytes (RFC 9110 §14.2)" },
  responses: {
    200: { description: "the bytes", mediaType: "application/octet-stream" },
    206: { description: "the range that was asked for", mediaType: "application/octet-stream" },
    304: { description: "the client has them already" },
  },
  problems: [404, 412, 413, 416],
} as const;

const releaseQuarantined = {
  method: "POST",
  path: "/v1/quarantine/{id}/release",
  operationId: "releaseQuarantined",
  scope: "management",
  summary: "Let a file through, whatever the scanner says",
  description:
    "It gets to its place, or to the next free name where another file has taken that; dispatch rules see it. " +
    "On AWS 503 says that a large file is on its way: asking again waits for it.",
  tags,
  role: "operator",
  parameters,
  responses: { 204: { description: "it is at its place" } },
  problems: [404, 409],
} as const;

const deleteQuarantined = {
  method: "DELETE",
  path: "/v1/quarantine/{id}",
  operationId: "deleteQuarantined",
  scope: "management",
  summary: "Delete a file in quarantine for good",
  tags,
  role: "operator",
  parameters,
  responses: { 204: { description: "it is gone" } },
  problems: [404],
} as const;
