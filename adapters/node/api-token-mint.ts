import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import { apiTokenPrefix } from "../../core/api-token.ts";
import type { ApiTokenMint } from "../../ports/api-tokens.ts";

const secretBytes = 32;
const form = new RegExp(`^(?<checked>${apiTokenPrefix}[0-9a-f]{${2 * secretBytes}})(?<checksum>[0-9a-f]{8})$`);

/**
 * API tokens: the prefix, 256 random bits and the CRC-32 of all that stands before it, in lower-case hex. The prefix
 * and the checksum let a secret scanner tell a token from any other text without asking the server.
 *
 * Of a token its SHA-256 is kept. That is enough: salt and a slow hash protect secrets that people choose, which can
 * be guessed or stand in a table. Nobody tries 2^256 tokens, however fast the hash is, and a fast one can be looked up.
 */
export const apiTokenMint: ApiTokenMint = {
  create: () => {
    const checked = `${apiTokenPrefix}${randomBytes(secretBytes).toString("hex")}`;
    const token = `${checked}${checksumOf(checked)}`;
    return { token, digest: sha256(token) };
  },
  digestOf: (token) => {
    const { checked = "", checksum } = form.exec(token)?.groups ?? {};
    return checksum === checksumOf(checked) ? sha256(token) : undefined;
  },
};

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
