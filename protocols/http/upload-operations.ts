import { z } from "zod";
import { limits } from "../../core/limits.ts";
import type { PartUploads } from "../../service/session/part-uploads.ts";
import { jsonAnswer, toResponse } from "./answer.ts";
import { conditionFailed, uploadConditions } from "./conditions.ts";
import { announcedSha256 } from "./content-digest.ts";
import { receipt } from "./file-operations.ts";
import { type Operation, publicOperation, sessionOperation } from "./operation.ts";
import { partUrlTemplate, verifyPartUrl } from "./part-urls.ts";
import { checkedContent } from "./receive-file.ts";
import { queryInteger, text } from "./request-input.ts";

export interface UploadServices {
  readonly partUploads: PartUploads;
  /** Signs the URLs of parts; the same after a restart, so that they stay good. */
  readonly urlSecret: Uint8Array;
}

const tags = ["uploads"];
const uploadPath = z.object({ uploadId: text(64) });
const part = z.object({ partNumber: z.int(), bytes: z.int() });
const uploadWithoutParts = z
  .object({
    uploadId: z.string(),
    path: z.string(),
    bytes: z.int().optional(),
    partSizeBytes: z.int().describe("no part may be larger"),
    expiresAt: z.iso.datetime(),
    partUrl: z.string().describe("template with {partNumber}, from 1; relative to this server, and needs no login"),
  })
  .meta({ id: "PendingUpload" });
const pendingUpload = uploadWithoutParts
  .extend({ parts: z.array(part).describe("what has arrived") })
  .meta({ id: "PendingUploadWithParts" });

type Pending = Awaited<ReturnType<PartUploads["describe"]>>;

export function uploadOperations({ partUploads, urlSecret }: UploadServices): readonly Operation[] {
  const shownAlone = (upload: Pending["upload"]) => {
    const { uploadId, path, bytes, partSizeBytes, expiresAtMs } = upload;
    const expiresAt = new Date(expiresAtMs).toISOString();
    return { uploadId, path, bytes, partSizeBytes, expiresAt, partUrl: partUrlTemplate(urlSecret, upload) };
  };
  const shown = ({ upload, parts }: Pending) => ({ ...shownAlone(upload), parts });
  return [
    sessionOperation(startUpload, async (session, { body, context }) => {
      const conditions = uploadConditions(context.req.raw.headers);
      const started = partUploads.start(session, body, conditions);
      const upload = await started.catch((error: unknown) => Promise.reject(conditionFailed(error, conditions)));
      const location = { location: `/v1/uploads/${upload.uploadId}` };
      return toResponse(jsonAnswer(201, shown({ upload, parts: [] }), location));
    }),
    sessionOperation(listUploads, async (session) =>
      toResponse(jsonAnswer(200, { uploads: (await partUploads.list(session)).map(shownAlone) })),
    ),
    sessionOperation(getUpload, async (session, { parameters }) =>
      toResponse(jsonAnswer(200, shown(await partUploads.describe(session, parameters.uploadId)))),
    ),
    sessionOperation(getPartUrls, async (session, { parameters, query }) => {
      const { first = 1, count = limits.partUrls } = query;
      const partNumbers = Array.from({ length: count }, (_, index) => first + index).filter(
        (partNumber) => partNumber <= limits.uploadParts,
      );
      const { upload, urls } = await partUploads.placesOf(session, parameters.uploadId, partNumbers);
      const template = partUrlTemplate(urlSecret, upload);
      const own = (partNumber: number) => template.replace("{partNumber}", `${partNumber}`);
      const shownUrls = partNumbers.map((partNumber, index) => ({ partNumber, url: urls?.[index] ?? own(partNumber) }));
      return toResponse(jsonAnswer(200, { urls: shownUrls }));
    }),
    publicOperation(putPart, async ({ parameters, query, context }) => {
      const { uploadId, partNumber } = parameters;
      verifyPartUrl(urlSecret, { uploadId, expiresAtMs: query.expires }, query.signature);
      const place = await partUploads.placeOf({ uploadId, partNumber, peerAddress: context.env.peer.address });
      if (place !== undefined) return new Response(null, { status: 307, headers: { location: place } });
      const content = checkedContent(context.req.raw);
      const peerAddress = context.env.peer.address;
      return toResponse(jsonAnswer(200, await partUploads.writePart({ uploadId, partNumber, peerAddress, content })));
    }),
    sessionOperation(completeUpload, async (session, { parameters, context }) => {
      const { headers } = context.req.raw;
      const conditions = uploadConditions(headers);
      const options = { ...conditions, sha256: announcedSha256(headers) };
      const completed = partUploads.complete(session, parameters.uploadId, options);
      const answer = await completed.catch((error: unknown) => Promise.reject(conditionFailed(error, conditions)));
      return toResponse(jsonAnswer(201, answer, { etag: `"${answer.etag}"` }));
    }),
    sessionOperation(deleteUpload, async (session, { parameters }) => {
      await partUploads.abandon(session, parameters.uploadId);
      return new Response(null, { status: 204 });
    }),
  ];
}

