import { limits } from "../../core/limits.ts";
import { childPath, parseVirtualPath, type VirtualPath } from "../../core/virtual-path.ts";
import type { Session } from "./session.ts";

/**
 * Deletes a folder with everything below it, a few files at a time: each entry is asked for and recorded as if the
 * client had deleted it alone. The first that is refused or fails ends it; what is gone by then stays gone.
 * @throws FileError `not-found`, `not-a-directory`, `permission-denied`.
 */
export async function removeTree(session: Session, rawPath: string): Promise<void> {
  await removeBelow(session, parseVirtualPath(rawPath));
}

async function removeBelow(session: Session, folder: VirtualPath): Promise<void> {
  const listing = await session.list(folder);
  for (let page = await listing.next(); page; page = await listing.next()) {
    const pathsOf = (type: "file" | "directory") =>
      page.flatMap((entry) => (entry.type === type ? [childPath(folder, entry.name)] : []));
    for (const path of pathsOf("directory")) await removeBelow(session, path);
    await removeFiles(session, pathsOf("file"));
  }
  await session.removeDirectory(folder);
}

async function removeFiles(session: Session, paths: readonly VirtualPath[]): Promise<void> {
  const pending = paths.values();
  let isFailed = false;
  const removeOn = async () => {
    for (let next = pending.next(); !next.done && !isFailed; next = pending.next()) {
      await session.removeFile(next.value).catch((error: unknown) => {
        isFailed = true;
        throw error;
      });
    }
  };
  // Nothing goes on behind the answer, so the others are waited for also when one fails.
  const results = await Promise.allSettled(Array.from({ length: limits.entriesReadAtOnce }, removeOn));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}
