import { createHmac, timingSafeEqual } from "node:crypto";
import { FileError } from "../../core/errors.ts";

/** What a signed URL opens, and until when. */
export interface PartGrant {
  readonly uploadId: string;
  readonly expiresAtMs: number;
}

/**
 * The URL of the parts of one upload as a template (RFC 6570) with `{partNumber}` in it, relative to this server. Who
 * has it may send parts of this upload until it expires, and nothing else.
 */
export function partUrlTemplate(secret: Uint8Array, grant: PartGrant): string {
  const query = `expires=${grant.expiresAtMs}&signature=${signatureOf(secret, grant)}`;
  return `/v1/uploads/${grant.uploadId}/parts/{partNumber}?${query}`;
}

/** @throws FileError `permission-denied` for a signature that is not this server's, or is over. */
export function verifyPartUrl(secret: Uint8Array, grant: PartGrant, signature: string): void {
  const expected = Buffer.from(signatureOf(secret, grant));
  const given = Buffer.from(signature);
  const isOurs = given.length === expected.length && timingSafeEqual(given, expected);
  if (isOurs && Date.now() < grant.expiresAtMs) return;
  const rule = isOurs ? "the URL has expired" : "the signature of the URL is wrong";
  throw new FileError("permission-denied", `permission denied: ${rule}`, { rule });
}

function signatureOf(secret: Uint8Array, { uploadId, expiresAtMs }: PartGrant): string {
  return createHmac("sha256", secret).update(`PUT parts\n${uploadId}\n${expiresAtMs}`).digest("base64url");
}
