import { FileError } from "../../core/errors.ts";
import type { UploadOptions } from "../../service/session/upload.ts";
import type { Attributes } from "./attributes.ts";
import { type OpenDownload, type OpenHandle, type OpenUpload, uploadFacts } from "./handles.ts";
import { attributesOf } from "./long-name.ts";
import { attributesReply, DataReply, eofReply, handleReply, okReply } from "./replies.ts";
import type { Answer, RequestContext } from "./request-context.ts";

/** The flags of OPEN, draft-ietf-secsh-filexfer-02 §6.3. */
export const openFlag = { read: 0x1, write: 0x2, append: 0x4, create: 0x8, truncate: 0x10, exclusive: 0x20 } as const;

/**
 * Opens for writing whatever asks for it: Java clients open plain uploads for reading and writing, and a READ on such
 * a handle is what fails, not the OPEN.
 */
export const openFile: Answer<"open"> = async ({ id, path, flags, attributes }, context) => {
  const open = () => (opensUpload(flags) ? openUpload(path, flags, attributes, context) : openDownload(path, context));
  return handleReply(id, await context.handles.add("files", open));
};

export function opensUpload(flags: number): boolean {
  return (flags & (openFlag.write | openFlag.append)) !== 0;
}

async function openDownload(path: string, { session }: RequestContext): Promise<OpenDownload> {
  return { type: "download", path, download: await session.download(path) };
}

async function openUpload(
  path: string,
  flags: number,
  attributes: Attributes,
  { session }: RequestContext,
): Promise<OpenUpload> {
  const upload = await session.upload(path, {
    mode: uploadMode(flags),
    mustExist: (flags & openFlag.create) === 0,
    modifiedAtMs: modifiedAtMs(attributes),
  });
  return { type: "upload", path, upload, openedAtMs: Date.now() };
}

function uploadMode(flags: number): UploadOptions["mode"] {
  const createsNew = openFlag.create | openFlag.exclusive;
  if ((flags & createsNew) === createsNew) return "create";
  if ((flags & openFlag.truncate) !== 0) return "replace";
  return (flags & openFlag.append) !== 0 ? "append" : "update";
}

function modifiedAtMs({ times }: Attributes): number | undefined {
  return times && times.modified * 1000;
}

/** Answered when the file is published and the end of its transfer is on record. */
export const closeHandle: Answer<"close"> = async ({ id, handle }, { handles }) => {
  const entry = handles.take(handle);
  if (entry.type === "upload") await entry.upload.commit();
  if (entry.type === "download") await entry.download.close();
  return okReply(id);
};

export const readFile: Answer<"read"> = async ({ id, handle, offset, length }, { handles, limits, memory }) => {
  const { download } = downloadOf(handles.get(handle));
  const available = download.entry.size - offset;
  if (available <= 0) return eofReply(id);
  const reply = new DataReply(id, Math.min(length, available, limits.sftpReadBytes), memory);
  return reply.finish(await download.read(reply.target, offset));
};

export const writeFile: Answer<"write"> = async ({ id, handle, offset, data }, { handles }) => {
  await uploadOf(handles.get(handle)).upload.write(offset, data);
  return okReply(id);
};

/** Bytes that were written reach the store and survive a crash there; the file is as invisible as before. */
export const syncFile: Answer<"fsync"> = async ({ id, handle }, { handles }) => {
  const entry = handles.get(handle);
  if (entry.type === "upload") await entry.upload.flush();
  return okReply(id);
};

export const handleAttributes: Answer<"fstat"> = async ({ id, handle }, { handles, session }) => {
  const entry = handles.get(handle);
  if (entry.type === "download") return attributesReply(id, attributesOf(entry.download.entry));
  if (entry.type === "directory") return attributesReply(id, attributesOf(await session.stat(entry.path)));
  return attributesReply(id, attributesOf(uploadFacts(entry)));
};

/** An upload keeps the times for the moment when it is published; elsewhere this is a SETSTAT of the handle's path. */
export const setHandleAttributes: Answer<"fsetstat"> = async ({ id, handle, attributes }, context) => {
  const entry = context.handles.get(handle);
  if (entry.type === "upload") applyToUpload(entry, attributes);
  else await applyAttributes(entry.path, attributes, context);
  return okReply(id);
};

/** While this client writes a file its path means that one: sshfs names files by their path only. */
export const setPathAttributes: Answer<"setstat"> = async ({ id, path, attributes }, context) => {
  const entry = context.handles.uploadTo(path);
  if (entry) applyToUpload(entry, attributes);
  else await applyAttributes(path, attributes, context);
  return okReply(id);
};

function applyToUpload({ upload }: OpenUpload, attributes: Attributes): void {
  if (attributes.size !== undefined) upload.setSize(attributes.size);
  const modified = modifiedAtMs(attributes);
  if (modified !== undefined) upload.setModified(modified);
}

/** Modification times and an empty size are kept; modes and owners are accepted, as clients insist, and are not. */
async function applyAttributes(path: string, attributes: Attributes, context: RequestContext): Promise<void> {
  const { session } = context;
  const modified = modifiedAtMs(attributes);
  if (attributes.size !== undefined) await setSize(path, attributes.size, context);
  if (modified !== undefined) await session.setModified(path, modified);
  else if (attributes.size === undefined || attributes.permissions !== undefined || attributes.owner !== undefined) {
    await session.acceptAttributes(path);
  }
}

async function setSize(path: string, size: number, { session }: RequestContext): Promise<void> {
  if (size === 0) {
    const upload = await session.upload(path, { mode: "replace", mustExist: true });
    await upload.commit();
    return;
  }
  const entry = await session.stat(path);
  if (entry.size !== size) throw new FileError("unsupported", "a file that is stored cannot be made longer or shorter");
}

/**
 * Copies a range, or everything from `offset` on where `length` is 0, between two open files. Reading one and writing
 * the other was allowed when they were opened (draft-ietf-secsh-filexfer-extensions-00 §7).
 */
export const copyData: Answer<"copy-data"> = async (request, { handles, limits }) => {
  const { download } = downloadOf(handles.get(request.handle));
  const { upload } = uploadOf(handles.get(request.targetHandle));
  const rest = Math.max(0, download.entry.size - request.offset);
  const end = request.offset + (request.length === 0 ? rest : Math.min(request.length, rest));
  for (let position = request.offset; position < end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(limits.sftpReadBytes, end - position));
    const bytesRead = await download.read(chunk, position);
    if (bytesRead === 0) throw new FileError("integrity", "the file is shorter than it was");
    await upload.write(request.targetOffset + position - request.offset, chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
  return okReply(request.id);
};

export function downloadOf(entry: OpenHandle): OpenDownload {
  if (entry.type === "upload") throw new FileError("unsupported", "a file that is being written cannot be read");
  if (entry.type === "directory") throw new FileError("invalid-argument", "the handle is that of a folder");
  return entry;
}

function uploadOf(entry: OpenHandle): OpenUpload {
  if (entry.type === "upload") return entry;
  throw new FileError("invalid-argument", "the file is not open for writing");
}
