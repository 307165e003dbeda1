import { limits } from "../../core/limits.ts";
import type { Download } from "../../service/session/download.ts";
import type { ByteRange } from "./byte-range.ts";

export interface FileStream {
  readonly content: ReadableStream<Uint8Array>;
  /** Resolves when the transfer has its end on record, whichever it is. Does not reject. */
  readonly finished: Promise<void>;
}

/**
 * The bytes of a download, read from the store no faster than they are sent. The stream ends when the transfer is on
 * record as completed; a client that goes away before makes it an aborted one.
 */
export function streamOf(download: Download, { start, end }: ByteRange): FileStream {
  let position = start;
  const finished = Promise.withResolvers<void>();
  const abort = async (reason: string) => {
    await download.abort(reason).catch(() => {});
    finished.resolve();
  };
  const content = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const chunk = await nextChunk(download, position, end);
        position += chunk.length;
        if (chunk.length > 0) controller.enqueue(chunk);
        if (position < end) return;
        await download.close();
        controller.close();
        finished.resolve();
      } catch (error) {
        await abort("the file could not be read to its end");
        controller.error(error);
      }
    },
    cancel: () => abort("the client closed the connection"),
  });
  return { content, finished: finished.promise };
}

async function nextChunk(download: Download, position: number, end: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(Math.min(limits.httpSendBytes, end - position));
  if (buffer.length === 0) return buffer;
  const bytesRead = await download.read(buffer, position);
  if (bytesRead === 0) throw new Error("the file is shorter than the store said");
  return buffer.subarray(0, bytesRead);
}
