import type { ArchiveFormat } from "../../core/archive-format.ts";
import type { DerivingStep, PgpStep } from "../../core/dispatch.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { nameOf } from "../../core/virtual-path.ts";
import type { ObjectReader, ObjectWriter } from "../../ports/object-store.ts";
import type { OpenPgp } from "../../ports/openpgp.ts";
import { assertConvertible, assertTimeLeft } from "./conversion-bounds.ts";
import type { DispatchServices } from "./dispatch-services.ts";
import { type PinnedContent, takeAway } from "./dispatched-file.ts";
import { type ContentEffect, type Intent, intentOf, type Placing } from "./placing.ts";

type Content = AsyncIterable<Uint8Array>;
export type Derive = (services: DispatchServices, placing: Placing, content: PinnedContent) => Content;

const pieceBytes = 256 * 1024;

/** What is made of a file, next to it. */
function deriveFor(step: DerivingStep | PgpStep): Derive {
  switch (step.action) {
    case "checksum":
      return checksum;
    case "extract":
      return extractGzip;
    case "compress":
      return step.format === undefined || step.format === "gzip" ? compressGzip : packInto(step.format);
    default:
      return throughPgp(step);
  }
}

/** What is decrypted may have been compressed, so it is bounded as what is extracted. */
function throughPgp(step: PgpStep): Derive {
  return (services, placing, content) => {
    const pgp = pgpOf(services);
    const message = contentOf(services, placing, content);
    if (step.action === "encrypt") return pgp.encrypt(message, step);
    const plain = step.action === "decrypt" ? pgp.decrypt(message, step) : pgp.verify(message, step.signedBy);
    return bounded(plain, content.bytes);
  };
}

export function pgpOf({ pgp }: DispatchServices): OpenPgp {
  if (pgp) return pgp;
  throw new FileError("unsupported", "this server has no OpenPGP keys");
}

/** As sha256sum writes and checks it. */
const checksum: Derive = async function* ({ conversions }, { file }, { sha256 }) {
  yield conversions.utf8(`${sha256}  ${nameOf(file.path)}\n`);
};

const compressGzip: Derive = (services, placing, content) =>
  services.conversions.gzip(contentOf(services, placing, content));

const extractGzip: Derive = (services, placing, content) =>
  bounded(services.conversions.gunzip(contentOf(services, placing, content)), content.bytes);

function packInto(format: ArchiveFormat): Derive {
  return (services, placing, { bytes, modifiedAtMs, ...pinned }) => {
    const content = contentOf(services, placing, { bytes, modifiedAtMs, ...pinned });
    return services.archives.pack(format, { name: nameOf(placing.file.path), bytes, modifiedAtMs, content });
  };
}

/** Makes one file of another; the result appears whole. What it will be is noted before it is published. */
export function derivation(step: DerivingStep | PgpStep): ContentEffect {
  return derived(deriveFor(step), step.action !== "checksum");
}

/** As {@link derivation}, of what `derive` makes. @param takesAway whether the result takes the place of the file */
export function derived(derive: Derive, takesAway = false): ContentEffect {
  return {
    takesAway,
    put: async (services, placing, path, content) => {
      const objectKey = placing.destination.folders.objectKeyFor(path);
      const transferId = services.runtime.newId();
      const writer = await services.objects.openWrite(objectKey, transferId);
      try {
        const written = await write(services, writer, derive(services, placing, content));
        const intent = intentOf(path, written, content);
        await placing.turn.annotate(JSON.stringify(intent));
        const exclusive = placing.destination.overwrite !== "replace";
        const { etag } = await writer.publish({ exclusive, modifiedAtMs: content.modifiedAtMs });
        if (takesAway) await takeAway(services, { ...placing.file, sha256: content.sha256 });
        return { ...intent, etag };
      } catch (error) {
        await writer.abort().catch(() => {});
        await services.objects.discard(transferId).catch(() => {});
        throw error;
      }
    },
  };
}

async function write(
  { runtime }: DispatchServices,
  writer: ObjectWriter,
  content: Content,
): Promise<Pick<Intent, "bytes" | "sha256">> {
  const sha256 = runtime.sha256();
  let bytes = 0;
  for await (const piece of content) {
    sha256.update(piece);
    await writer.write(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: sha256.hex() };
}

/**
 * The bytes of the version that was found.
 * @throws FileError `unavailable` when it is another by now, or there is no time left; `too-large` as the bounds say
 */
export async function* contentOf(
  services: DispatchServices,
  { file }: Pick<Placing, "file">,
  { etag }: PinnedContent,
): Content {
  const reader: ObjectReader = await services.objects.openRead(file.objectKey);
  try {
    if (reader.entry.etag !== etag) throw new FileError("unavailable", "the file was changed in this moment");
    assertConvertible(services, reader.entry.size);
    for (let position = 0; ; ) {
      assertTimeLeft(services);
      const piece = new Uint8Array(Math.min(pieceBytes, Math.max(1, reader.entry.size)));
      const count = await reader.read(piece, position);
      if (count === 0) return;
      yield piece.subarray(0, count);
      position += count;
    }
  } finally {
    await reader.close();
  }
}

/** A small file that becomes a huge one is an attack on the disk. */
async function* bounded(content: Content, compressedBytes: number): Content {
  const most = Math.min(limits.fileBytes, limits.extractedBytes + compressedBytes * limits.extractionRatio);
  let bytes = 0;
  for await (const piece of content) {
    bytes += piece.length;
    if (bytes > most) throw new FileError("too-large", `the content is over ${limits.extractionRatio} times as large`);
    yield piece;
  }
}
