import { setTimeout as delay } from "node:timers/promises";
import { DeleteObjectsCommand } from "@aws-sdk/client-s3";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { objectKeySegments } from "../../core/object-key.ts";
import type { MoveOptions, StoredEntry } from "../../ports/object-store.ts";
import { folderMarker, type S3Bucket, withoutQuotes } from "./s3-bucket.ts";
import { atOnce, type S3Copies } from "./s3-copies.ts";
import { hasCode, statusOf, toFileError } from "./s3-errors.ts";
import type { S3Folders } from "./s3-folders.ts";
import type { StagedMove, StagingRecord } from "./s3-staging.ts";

export interface S3MovesOptions {
  readonly bucket: S3Bucket;
  readonly folders: S3Folders;
  readonly copies: S3Copies;
  readonly staging: StagingRecord;
  readonly owner: string;
  readonly isDead: (owner: string) => Promise<boolean>;
  readonly newId: () => string;
}

interface Names extends MoveOptions {
  readonly fromKey: string;
  readonly toKey: string;
}

/** An object as a listing shows it. */
interface ListedObject {
  readonly objectKey: string;
  readonly etag: string;
  readonly size: number;
}

/** The source was replaced while it was about to move. */
const replaced = Symbol("replaced");
const replacedTries = 5;
/** What S3 says of an object that is no longer the one that was to be deleted. */
const isReplaced: readonly string[] = ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"];

/**
 * Renaming, which S3 does not have: everything is copied to its new name first, and taken from the old one only then.
 * The record of the rename keeps others away from both names, and lets whoever finds it after a crash finish it. Until
 * that, what was not yet taken away has both names, and nothing has none.
 */
export class S3Moves {
  readonly #options: S3MovesOptions;
  /** Those that this process is at. */
  readonly #active = new Set<string>();

  constructor(options: S3MovesOptions) {
    this.#options = options;
  }

  async move(names: Names): Promise<void> {
    const endAtMs = Date.now() + limits.storeNameWaitMs;
    for (let tries = 0; Date.now() < endAtMs && tries < replacedTries; ) {
      const source = await this.#source(names);
      if (!source) return;
      const move = this.#moveOf(names, source);
      if (!(await this.#options.staging.beginMove(move))) await this.#waitFor(names);
      else if ((await this.#moveAndEnd(move)) !== replaced) return;
      else tries += 1;
    }
    throw new FileError("unavailable", "another operation has this name; try again later");
  }

  /** Finishes the renames that failed in the middle, or whose process did. Answers how many. */
  async finish(): Promise<number> {
    let count = 0;
    for (const move of await this.#options.staging.moves()) {
      if (!(await this.#isLeft(move))) continue;
      await this.#resume(move);
      count += 1;
    }
    return count;
  }

  async #isLeft({ moveId, owner, startedAtMs }: StagedMove): Promise<boolean> {
    if (Date.now() < startedAtMs + limits.storeMoveRestMs) return false;
    return owner === this.#options.owner ? !this.#active.has(moveId) : this.#options.isDead(owner);
  }

  /** What moves, when the move is possible; undefined when it is done by doing nothing. @throws FileError. */
  async #source({ fromKey, toKey, overwrite, admits }: Names): Promise<StoredEntry | undefined> {
    const { folders } = this.#options;
    const [from, to] = [objectKeySegments(fromKey), objectKeySegments(toKey)];
    if (from.length === 0) throw new FileError("invalid-argument", "this is the root folder");
    if (to.length === 0) throw new FileError("already-exists", "this is the root folder");
    const parent = to.slice(0, -1).join("/");
    const lookUps = [fromKey, toKey, parent].map((objectKey) => folders.stat(objectKey));
    const [source, target, above] = await Promise.all(lookUps);
    if (!source) throw new FileError("not-found", "there is no such file or folder");
    const isFile = source.type === "file";
    if (fromKey === toKey && overwrite && isFile) return undefined;
    if (target && !(overwrite && isFile && target.type === "file")) throw taken();
    if (!above) throw new FileError("not-found", "there is no such folder");
    if (above.type === "file") throw new FileError("not-a-directory", "a part of the path is not a folder");
    if (admits && !isFile) throw new FileError("unsupported", "folders are not renamed where files have to be scanned");
    if (admits?.("") === false) throw new FileError("permission-denied", "a file may not get this name");
    if (toKey.startsWith(`${fromKey}/`)) throw new FileError("invalid-argument", "a folder cannot move into itself");
    return source;
  }

  #moveOf({ fromKey, toKey, overwrite }: Names, { type, etag }: StoredEntry): StagedMove {
    const { owner, newId } = this.#options;
    return { fromKey, toKey, overwrite, type, etag, owner, startedAtMs: Date.now(), moveId: newId() };
  }

  async #moveAndEnd(move: StagedMove): Promise<typeof replaced | undefined> {
    const { folders, staging } = this.#options;
    try {
      const isTaken = (move.type === "directory" || !move.overwrite) && (await folders.stat(move.toKey));
      if (isTaken) throw taken();
      await this.#assertMovable(move);
    } catch (error) {
      await staging.endMove(move);
      throw error;
    }
    this.#active.add(move.moveId);
    try {
      const outcome = await this.#run(move).catch((error: unknown) => this.#failed(move, error));
      await staging.endMove(move);
      return outcome;
    } finally {
      this.#active.delete(move.moveId);
    }
  }

  /** A file keeps its old name until the new one is there. The rest of a folder is moved when S3 can do it again. */
  async #failed(move: StagedMove, error: unknown): Promise<never> {
    const meaning = toFileError(error);
    const isOver = move.type === "file" || !hasCode(meaning, "unavailable");
    if (isOver) await this.#options.staging.endMove(move);
    throw meaning;
  }

  async #assertMovable(move: StagedMove): Promise<void> {
    if (move.type === "file") return;
    let count = 0;
    for await (const page of this.#pagesBelow(move.fromKey)) {
      count += page.length;
      for (const { objectKey } of page) objectKeySegments(renamed(objectKey, move).replace(/\/$/, ""));
      if (count > limits.treeEntries) {
        throw new FileError("unsupported", `a folder with more than ${limits.treeEntries} entries cannot be renamed`);
      }
    }
  }

