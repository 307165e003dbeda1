import { createRequire } from "node:module";
import { crc32 as crc32FromTables } from "node:zlib";

/**
 * The CRC-32 of the bytes behind those whose CRC-32 is `before`. With the processor's own instructions where the
 * optional package for them is installed: a sixth of the time that Node takes.
 */
export const crc32: (bytes: Uint8Array, before: number) => number = nativeCrc32() ?? crc32FromTables;

function nativeCrc32(): typeof import("@node-rs/crc32").crc32 | undefined {
  try {
    return createRequire(import.meta.url)("@node-rs/crc32").crc32;
  } catch {
    return undefined;
  }
}
