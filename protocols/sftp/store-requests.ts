import { createHash } from "node:crypto";
import { FileError } from "../../core/errors.ts";
import type { Download } from "../../service/session/download.ts";
import { downloadOf } from "./file-requests.ts";
import { extendedReply } from "./replies.ts";
import type { Answer, RequestContext, SftpLimits } from "./request-context.ts";
import type { DigestQuery } from "./requests.ts";

/** What check-file can compute; the client's order decides. MD5 and SHA-1 prove nothing, so they are not here. */
const digestAlgorithms: readonly string[] = ["sha256", "sha384", "sha512"];
/** draft-ietf-secsh-filexfer-extensions-00 §3: blocks are not smaller than this. */
const smallestBlockBytes = 256;

const blockBytes = 4096;
/** What a store without an end says of its size (1 PiB): enough for clients that look before they send. */
const endlessBytes = 2 ** 50;
/** ST_NOSUID of statvfs@openssh.com. */
const noSetUid = 2;

/** The extensions that VERSION announces, with the version or content of each. */
export const announcedExtensions: Readonly<Record<string, string>> = {
  "posix-rename@openssh.com": "1",
  "statvfs@openssh.com": "2",
  "fstatvfs@openssh.com": "2",
  "fsync@openssh.com": "1",
  "lsetstat@openssh.com": "1",
  "limits@openssh.com": "1",
  "expand-path@openssh.com": "1",
  "copy-data": "1",
  "home-directory": "1",
  "users-groups-by-id@openssh.com": "1",
  "check-file": digestAlgorithms.join(","),
  "check-file-name": "1",
  "check-file-handle": "1",
};

/** Largest message, READ and WRITE, and how many handles may be open. */
export const announceLimits: Answer<"limits"> = ({ id }, { limits }) =>
  extendedReply(id, (writer) =>
    writer
      .uint64(limits.sftpPacketBytes)
      .uint64(limits.sftpReadBytes)
      .uint64(limits.sftpWriteBytes)
      .uint64(limits.handlesPerSession),
  );

export const storeOfPath: Answer<"statvfs"> = ({ id, path }, context) => storeReply(id, path, context);

export const storeOfHandle: Answer<"fstatvfs"> = ({ id, handle }, context) =>
  storeReply(id, context.handles.get(handle).path, context);

async function storeReply(id: number, path: string, { session, limits }: RequestContext): Promise<Buffer> {
  const capacity = (await session.capacity(path)) ?? { totalBytes: endlessBytes, freeBytes: endlessBytes };
  const [total, free] = [capacity.totalBytes, capacity.freeBytes].map((bytes) => Math.floor(bytes / blockBytes));
  const fields = [
    ...[blockBytes, blockBytes, total ?? 0, free ?? 0, free ?? 0],
    // Files: no store here counts them in advance.
    ...[limits.directoryEntries, limits.directoryEntries, limits.directoryEntries],
    ...[0, noSetUid, limits.pathSegmentBytes],
  ];
  return extendedReply(id, (writer) => {
    for (const field of fields) writer.uint64(field);
  });
}

/** Reads the file, so it needs what a download needs, and goes on record as one. */
export const checkFileByName: Answer<"check-file-name"> = async (request, { session, limits }) => {
  const download = await session.download(request.path);
  try {
    const reply = await digestReply(request.id, download, request, limits);
    await download.close();
    return reply;
  } catch (error) {
    await download.abort("the check of the file failed");
    throw error;
  }
};

export const checkFileByHandle: Answer<"check-file-handle"> = (request, { handles, limits }) =>
  digestReply(request.id, downloadOf(handles.get(request.handle)).download, request, limits);

/** The algorithm used, then the digest of each block. The leading word is what MINA and Paramiko expect. */
async function digestReply(id: number, download: Download, query: DigestQuery, limits: SftpLimits): Promise<Buffer> {
  const algorithm = query.algorithms.split(",").find((name) => digestAlgorithms.includes(name));
  if (algorithm === undefined) throw new FileError("unsupported", `offer one of ${digestAlgorithms.join(", ")}`);
  const { offset, end, step } = blocksOf(download.entry.size, query);
  const digestBytes = createHash(algorithm).digest().length;
  if (Math.ceil((end - offset) / step) * digestBytes > limits.sftpReadBytes) {
    throw new FileError("too-large", "the digests of so many blocks do not fit into one reply");
  }
  const digests: Buffer[] = [];
  for (let start = offset; start < end || digests.length === 0; start += step) {
    digests.push(await digestOf(download, { algorithm, start, end: Math.min(start + step, end) }, limits));
  }
  return extendedReply(id, (writer) => writer.string("check-file").string(algorithm).raw(Buffer.concat(digests)));
}

function blocksOf(size: number, query: DigestQuery): { offset: number; end: number; step: number } {
  const { offset, length } = query;
  if (offset > size) throw new FileError("invalid-argument", "the range begins behind the end of the file");
  if (query.blockBytes !== 0 && query.blockBytes < smallestBlockBytes) {
    throw new FileError("invalid-argument", `blocks have at least ${smallestBlockBytes} bytes`);
  }
  const end = length === 0 ? size : Math.min(size, offset + length);
  return { offset, end, step: query.blockBytes === 0 ? Math.max(1, end - offset) : query.blockBytes };
}

async function digestOf(
  download: Download,
  { algorithm, start, end }: { algorithm: string; start: number; end: number },
  limits: SftpLimits,
): Promise<Buffer> {
  const hash = createHash(algorithm);
  const chunk = Buffer.allocUnsafe(Math.min(limits.sftpReadBytes, end - start));
  for (let position = start; position < end; ) {
    const bytesRead = await download.read(chunk.subarray(0, end - position), position);
    if (bytesRead === 0) throw new FileError("integrity", "the file is shorter than it was");
    hash.update(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
  return hash.digest();
}