  #run(move: StagedMove): Promise<typeof replaced | undefined> {
    if (move.type === "file") return this.#runFile(move);
    return this.#runFolder(move).finally(() => this.#options.bucket.recent.forgetAll());
  }

  async #runFile(move: StagedMove): Promise<typeof replaced | undefined> {
    const { bucket, copies } = this.#options;
    const { fromKey, toKey, etag, overwrite } = move;
    const head = await bucket.head(fromKey);
    if (!head) throw new FileError("not-found", "there is no such file or folder");
    if (withoutQuotes(head.ETag) !== etag) return replaced;
    const conditions = overwrite ? {} : ({ IfNoneMatch: "*" } as const);
    try {
      await copies.copy({ fromKey, toKey, etag, size: head.ContentLength ?? 0, conditions });
    } catch (error) {
      return this.#notCopied(move, error);
    }
    await this.#take(move);
    return undefined;
  }

  /** The copy was refused, or its answer lost. */
  async #notCopied(move: StagedMove, error: unknown): Promise<typeof replaced | undefined> {
    const { bucket } = this.#options;
    const [source, target] = await Promise.all([bucket.head(move.fromKey), bucket.head(move.toKey)]);
    const isSame = source && target && source.ContentLength === target.ContentLength && isSameUpload(source, target);
    if (isSame) {
      await this.#take(move);
      return undefined;
    }
    if (!source) throw new FileError("not-found", "there is no such file or folder");
    if (withoutQuotes(source.ETag) !== move.etag) return replaced;
    if (statusOf(error) === 412 && target) throw taken();
    throw error;
  }

  /** Takes the version that was copied from its old name; a newer one stays. */
  async #take({ fromKey, etag }: StagedMove): Promise<void> {
    const { bucket, folders } = this.#options;
    const parent = fromKey.split("/").slice(0, -1).join("/");
    if (!(await folders.isKept(parent))) await folders.keep(parent);
    await bucket.delete(fromKey, etag).catch((error: unknown) => {
      if (!hasCode(error, "precondition-failed", "not-found")) throw error;
    });
  }

  async #runFolder(move: StagedMove): Promise<undefined> {
    const { folders } = this.#options;
    const parent = move.fromKey.split("/").slice(0, -1).join("/");
    const [originals, copies]: [ListedObject[], ListedObject[]] = [[], []];
    await folders.keep(move.toKey);
    try {
      for await (const page of this.#pagesBelow(move.fromKey)) {
        await atOnce(page, async (object) => {
          const copy = await this.#copyObject(object, move);
          if (!copy) return;
          originals.push(object);
          copies.push(copy);
        });
      }
    } catch (error) {
      // What S3 refuses will be refused again, so the rename is undone; after other troubles it goes on later.
      if (!hasCode(toFileError(error), "unavailable")) await this.#undo(copies, move);
      throw error;
    }
    if (!(await folders.isKept(parent))) await folders.keep(parent);
    await this.#takeAll(originals);
  }

  /** Undefined when it was replaced or removed meanwhile: what is there now came after the rename, and stays. */
  async #copyObject({ objectKey, etag, size }: ListedObject, move: StagedMove): Promise<ListedObject | undefined> {
    const toKey = renamed(objectKey, move);
    try {
      const copied = await this.#options.copies.copy({ fromKey: objectKey, toKey, etag, size, conditions: {} });
      return { objectKey: toKey, etag: copied, size };
    } catch (error) {
      if (statusOf(error) !== 412 && statusOf(error) !== 404) throw error;
      return undefined;
    }
  }

  async #undo(copies: readonly ListedObject[], { toKey }: StagedMove): Promise<void> {
    await this.#takeAll(copies);
    await this.#options.bucket.delete(folderMarker(toKey));
  }

  /** Versions that are not those listed stay. */
  async #takeAll(objects: readonly ListedObject[]): Promise<void> {
    for (let start = 0; start < objects.length; start += limits.listingPageEntries) {
      await this.#takePage(objects.slice(start, start + limits.listingPageEntries));
    }
  }

  async #takePage(objects: readonly ListedObject[]): Promise<void> {
    const { bucket } = this.#options;
    const Objects = objects.map(({ objectKey, etag }) => ({ Key: objectKey, ETag: `"${etag}"` }));
    const command = new DeleteObjectsCommand({ Bucket: bucket.name, Delete: { Objects, Quiet: true } });
    const { Errors = [] } = await bucket.client.send(command);
    const failed = Errors.find(({ Code = "" }) => !isReplaced.includes(Code));
    if (failed) throw new FileError("unavailable", "the store could not take away everything that was renamed");
  }

  async *#pagesBelow(directoryKey: string): AsyncGenerator<readonly ListedObject[]> {
    const prefix = folderMarker(directoryKey);
    let StartAfter: string | undefined;
    do {
      const page = await this.#options.bucket.list({ Prefix: prefix, MaxKeys: limits.listingPageEntries, StartAfter });
      const objects = (page.Contents ?? []).map(({ Key: objectKey = "", ETag, Size = 0 }) => ({
        objectKey,
        etag: withoutQuotes(ETag),
        size: Size,
      }));
      if (objects.length > 0) yield objects;
      StartAfter = page.IsTruncated ? objects.at(-1)?.objectKey : undefined;
    } while (StartAfter !== undefined);
  }

  async #waitFor({ fromKey, toKey }: Names): Promise<void> {
    const { staging } = this.#options;
    const moves = await Promise.all([staging.moveAt(fromKey), staging.moveAt(toKey)]);
    const blocking = moves.find((move) => move);
    if (blocking && (await this.#isLeft(blocking))) return this.#resume(blocking);
    await delay(limits.storeNameRetryMs);
  }

  async #resume(move: StagedMove): Promise<void> {
    const { staging } = this.#options;
    try {
      if ((await staging.moveAt(move.fromKey))?.moveId === move.moveId) await this.#run(move);
    } catch (error) {
      // A file that has gone from its old name, or what S3 refuses, needs nothing more.
      if (hasCode(toFileError(error), "unavailable")) throw toFileError(error);
    }
    await staging.endMove(move);
  }
}

function renamed(objectKey: string, { fromKey, toKey }: StagedMove): string {
  return toKey + objectKey.slice(fromKey.length);
}

function taken(): FileError {
  return new FileError("already-exists", "the new name is taken");
}

type Head = Awaited<ReturnType<S3Bucket["head"]>>;

function isSameUpload(left: NonNullable<Head>, right: NonNullable<Head>): boolean {
  const [one, other] = [left.Metadata ?? {}, right.Metadata ?? {}];
  return JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());
}
