import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import type { ApiClient } from "../../client/api-client.ts";
import { download, listFolder, upload } from "../../client/files.ts";
import { resumeUpload, uploadInParts } from "../../client/parts.ts";
import { login } from "../../client/session.ts";
import { startApi } from "../protocols/http/rig.ts";

const content = randomBytes(1_000_000);
const sha256 = createHash("sha256").update(content).digest("hex");

const bytesOf = async (stream: ReadableStream<Uint8Array>) => Buffer.from(await new Response(stream).arrayBuffer());
const asAcme = (url: string, send?: typeof fetch) =>
  login({ url, username: "acme", password: "password", ...(send && { fetch: send }) });

test("a stream that is uploaded comes back as a stream, whole or from an offset", async (t) => {
  const { url } = await startApi(t);
  const client = await asAcme(url);
  const receipt = await upload(client, "/a b+ü.bin", new Blob([content]).stream(), { sha256, replaces: "none" });
  assert.deepEqual([receipt.bytes, receipt.sha256], [content.length, sha256]);
  const whole = await download(client, "/a b+ü.bin");
  assert.deepEqual([whole.etag, whole.bytes], [receipt.etag, content.length]);
  assert.ok(content.equals(await bytesOf(whole.content)));
  const rest = await download(client, "/a b+ü.bin", { from: 999_000, etag: receipt.etag });
  assert.ok(content.subarray(999_000).equals(await bytesOf(rest.content)));
  await assert.rejects(download(client, "/a b+ü.bin", { etag: "0" }), { code: "precondition-failed" });
});

test("another content than was announced, or another version, is not replaced", async (t) => {
  const { url } = await startApi(t);
  const client = await asAcme(url);
  await assert.rejects(upload(client, "/a", "other", { sha256 }), { status: 422, code: "integrity" });
  const { etag } = await upload(client, "/a", "first");
  await assert.rejects(upload(client, "/a", "second", { replaces: "none" }), { status: 412 });
  await upload(client, "/a", "second", { replaces: { etag } });
  await assert.rejects(upload(client, "/a", "third", { replaces: { etag } }), { status: 412 });
});

test("a folder is listed page after page", async (t) => {
  const { url } = await startApi(t);
  const client = await asAcme(url);
  const names = ["a", "b", "c", "d", "e"];
  for (const name of names) await upload(client, `/${name}`, name);
  const listed: string[] = [];
  for await (const { name } of listFolder(client, "/", 2)) listed.push(name);
  assert.deepEqual(listed, names);
});

test("a large file goes up in parts, and goes on where it broke off", async (t) => {
  const { url } = await startApi(t);
  let parts = 0;
  let failsAfter = 3;
  const client = await asAcme(url, async (input, init) => {
    if (`${input}`.includes("/parts/")) {
      assert.equal(new Headers(init?.headers).get("authorization"), null, "a signed URL needs no login");
      parts += 1;
      if (parts > failsAfter) throw new Error("the network is gone");
    }
    return fetch(input, init);
  });
  let uploadId = "";
  const started = (id: string) => {
    uploadId = id;
  };
  const options = { partSizeBytes: 100_000, concurrency: 2, started };
  const source = new Blob([content]);
  await assert.rejects(uploadInParts(client, "/large.bin", source, options), /the network is gone/);
  await assert.rejects(statusOf(client, "/large.bin"), { status: 404 });
  failsAfter = 100;
  const before = parts;
  const receipt = await resumeUpload(client, uploadId, source, { sha256 });
  assert.deepEqual([receipt.bytes, receipt.sha256], [content.length, sha256]);
  assert.ok(parts - before <= 10 - 2, `${parts - before} parts were sent again`);
  assert.ok(content.equals(await bytesOf((await download(client, "/large.bin")).content)));
});

test("an empty file goes up in parts, too", async (t) => {
  const { url } = await startApi(t);
  const client = await asAcme(url);
  assert.equal((await uploadInParts(client, "/empty", new Blob([]))).bytes, 0);
});

async function statusOf(client: ApiClient, path: string): Promise<number> {
  const { content: stream } = await download(client, path);
  await stream.cancel();
  return 200;
}
