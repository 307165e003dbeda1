import { z } from "zod";
import { limits } from "../../core/limits.ts";
import { nameOf } from "../../core/virtual-path.ts";
import type { HeldFile } from "../../service/scan/held-file.ts";
import type { ScanDesk } from "../../service/scan/scan-desk.ts";
import type { Session } from "../../service/session/session.ts";
import { jsonAnswer, toResponse } from "./answer.ts";
import { attachment } from "./content-disposition.ts";
import { streamOf } from "./file-stream.ts";
import { type Operation, type Reply, sessionOperation } from "./operation.ts";
import { queryInteger, text } from "./request-input.ts";

const tags = ["quarantine"];
const parameters = z.object({ id: text(100) });
const mostFiles = limits.quarantinePageEntries;

const quarantinedFile = z
  .object({
    id: z.string().describe("the transferId of the upload"),
    account: z.string(),
    path: z.string().describe("where the file belongs"),
    bytes: z.int(),
    sha256: z.string(),
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
export function quarantineOperations(desk: ScanDesk): readonly Operation[] {
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
    sessionOperation(downloadQuarantined, (session, { parameters: { id } }) => download(desk, session, id)),
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
    since: new Date(since).toISOString(),
    ...(reason !== undefined && { reason }),
    ...(repeats && { repeats: { count: repeats.count, id: repeats.transferId, heldAt: repeats.heldAt } }),
  };
  return { id: transferId, account: accountName, path, bytes, sha256, heldAt, state, ...more };
}

/** As a download that no program opens by itself, on record like any other, with the id of the file in quarantine. */
async function download(desk: ScanDesk, session: Session, id: string): Promise<Reply> {
  const { file, reader } = await desk.open(id);
  const { path, objectKey, bytes } = file;
  const quarantine = { quarantined: true, quarantineId: id } as const;
  const transfer = session.transferOut({ path, objectKey, quarantine }, reader);
  const { content, finished } = streamOf(transfer, { start: 0, end: bytes });
  const headers = {
    "content-type": "application/octet-stream",
    "content-length": `${bytes}`,
    "content-disposition": attachment(`${nameOf(path)}.quarantined`),
    "x-content-type-options": "nosniff",
  };
  return { response: new Response(content, { status: 200, headers }), finished };
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
  responses: { 200: { description: "the bytes", mediaType: "application/octet-stream" } },
  problems: [404],
} as const;

const releaseQuarantined = {
  method: "POST",
  path: "/v1/quarantine/{id}/release",
  operationId: "releaseQuarantined",
  scope: "management",
  summary: "Let a file through, whatever the scanner says",
  description:
    "It gets to its place, or to the next free name where another file has taken that; dispatch rules see it.",
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
