import type { ObjectWriter, StoredEntry } from "../../ports/object-store.ts";
import type { Recorder } from "./recorder.ts";
import type { SessionServices } from "./services.ts";
import { TransferRecord, type TransferSubject } from "./transfer.ts";
import { Upload, type UploadOptions } from "./upload.ts";

/** What an upload stands on: also one that no client has asked for. */
export type UploadServices = Pick<SessionServices, "objects" | "runtime">;

/** Gives a writer that the store knows by the transferId. */
export type OpenWriter = (transferId: string) => Promise<ObjectWriter>;

export interface UploadStart {
  readonly recorder: Recorder;
  readonly subject: Omit<TransferSubject, "direction">;
  /** What is there; `update` and `append` build on it. */
  readonly entry: StoredEntry | undefined;
  readonly ended: (upload: Upload) => void;
  /** By default the store gives an empty one. */
  readonly open?: OpenWriter | undefined;
}

/** Starts an upload to a place that has been found free for it. @throws FileError what the store refuses. */
export async function openUpload(
  services: UploadServices,
  { recorder, subject, entry, ended, open }: UploadStart,
  options: UploadOptions,
): Promise<Upload> {
  const { objects, runtime } = services;
  const { objectKey } = subject;
  const keepsContent = options.mode === "update" || options.mode === "append";
  const existing = entry && keepsContent ? await objects.openRead(objectKey) : undefined;
  const record = new TransferRecord(services, recorder, { ...subject, direction: "upload" });
  const { transferId } = record;
  const opening = open ? open(transferId) : objects.openWrite(objectKey, transferId);
  const writer = await opening.catch(async (error: unknown) => {
    await existing?.close();
    throw error;
  });
  record.start();
  const parts = {
    writer,
    existing,
    record,
    sha256: runtime.sha256(),
    published: async () => {
      const outcome = await objects.outcomeOf(objectKey, transferId);
      return outcome === "published" ? objects.stat(objectKey) : undefined;
    },
    discard: () => objects.discard(transferId),
    ended,
  };
  return new Upload(parts, options);
}
