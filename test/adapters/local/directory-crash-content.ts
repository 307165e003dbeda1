import assert from "node:assert/strict";

/** A file that says which one it is and how long, so that a torn or mixed one can be told. */
export function contentOf(objectKey: string, version: number, size: number): Buffer {
  const header = `${objectKey} ${version} ${size}\n`;
  return Buffer.concat([Buffer.from(header), Buffer.alloc(size, header)]);
}

/** The version of a file that {@link contentOf} made. @throws AssertionError when it is not whole. */
export function versionOf(objectKey: string, content: Buffer): number {
  const [name, version, size] = content.toString("utf8", 0, content.indexOf("\n")).split(" ");
  assert.equal(name, objectKey);
  assert.ok(content.equals(contentOf(objectKey, Number(version), Number(size))), `${objectKey} is torn`);
  return Number(version);
}
