import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** By their names in draft-bryan-ftp-hash §3.3, the default one first. */
export const hashAlgorithms = ["SHA-256", "CRC32"] as const;

export type HashAlgorithm = (typeof hashAlgorithms)[number];

/** A running checksum; `hex` ends it. */
export interface Checksum {
  update(chunk: Uint8Array): void;
  hex(): string;
}

export function createChecksum(algorithm: HashAlgorithm): Checksum {
  if (algorithm === "SHA-256") {
    const hash = createHash("sha256");
    return { update: (chunk) => void hash.update(chunk), hex: () => hash.digest("hex") };
  }
  let value = 0;
  return {
    update: (chunk) => {
      value = crc32(chunk, value);
    },
    hex: () => value.toString(16).padStart(8, "0"),
  };
}
