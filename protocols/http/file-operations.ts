import { accepts } from "hono/accepts";
import { z } from "zod";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { nameOf, parseVirtualPath } from "../../core/virtual-path.ts";
import { removeTree } from "../../service/session/remove-tree.ts";
import type { Session } from "../../service/session/session.ts";
import { jsonAnswer, toResponse } from "./answer.ts";
import { matchesStrongly } from "./conditions.ts";
import { describeFile, sendFile } from "./file-content.ts";
import { sendArchive } from "./folder-archive.ts";
import { listedFolder, listFolder } from "./folder-listing.ts";
import type { HttpContext } from "./http-context.ts";
import { type Operation, type Reply, sessionOperation } from "./operation.ts";
import { receiveFile } from "./receive-file.ts";
import { queryFlag, queryInteger, text } from "./request-input.ts";

const path = text(4 * limits.pathBytes).describe("a virtual path; with a / at the end it means a folder");
const isFolderPath = (rawPath: string) => rawPath.endsWith("/");

export const receipt = z
  .object({
    transferId: z.string(),
    bytes: z.int(),
    sha256: z.string().optional().describe("lower-case hex; absent for parts that went straight to the store"),
    etag: z.string().describe("without quotes"),
  })
  .meta({ id: "Receipt" });

const received = z.union([receipt, z.object({ path: z.string().describe("of the folder, with a / at its end") })]);

const getFile = {
  method: "GET",
  path: "/v1/files",
  operationId: "getFile",
  scope: "files:read",
  summary: "The content of a file, or the entries of a folder",
  description: "A path with a / at its end is a folder: its entries as JSON, or with format=zip all files below it.",
  tags: ["files"],
  query: z.object({
    path,
    limit: queryInteger(1, limits.listingPageEntries).optional().describe("entries of a folder on a page"),
    cursor: text(4 * limits.pathSegmentBytes)
      .optional()
      .describe("`next` of the page before"),
    format: z.enum(["json", "zip"]).optional().describe("of a folder; the Accept field can ask for either, too"),
  }),
  headers: {
    Range: "one range of bytes (RFC 9110 §14.2)",
    "If-Range": "an ETag or a date, for Range",
    "If-Match": "ETags; 412 for another version",
    "If-None-Match": "ETags; 304 for the same version",
    "If-Modified-Since": "304 for a file that is no younger",
    "If-Unmodified-Since": "412 for a file that is younger",
  },
  responses: {
    200: {
      description: "a page of the folder, the content of the file, or the folder as an archive",
      schema: listedFolder,
      otherMediaTypes: ["application/octet-stream", "application/zip"],
    },
    206: { description: "the range that was asked for", mediaType: "application/octet-stream" },
    304: { description: "the client has this version already" },
  },
  problems: [404, 409, 412, 413, 416],
} as const;

async function answerGet(
  session: Session,
  query: z.output<typeof getFile.query>,
  context: HttpContext,
): Promise<Reply> {
  const { raw: request, url } = context.req;
  const isHead = request.method === "HEAD";
  const { path: rawPath, format, ...page } = query;
  if (isFolderPath(rawPath)) {
    if (format !== "zip" && (format === "json" || !prefersZip(context))) return listFolder(session, new URL(url), page);
    refuseGiven(page, "an archive");
    return sendArchive(session, rawPath, { isHead });
  }
  refuseGiven({ format, ...page }, "a file");
  return isHead ? describeFile(session, rawPath, request) : sendFile(session, rawPath, request);
}

function prefersZip(context: HttpContext): boolean {
  const supports = ["application/json", "application/zip"];
  return accepts(context, { header: "Accept", supports, default: "application/json" }) === "application/zip";
}

/** A parameter that has no meaning here would be a wish that is not granted. */
function refuseGiven(parameters: Readonly<Record<string, unknown>>, subject: string): void {
  const field = Object.keys(parameters).find((name) => parameters[name] !== undefined);
  if (field === undefined) return;
  throw new FileError("invalid-argument", `${field} has no meaning for ${subject}`, { field });
}

const putFile = {
  method: "PUT",
  path: "/v1/files",
  operationId: "putFile",
  scope: "files:write",
  summary: "Upload a file, or make a folder",
  description: "A path with a / at its end makes a folder. Nothing of a file is visible before the answer.",
  tags: ["files"],
  query: z.object({ path }),
  body: "stream",
  headers: {
    "If-None-Match": "* refuses to replace a file (412)",
    "If-Match": "the ETag of the one version to replace (412)",
    "Content-Digest": "sha-256=:BASE64: of the content (RFC 9530); another content is not published (422)",
    "x-amz-checksum-sha256": "the same in base64",
  },
  responses: {
    201: { description: "the file is published, and this is its receipt; or the folder is made", schema: received },
  },
  problems: [404, 408, 409, 412, 413, 415, 422, 507],
} as const;

