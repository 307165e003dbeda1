import { FileError } from "../../core/errors.ts";
import { parseVirtualPath } from "../../core/virtual-path.ts";
import { type Destination, freePath } from "./destination.ts";
import type { DispatchServices } from "./dispatch-services.ts";
import { type DispatchedFile, holds, type PinnedContent, pin, takeAway } from "./dispatched-file.ts";
import type { Intent, Placing, PutContent } from "./placing.ts";

/** A file that has got to its destination, or why there was nothing to do. */
export type Placed =
  | { readonly file: DispatchedFile; readonly bytes: number }
  | { readonly skipped: string; readonly isThere: boolean };

/**
 * Puts a file, or what is made of it, where it belongs: whole and in one step of the store. Where the file is to go
 * from its old place, it goes only then. After a try that had its effect, or a half of it, this makes the rest true
 * and nothing twice.
 * @throws FileError `already-exists`, and what the store refuses.
 */
export async function place(services: DispatchServices, placing: Placing): Promise<Placed> {
  const { turn, file, destination, effect } = placing;
  const intent = turn.note === undefined ? undefined : (JSON.parse(turn.note) as Intent);
  if (intent && (await holds(services, objectKeyOf(destination, intent.path), intent))) {
    if (effect.takesAway) await takeAway(services, { ...file, sha256: intent.sourceSha256 });
    return placedAt(destination, intent);
  }
  if (destination.folders.objectKeyFor(destination.path) === file.objectKey) {
    return { skipped: "it is at its destination already", isThere: true };
  }
  const content = await pin(services, file);
  if (typeof content === "string") return { skipped: content, isThere: false };
  return put(services, placing, content);
}

async function put(services: DispatchServices, placing: Placing, content: PinnedContent): Promise<Placed> {
  const { destination, effect } = placing;
  for (;;) {
    const path = await freePath(services, destination);
    if (path === undefined) return { skipped: `${destination.path} exists already`, isThere: true };
    try {
      return placedAt(destination, await effect.put(services, placing, path, content));
    } catch (error) {
      // Somebody was faster; the next number is free.
      const isTaken = error instanceof FileError && error.code === "already-exists";
      if (!isTaken || destination.overwrite !== "number") throw error;
    }
  }
}

function placedAt(destination: Destination, { path, bytes, sha256, etag }: PutContent): Placed {
  const { accountName } = destination;
  const file = { accountName, path: parseVirtualPath(path), objectKey: objectKeyOf(destination, path), sha256, etag };
  return { file, bytes };
}

function objectKeyOf({ folders }: Destination, path: string): string {
  return folders.objectKeyFor(parseVirtualPath(path));
}
