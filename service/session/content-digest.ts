import { FileError } from "../../core/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Runtime } from "../../ports/runtime.ts";

/** A file's content at one moment; `sha256` is lower-case hex. */
export interface ContentDigest {
  readonly bytes: number;
  readonly sha256: string;
  readonly etag: string;
}

const chunkBytes = 1024 * 1024;

/**
 * Reads one version of the file from its beginning to its end. Undefined when no file is there, or when that takes
 * longer than `longestMs`; a tenth of this time shows how fast the store is.
 */
export async function digestOf(
  { objects, runtime }: { readonly objects: ObjectStore; readonly runtime: Runtime },
  objectKey: string,
  longestMs = Number.POSITIVE_INFINITY,
): Promise<ContentDigest | undefined> {
  const reader = await objects.openRead(objectKey).catch(undefinedWhereNoFileIs);
  if (!reader) return undefined;
  const sha256 = runtime.sha256();
  const startedAtMs = runtime.now();
  const chunk = new Uint8Array(Math.min(chunkBytes, Math.max(1, reader.entry.size)));
  let bytes = 0;
  try {
    for (let count = await reader.read(chunk, 0); count > 0; count = await reader.read(chunk, bytes)) {
      sha256.update(chunk.subarray(0, count));
      bytes += count;
      const spentMs = runtime.now() - startedAtMs;
      const neededMs = (spentMs * reader.entry.size) / bytes;
      if (spentMs > longestMs / 10 && neededMs > longestMs) return undefined;
    }
  } finally {
    await reader.close();
  }
  return { bytes, sha256: sha256.hex(), etag: reader.entry.etag };
}

function undefinedWhereNoFileIs(error: unknown): undefined {
  const isExpected = error instanceof FileError && (error.code === "not-found" || error.code === "not-a-file");
  if (!isExpected) throw error;
}