async function answerPut(session: Session, rawPath: string, context: HttpContext): Promise<Response> {
  if (isFolderPath(rawPath)) {
    refuseContent(context.req.raw.headers);
    await session.makeDirectory(rawPath);
    return toResponse(jsonAnswer(201, { path: `${parseVirtualPath(rawPath)}/` }));
  }
  const answer = await receiveFile(session, rawPath, context.req.raw);
  return toResponse(jsonAnswer(201, answer, { etag: `"${answer.etag}"` }));
}

function refuseContent(headers: Headers): void {
  if ((headers.get("content-length") ?? "0") === "0" && !headers.has("transfer-encoding")) return;
  throw new FileError("invalid-argument", "a folder has no content; a file's path has no / at its end");
}

const deleteFile = {
  method: "DELETE",
  path: "/v1/files",
  operationId: "deleteFile",
  scope: "files:write",
  summary: "Delete a file, or a folder",
  description: "A path with a / at its end is a folder, which is to be empty unless recursive=true.",
  tags: ["files"],
  query: z.object({ path, recursive: queryFlag().optional().describe("with everything below a folder") }),
  headers: { "If-Match": "the ETag of the version to delete (412)" },
  responses: { 204: { description: "it is gone" } },
  problems: [404, 409, 412],
} as const;

async function answerDelete(session: Session, query: z.output<typeof deleteFile.query>, request: Request) {
  const { path: rawPath, recursive } = query;
  if (isFolderPath(rawPath)) {
    await (recursive ? removeTree(session, rawPath) : session.removeDirectory(rawPath));
  } else {
    refuseGiven({ recursive }, "a file");
    await assertVersion(session, rawPath, request.headers.get("if-match"));
    await session.removeFile(rawPath);
  }
  return new Response(null, { status: 204 });
}

/** Looked at just before the deletion: what changes in between is deleted all the same. */
async function assertVersion(session: Session, rawPath: string, ifMatch: string | null): Promise<void> {
  if (ifMatch === null) return;
  const { etag } = await session.stat(rawPath);
  if (!matchesStrongly(ifMatch, etag)) throw new FileError("precondition-failed", "the file is another version");
}

const moveFile = {
  method: "POST",
  path: "/v1/operations",
  operationId: "moveFile",
  scope: "files:write",
  summary: "Rename or copy inside the store",
  description:
    "A rename takes a file or a whole folder, a copy one file. With a / at the end of `to`, the name is kept.",
  tags: ["files"],
  body: z.strictObject({
    op: z.enum(["rename", "copy"]),
    from: path,
    to: path,
    overwrite: z.boolean().optional().describe("replace a file at `to`; 409 without"),
  }),
  responses: {
    200: {
      description: "it is done; bytes and etag are those of a copy",
      schema: z.object({
        op: z.enum(["rename", "copy"]),
        from: z.string(),
        to: z.string(),
        bytes: z.int().optional(),
        etag: z.string().optional(),
      }),
    },
  },
  problems: [404, 409, 413, 415],
} as const;

async function answerMove(session: Session, body: z.output<typeof moveFile.body>): Promise<Response> {
  const { op, from, overwrite = false } = body;
  if (op === "copy" && isFolderPath(from)) {
    throw new FileError("invalid-argument", "a copy takes one file", { field: "from" });
  }
  // As in dispatch rules: what goes to a folder keeps its name there.
  const to = isFolderPath(body.to) && !isFolderPath(from) ? `${body.to}${nameOf(parseVirtualPath(from))}` : body.to;
  if (op === "rename") {
    await session.rename(from, to, { overwrite });
    return toResponse(jsonAnswer(200, { op, from, to }));
  }
  const { size, etag } = await session.copy(from, to, { overwrite });
  return toResponse(jsonAnswer(200, { op, from, to, bytes: size, etag }));
}

export const fileOperations: readonly Operation[] = [
  sessionOperation(getFile, (session, { query, context }) => answerGet(session, query, context)),
  sessionOperation(putFile, (session, { query, context }) => answerPut(session, query.path, context)),
  sessionOperation(deleteFile, (session, { query, context }) => answerDelete(session, query, context.req.raw)),
  sessionOperation(moveFile, (session, { body }) => answerMove(session, body)),
];