const conditionHeaders = {
  "If-None-Match": "* refuses to replace a file (412)",
  "If-Match": "the ETag of the one version to replace (412)",
};

const startUpload = {
  method: "POST",
  path: "/v1/uploads",
  operationId: "startUpload",
  scope: "files:write",
  summary: "Begin to upload a large file in parts",
  description: "Send each part with PUT to `partUrl`, in any order and at the same time, and complete the upload then.",
  tags,
  body: z.strictObject({
    path: text(4 * limits.pathBytes).refine((path) => !path.endsWith("/"), "a file's path has no / at its end"),
    bytes: z.int().min(0).max(limits.fileBytes).optional().describe("of the whole file; held against what arrives"),
    partSizeBytes: z.int().min(1).max(limits.largestUploadPartBytes).optional(),
  }),
  headers: conditionHeaders,
  responses: { 201: { description: "where to send the parts", schema: pendingUpload } },
  problems: [404, 409, 412, 413, 415, 507],
} as const;

const listUploads = {
  method: "GET",
  path: "/v1/uploads",
  operationId: "listUploads",
  scope: "files:write",
  summary: "The account's uploads that can go on, oldest first",
  tags,
  responses: { 200: { description: "the uploads", schema: z.object({ uploads: z.array(uploadWithoutParts) }) } },
} as const;

const getUpload = {
  method: "GET",
  path: "/v1/uploads/{uploadId}",
  operationId: "getUpload",
  scope: "files:write",
  summary: "What has arrived of an upload, to go on with it",
  tags,
  parameters: uploadPath,
  responses: { 200: { description: "the upload and its parts", schema: pendingUpload } },
  problems: [404],
} as const;

const getPartUrls = {
  method: "GET",
  path: "/v1/uploads/{uploadId}/part-urls",
  operationId: "getPartUrls",
  scope: "files:write",
  summary: "Where to send parts without a detour",
  description: "URLs of parts, which need no login. Those that lead straight to the store are good for an hour.",
  tags,
  parameters: uploadPath,
  query: z.object({
    first: queryInteger(1, limits.uploadParts).optional(),
    count: queryInteger(1, limits.partUrls).optional(),
  }),
  responses: {
    200: {
      description: "a URL for each part, absolute or relative to this server",
      schema: z.object({ urls: z.array(z.object({ partNumber: z.int(), url: z.string() })) }),
    },
  },
  problems: [404],
} as const;

const putPart = {
  method: "PUT",
  path: "/v1/uploads/{uploadId}/parts/{partNumber}",
  operationId: "putUploadPart",
  summary: "Send one part to its signed URL",
  description: "Needs no login. A part that is sent again replaces the earlier one.",
  tags,
  parameters: uploadPath.extend({ partNumber: queryInteger(1, limits.uploadParts) }),
  query: z.object({ expires: queryInteger(0, Number.MAX_SAFE_INTEGER), signature: text(100) }),
  body: "stream",
  headers: { "Content-Digest": "sha-256=:BASE64: of the part (RFC 9530); another content is not kept (422)" },
  responses: {
    200: { description: "the part is kept", schema: part },
    307: { description: "send it to `Location` instead, with the same method and content" },
  },
  problems: [403, 404, 408, 413, 415, 422, 507],
} as const;

const completeUpload = {
  method: "POST",
  path: "/v1/uploads/{uploadId}/complete",
  operationId: "completeUpload",
  scope: "files:write",
  summary: "Put the parts together and publish the file",
  tags,
  parameters: uploadPath,
  headers: { ...conditionHeaders, "Repr-Digest": "sha-256=:BASE64: of the whole file (422)" },
  responses: { 201: { description: "the file is published, and this is its receipt", schema: receipt } },
  problems: [404, 409, 412, 422, 507],
} as const;

const deleteUpload = {
  method: "DELETE",
  path: "/v1/uploads/{uploadId}",
  operationId: "deleteUpload",
  scope: "files:write",
  summary: "Give an upload up",
  tags,
  parameters: uploadPath,
  responses: { 204: { description: "its parts are gone" } },
  problems: [404],
} as const;
