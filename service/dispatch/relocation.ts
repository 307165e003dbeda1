import { FileError } from "../../core/errors.ts";
import type { VirtualPath } from "../../core/virtual-path.ts";
import { type ContentDigest, digestOf } from "../session/content-digest.ts";
import type { DispatchServices } from "./dispatch-services.ts";
import type { PinnedContent } from "./dispatched-file.ts";
import { type ContentEffect, intentOf, type Placing } from "./placing.ts";

/** The same content at another place, by one step of the store. */
export function relocation(kind: "move" | "copy"): ContentEffect {
  return {
    takesAway: kind === "move",
    put: async (services, placing, path, content) => {
      const intent = intentOf(path, content, content);
      await placing.turn.annotate(JSON.stringify(intent));
      await relocate(services, kind, placing, path);
      return { ...intent, ...(await contentAt(services, placing.destination.folders.objectKeyFor(path), content)) };
    },
  };
}

async function relocate(
  { objects }: DispatchServices,
  kind: "move" | "copy",
  { file, destination }: Placing,
  path: VirtualPath,
): Promise<void> {
  const objectKey = destination.folders.objectKeyFor(path);
  await objects.ensureDirectory(objectKey.split("/").slice(0, -1).join("/"));
  try {
    await objects[kind](file.objectKey, objectKey, { overwrite: destination.overwrite === "replace" });
  } catch (error) {
    // The file or the folder was there a moment ago: whichever it is, the next try finds out.
    const isGone = error instanceof FileError && error.code === "not-found";
    throw isGone ? new FileError("unavailable", error.message, { cause: error }) : error;
  }
}

/** A client may have replaced the file in the last moment; what counts is what got to the destination. */
async function contentAt(
  services: DispatchServices,
  objectKey: string,
  pinned: PinnedContent,
): Promise<Partial<ContentDigest>> {
  const entry = await services.objects.stat(objectKey);
  if (entry?.size === pinned.bytes && entry.modifiedAtMs === pinned.modifiedAtMs) return { etag: entry.etag };
  return (await digestOf(services, objectKey)) ?? {};
}
