import { FileError } from "../../core/errors.ts";
import type { ObjectStore } from "../../ports/object-store.ts";

/** A version of a file in the store. */
export interface ContentVersion {
  readonly objectKey: string;
  readonly etag: string;
}

const blockBytes = 256 * 1024;

/** The bytes of one version of a file from an offset on. @throws FileError `unavailable` when it is another by now */
export async function* outgoingContent(
  objects: Pick<ObjectStore, "openRead">,
  { objectKey, etag }: ContentVersion,
  offset: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = await objects.openRead(objectKey);
  try {
    if (reader.entry.etag !== etag) throw new FileError("unavailable", "the file was changed in this moment");
    for (let position = offset; ; ) {
      const block = new Uint8Array(Math.min(blockBytes, Math.max(1, reader.entry.size)));
      const count = await reader.read(block, position);
      if (count === 0) return;
      yield block.subarray(0, count);
      position += count;
    }
  } finally {
    await reader.close();
  }
}
