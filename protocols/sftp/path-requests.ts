import { FileError } from "../../core/errors.ts";
import { parseVirtualPath, rootPath } from "../../core/virtual-path.ts";
import type { Session } from "../../service/session/session.ts";
import { type ListedEntry, uploadFacts } from "./handles.ts";
import { attributesOf, longNameOf, nameOfId } from "./long-name.ts";
import { attributesReply, eofReply, extendedReply, handleReply, nameReply, okReply, pathReply } from "./replies.ts";
import type { Answer } from "./request-context.ts";
import { WireWriter } from "./wire.ts";

/** What is there; otherwise what this client is about to put there, which sshfs asks for before it writes. */
export const pathAttributes: Answer<"stat"> = async ({ id, path }, { session, handles }) => {
  try {
    return attributesReply(id, attributesOf(await session.stat(path)));
  } catch (error) {
    const open = error instanceof FileError && error.code === "not-found" ? handles.uploadTo(path) : undefined;
    if (!open) throw error;
    return attributesReply(id, attributesOf(uploadFacts(open)));
  }
};

export const openDirectory: Answer<"opendir"> = async ({ id, path }, { session, handles }) => {
  const open = async () => ({ type: "directory", path, listing: await session.list(path), unsent: [] }) as const;
  return handleReply(id, await handles.add("directories", open));
};

/** The next entries. `.` and `..` are left out: no client needs them and they stand for nothing in the store. */
export const readDirectory: Answer<"readdir"> = async ({ id, handle }, { session, handles, limits }) => {
  const directory = handles.get(handle);
  if (directory.type !== "directory") throw new FileError("invalid-argument", "the handle is not that of a folder");
  const unsent = directory.unsent.length > 0 ? directory.unsent : await directory.listing.next();
  if (unsent === undefined) return eofReply(id);
  const owner = ownerOf(session);
  const nowMs = Date.now();
  const names = unsent.slice(0, limits.sftpNamesPerReply).map((entry: ListedEntry) => ({
    name: entry.name,
    longName: longNameOf(entry, owner, nowMs),
    attributes: attributesOf(entry),
  }));
  const { packet, count } = nameReply(id, names, limits.sftpNameReplyBytes);
  directory.unsent = unsent.slice(count);
  return packet;
};

export const removeFile: Answer<"remove"> = async ({ id, path }, { session }) => {
  await session.removeFile(path);
  return okReply(id);
};

export const makeDirectory: Answer<"mkdir"> = async ({ id, path }, { session }) => {
  await session.makeDirectory(path);
  return okReply(id);
};

export const removeDirectory: Answer<"rmdir"> = async ({ id, path }, { session }) => {
  await session.removeDirectory(path);
  return okReply(id);
};

export const renamePath: Answer<"rename"> = async ({ id, from, to, overwrite }, { session }) => {
  await session.rename(from, to, { overwrite });
  return okReply(id);
};

/** A question about the form of a path and not about what is there, so it needs no permission and no store. */
export const realPath: Answer<"realpath"> = ({ id, path }) => pathReply(id, parseVirtualPath(path));

/** `~` is the root, also when it stands before the account's own name (scp asks this). */
export const expandPath: Answer<"expand-path"> = ({ id, path }, { session }) => {
  const [, username, rest = ""] = /^~([^/]*)(.*)$/su.exec(path) ?? [];
  if (username === undefined) return pathReply(id, parseVirtualPath(path));
  assertOwn(username, session);
  return pathReply(id, parseVirtualPath(`/${rest}`));
};

export const homeDirectory: Answer<"home-directory"> = ({ id, username }, { session }) => {
  assertOwn(username, session);
  return pathReply(id, rootPath);
};

function assertOwn(username: string, { account }: Session): void {
  if (username === "" || username === account?.name) return;
  throw new FileError("not-found", "other accounts' folders cannot be seen");
}

function ownerOf({ account }: Session): { user: string; group: string } {
  const user = account?.name ?? "";
  return { user, group: account?.groups[0]?.name ?? user };
}

/** Two lists of names: one for the user ids, one for the group ids, empty where an id has none. */
export const namesOfIds: Answer<"users-groups"> = ({ id, uids, gids }, { session, limits }) => {
  if (uids.length + gids.length > limits.sftpIdsPerRequest) throw new FileError("too-large", "too many ids are asked");
  const { user, group } = ownerOf(session);
  return extendedReply(id, (writer) => writer.string(listOf(uids, user)).string(listOf(gids, group)));
};

function listOf(ids: readonly number[], name: string): Buffer {
  const writer = new WireWriter();
  for (const id of ids) writer.string(nameOfId(id, name));
  return writer.finish();
}
