import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Admission, MoveOptions, PublishOptions, RemoveOptions } from "../../ports/object-store.ts";
import { entriesIn, link, lookUp, removeFolder, rename, unlink } from "./directory-calls.ts";
import { entryOf } from "./directory-entry.ts";

/**
 * Gives the staged file the path `target` in one step. The check for `replacesEtag` and the step are one for all
 * clients, because the caller holds the lock of the objectKey; `exclusive` is one for every program on the machine.
 * @throws FileError `already-exists`, `precondition-failed`, `not-a-file`.
 */
export async function placeFile(stagedPath: string, target: string, options: PublishOptions): Promise<void> {
  const existing = await lookUp(target);
  if (existing && !existing.isFile()) throw new FileError("not-a-file", "what has this name is not a file");
  const { exclusive, replacesEtag } = options;
  if (replacesEtag !== undefined && replacesEtag !== (existing && entryOf(existing)?.etag)) {
    throw new FileError("precondition-failed", "the file is not the version that was to be replaced");
  }
  if (exclusive) await renameToFreeName(stagedPath, target);
  else await rename(stagedPath, target);
}

/** @throws FileError `permission-denied` */
export function assertAdmitted(name: string, admits: Admission | undefined): void {
  if (admits?.(name) === false) throw new FileError("permission-denied", "a file may not get this name");
}

/** How many files there are, each of which is admitted. @throws FileError `permission-denied`, `unsupported` */
async function assertAllAdmitted(path: string, prefix: string, admits: Admission): Promise<number> {
  let count = 0;
  for (const entry of await entriesIn(path)) {
    const name = `${prefix}${entry.name}`;
    if (entry.isDirectory()) count += await assertAllAdmitted(`${path}/${entry.name}`, `${name}/`, admits);
    else if (entry.isFile()) assertAdmitted(name, admits);
    count += 1;
    if (count > limits.treeEntries) {
      throw new FileError("unsupported", `a folder with more than ${limits.treeEntries} entries cannot be renamed`);
    }
  }
  return count;
}

/**
 * Renames a file or folder, which is what `type` says it was when the turn for it was taken. Only files replace, and
 * only files. Between the check and the renaming of a folder, a program on this machine could put an empty folder in
 * its way, which is then replaced: no content is lost.
 * The names must differ. @throws FileError `not-found`, `already-exists`, `invalid-argument` for a folder into itself.
 */
export async function moveEntry(
  from: string,
  to: string,
  { overwrite, admits, type }: MoveOptions & { readonly type: "file" | "directory" },
): Promise<void> {
  const source = await lookUp(from);
  const sourceEntry = source && entryOf(source);
  if (!source || !sourceEntry) throw new FileError("not-found", "there is no such file or folder");
  if (sourceEntry.type !== type) throw new FileError("unavailable", "another operation has this name; try again later");
  if (admits && type === "directory") await assertAllAdmitted(from, "", admits);
  else assertAdmitted("", admits);
  const target = await lookUp(to);
  if (target && !(overwrite && source.isFile() && target.isFile())) {
    throw new FileError("already-exists", "the new name is taken");
  }
  // Renaming one name of a file to another of its names does nothing at all (POSIX), so the old one is taken away.
  if (target && target.ino === source.ino && target.dev === source.dev) await unlink(from);
  else if (source.isFile() && !overwrite) await renameToFreeName(from, to);
  else await rename(from, to);
}

/** Renames a file; a name that is taken is never replaced, whoever takes it. */
async function renameToFreeName(from: string, to: string): Promise<void> {
  await link(from, to);
  await unlink(from);
}

/**
 * Removes one file or one empty folder. The check for `etag` and the removal are one for all clients, because the
 * caller holds the lock of the objectKey.
 * @throws FileError `not-found`, `not-a-file`, `not-a-directory`, `precondition-failed`.
 */
export async function removeEntry(path: string, type: "file" | "directory", { etag }: RemoveOptions): Promise<void> {
  const stats = await lookUp(path);
  const entry = stats && entryOf(stats);
  if (!entry) throw new FileError("not-found", "there is no such file or folder");
  if (etag !== undefined && etag !== entry.etag) {
    throw new FileError("precondition-failed", "the file is not the version that was to be removed");
  }
  if (entry.type === type) await (type === "file" ? unlink(path) : removeFolder(path));
  else if (type === "file") throw new FileError("not-a-file", "a folder has this name");
  else throw new FileError("not-a-directory", "a file has this name");
}
