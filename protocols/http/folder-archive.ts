import { makeZip } from "client-zip";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { childPath, nameOf, parseVirtualPath, type VirtualPath } from "../../core/virtual-path.ts";
import type { Session } from "../../service/session/session.ts";
import { protectiveHeaders } from "./answer.ts";
import { attachment } from "./content-disposition.ts";
import { streamOf } from "./file-stream.ts";
import type { Reply } from "./operation.ts";

/** As client-zip takes it: a file with its content, or a folder without. */
interface Member {
  readonly name: string;
  readonly lastModified: Date;
  readonly input?: ReadableStream<Uint8Array>;
}

type NamedEntry = Awaited<ReturnType<Session["listPage"]>>["entries"][number];

/** ZIP has no earlier time (APPNOTE.TXT §4.4.6). */
const earliestTime = Date.UTC(1980, 0, 2);

/**
 * A folder with everything below it as a ZIP archive, made while it is sent: stored without compression, and with
 * ZIP64 where sizes need it. Files and folders that the account may not read are left out; each is refused on record.
 */
export async function sendArchive(
  session: Session,
  path: string,
  { isHead }: { readonly isHead: boolean },
): Promise<Reply> {
  const folder = parseVirtualPath(path);
  const headers = {
    ...protectiveHeaders,
    "content-type": "application/zip",
    "content-disposition": attachment(`${nameOf(folder) || "files"}.zip`),
  };
  if (isHead) {
    await session.list(folder);
    return new Response(null, { headers });
  }
  const members = membersBelow(session, folder);
  // The first page is read before the answer begins, so that a folder that may not be listed is an error.
  const first = await members.next();
  const finished = Promise.withResolvers<void>();
  const archive = makeZip(resumed(first, members, finished.resolve));
  return { response: new Response(archive, { headers }), finished: finished.promise };
}

/** Ends in one place, however the archive ends: complete, given up by the client, or failed. */
async function* resumed(
  first: IteratorResult<Member, void>,
  members: AsyncGenerator<Member, void>,
  ended: () => void,
): AsyncGenerator<Member> {
  try {
    if (!first.done) yield first.value;
    yield* members;
  } finally {
    ended();
  }
}

interface Folder {
  readonly path: VirtualPath;
  /** Within the archive: empty for the folder that it is of, and with a / at the end for those below. */
  readonly name: string;
}

/** The folders are walked in breadth, so that no more than one listing is open. */
async function* membersBelow(session: Session, root: VirtualPath): AsyncGenerator<Member, void> {
  const folders: Folder[] = [{ path: root, name: "" }];
  let count = 0;
  for (let folder = folders.shift(); folder; folder = folders.shift()) {
    for await (const { name, type, modifiedAtMs } of entriesOf(session, folder)) {
      count += 1;
      if (count > limits.treeEntries)
        throw new FileError("too-large", "the folder has too many entries for an archive");
      const path = childPath(folder.path, name);
      const lastModified = new Date(Math.max(earliestTime, modifiedAtMs));
      const member = { name: folder.name + memberName(name), lastModified };
      if (type === "file") yield* fileMember(session, path, member);
      else {
        folders.push({ path, name: `${member.name}/` });
        yield { ...member, name: `${member.name}/` };
      }
    }
  }
}

/** Those of a folder below the first are left out where they may not be listed. */
async function* entriesOf(session: Session, { path, name }: Folder): AsyncGenerator<NamedEntry, void> {
  const list = () => session.list(path);
  const listing = await (name === "" ? list() : unlessRefused(list));
  for (let page = await listing?.next(); page; page = await listing?.next()) yield* page;
}

/** A backslash is a letter here, and parts folders on Windows, where it could lead out of the one that is meant. */
function memberName(name: string): string {
  return name.replaceAll("\\", "_");
}

/** The next member is asked for when the content of this one is through, and so the transfer on record. */
async function* fileMember(session: Session, path: VirtualPath, member: Member): AsyncGenerator<Member, void> {
  const download = await unlessRefused(() => session.download(path));
  if (!download) return;
  const { content } = streamOf(download, { start: 0, end: download.entry.size });
  try {
    yield { ...member, input: content };
  } finally {
    await download.abort("the archive was given up");
  }
}

/** What may not be read, and what has gone since it was listed, is left out. */
async function unlessRefused<T>(open: () => Promise<T>): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    if (error instanceof FileError && ["permission-denied", "not-found"].includes(error.code)) return undefined;
    throw error;
  }
}
