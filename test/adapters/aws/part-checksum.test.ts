import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { crc32 as crc32FromTables } from "node:zlib";
import fc from "fast-check";
import { crc32 } from "../../../adapters/aws/part-checksum.ts";

describe("the CRC-32 of a part", () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 8 });

  it("is that of Node, however the bytes come", () => {
    const property = fc.property(pieces, (chunks) => {
      const sum = chunks.reduce((before, chunk) => crc32(chunk, before), 0);
      assert.equal(sum, crc32FromTables(Buffer.concat(chunks)));
    });
    fc.assert(property);
  });

  it("is computed without the package for it too", async () => {
    const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
    try {
      await cp(new URL("../../../adapters/aws/part-checksum.ts", import.meta.url), join(directory, "alone.ts"));
      const alone = await import(pathToFileURL(join(directory, "alone.ts")).href);
      assert.equal(alone.crc32, crc32FromTables);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
