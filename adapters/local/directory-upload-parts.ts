import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { PendingUpload, PendingUploadStore, UploadPart, UploadPartStore } from "../../ports/pending-uploads.ts";
import { hasCode, toFileError } from "./directory-errors.ts";

const description = "upload.json";
const partName = /^part-(?<partNumber>\d+)$/;
const uploadName = /^[\w-]{1,64}$/;

/**
 * Uploads in parts below a folder: each is a folder with its description in JSON and a file for each part. What is
 * there has its name only once it is complete and on the disk.
 */
export function createDirectoryUploadParts(directory: string): {
  readonly uploads: PendingUploadStore;
  readonly parts: UploadPartStore;
} {
  const folderOf = (uploadId: string) => {
    if (!uploadName.test(uploadId)) throw new FileError("not-found", "there is no such upload");
    return join(directory, uploadId);
  };
  const find = async (uploadId: string) => {
    const file = uploadName.test(uploadId) ? join(folderOf(uploadId), description) : undefined;
    return file === undefined ? undefined : readDescription(file);
  };
  const all = async () => {
    const uploads = await Promise.all((await namesIn(directory)).map(find));
    return uploads.filter((upload) => upload !== undefined);
  };
  return {
    uploads: {
      find,
      add: async (upload) => {
        const folder = folderOf(upload.uploadId);
        await systemCall(mkdir(folder, { recursive: true, mode: 0o700 }));
        await writeWhole(folder, description, oneChunk(JSON.stringify(upload)));
      },
      ofAccount: async (name) => (await all()).filter(({ accountName }) => accountName === name),
      expired: async (nowMs) => (await all()).filter(({ expiresAtMs }) => expiresAtMs <= nowMs),
      remove: (uploadId) => systemCall(rm(folderOf(uploadId), { recursive: true, force: true })),
    },
    parts: {
      write: async (uploadId, partNumber, content) => {
        const bytes = await writeWhole(folderOf(uploadId), `part-${partNumber}`, content);
        return { partNumber, bytes };
      },
      list: (uploadId) => listParts(folderOf(uploadId)),
      read: (uploadId, partNumber) => readPart(join(folderOf(uploadId), `part-${partNumber}`)),
    },
  };
}

async function readDescription(file: string): Promise<PendingUpload | undefined> {
  try {
    return JSON.parse(await systemCall(readFile(file, "utf8"))) as PendingUpload;
  } catch (error) {
    if (hasCode(error, "not-found", "not-a-directory")) return undefined;
    throw error;
  }
}

async function listParts(folder: string): Promise<readonly UploadPart[]> {
  const numbers = (await namesIn(folder)).flatMap((name) => {
    const partNumber = partName.exec(name)?.groups?.partNumber;
    return partNumber === undefined ? [] : [Number(partNumber)];
  });
  const sorted = numbers.sort((left, right) => left - right);
  return Promise.all(
    sorted.map(async (partNumber) => {
      const { size } = await systemCall(stat(join(folder, `part-${partNumber}`)));
      return { partNumber, bytes: size };
    }),
  );
}

async function* readPart(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file, { highWaterMark: limits.httpSendBytes });
  } catch (error) {
    throw toFileError(error);
  }
}

/** Under a name of its own until all of it is on the disk; two writers of one part leave that of the later one. */
async function writeWhole(
  folder: string,
  name: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<number> {
  const temporary = join(folder, `${randomUUID()}.tmp`);
  const file = await systemCall(open(temporary, "wx", 0o600));
  let bytes = 0;
  try {
    try {
      for await (const chunk of content) {
        await systemCall(file.writeFile(chunk));
        bytes += chunk.length;
      }
      await systemCall(file.sync());
    } finally {
      await file.close();
    }
    await systemCall(rename(temporary, join(folder, name)));
    return bytes;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function* oneChunk(text: string): Generator<Uint8Array> {
  yield Buffer.from(text);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await systemCall(readdir(folder));
  } catch (error) {
    if (hasCode(error, "not-found")) return [];
    throw error;
  }
}

async function systemCall<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw toFileError(error);
  }
}
