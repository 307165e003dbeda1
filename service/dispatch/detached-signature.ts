import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { contentOf, pgpOf } from "./derivation.ts";
import { recordStep, type StepRun } from "./dispatch-record.ts";
import type { DispatchServices } from "./dispatch-services.ts";
import { type DispatchedFile, pin } from "./dispatched-file.ts";

/**
 * Looks whether one of the keys has signed the file, by a signature beside it: `NAME.sig` or `NAME.asc`. The file stays
 * as it is.
 * @returns the file, or why there was nothing to do
 * @throws FileError `unavailable` while there is no signature: it may come later; `integrity` for a wrong one
 */
export async function verifyDetached(
  services: DispatchServices,
  run: StepRun,
  file: DispatchedFile,
  signedBy: readonly string[],
): Promise<DispatchedFile | { readonly skipped: string }> {
  const content = await pin(services, file);
  if (typeof content === "string") return { skipped: content };
  const signature = await signatureBeside(services, file);
  await pgpOf(services).verifyDetached(contentOf(services, { file }, content), signature, signedBy);
  await recordStep(services, run, {
    type: "dispatch.completed",
    message: `verify of ${file.path} completed`,
    data: { path: file.path, objectKey: file.objectKey, bytes: content.bytes, sha256: content.sha256, signedBy },
  });
  return { ...file, sha256: content.sha256 };
}

async function signatureBeside({ objects }: DispatchServices, file: DispatchedFile): Promise<Uint8Array> {
  for (const extension of [".sig", ".asc"]) {
    const entry = await objects.stat(`${file.objectKey}${extension}`);
    if (entry?.type !== "file") continue;
    if (entry.size > limits.pgpSignatureBytes) throw new FileError("too-large", "the signature is too large");
    const reader = await objects.openRead(`${file.objectKey}${extension}`);
    try {
      const signature = new Uint8Array(reader.entry.size);
      return signature.subarray(0, await reader.read(signature, 0));
    } finally {
      await reader.close();
    }
  }
  throw new FileError("unavailable", `there is no signature beside ${file.path} (.sig or .asc)`);
}
