import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { limits } from "../../../core/limits.ts";
import { basic, rawConnection, startApi } from "./rig.ts";

const authorization = basic("acme");

interface Pending {
  readonly uploadId: string;
  readonly partSizeBytes: number;
  readonly partUrl: string;
  readonly parts: readonly unknown[];
}

async function startUploads(t: Parameters<typeof startApi>[0], changes: Parameters<typeof startApi>[1] = {}) {
  const api = await startApi(t, changes);
  const ask = (method: string, target: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(api.url + target, {
      method,
      headers: { authorization, ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  const start = async (body: Record<string, unknown>) => {
    const response = await ask("POST", "/v1/uploads", body);
    assert.equal(response.status, 201);
    return (await response.json()) as Pending;
  };
  const part = (partUrl: string, partNumber: number, body: string, headers: Record<string, string> = {}) =>
    fetch(api.url + partUrl.replace("{partNumber}", `${partNumber}`), { method: "PUT", body, headers });
  const complete = (uploadId: string, headers = {}) =>
    ask("POST", `/v1/uploads/${uploadId}/complete`, undefined, headers);
  const content = async (path: string) => (await ask("GET", `/v1/files?path=${path}`)).text();
  return { ...api, ask, start, part, complete, content };
}

async function refusal(response: Response): Promise<unknown[]> {
  const { code } = (await response.json()) as Record<string, unknown>;
  return [response.status, code];
}

const sha256 = (text: string) => createHash("sha256").update(text).digest();

test("parts in any order become one file, with one transfer on record", async (t) => {
  const { ask, start, part, complete, content, events } = await startUploads(t);
  const upload = await start({ path: "/large", bytes: 11, partSizeBytes: 5 });
  assert.equal(upload.partSizeBytes, 5);
  for (const [partNumber, text] of [
    [3, "d"],
    [1, "wrong"],
    [2, " worl"],
    [1, "hello"],
  ] as const) {
    const response = await part(upload.partUrl, partNumber, text);
    assert.deepEqual([response.status, await response.json()], [200, { partNumber, bytes: text.length }]);
  }
  const seen = (await (await ask("GET", `/v1/uploads/${upload.uploadId}`)).json()) as Pending;
  assert.deepEqual(seen.parts, [
    { partNumber: 1, bytes: 5 },
    { partNumber: 2, bytes: 5 },
    { partNumber: 3, bytes: 1 },
  ]);
  const completed = await complete(upload.uploadId, { "if-none-match": "*" });
  const receipt = (await completed.json()) as Record<string, unknown>;
  assert.equal(completed.status, 201);
  assert.deepEqual([receipt.bytes, receipt.sha256], [11, sha256("hello world").toString("hex")]);
  assert.equal(completed.headers.get("etag"), `"${receipt.etag}"`);
  assert.equal(await content("/large"), "hello world");
  const uploads = events.filter(({ data }) => data.direction === "upload").map(({ type }) => type);
  assert.deepEqual(uploads, ["transfer.started", "transfer.completed"]);
  assert.deepEqual(await refusal(await complete(upload.uploadId)), [404, "not-found"]);
});

test("what is missing or not as announced publishes nothing, and the upload can go on", async (t) => {
  const { ask, start, part, complete, content } = await startUploads(t);
  const { uploadId, partUrl } = await start({ path: "/large", bytes: 3 });
  assert.deepEqual(await refusal(await complete(uploadId)), [422, "integrity"]);
  await part(partUrl, 2, "bc");
  assert.deepEqual(await refusal(await complete(uploadId)), [422, "integrity"]);
  await part(partUrl, 1, "aaa");
  assert.deepEqual(await refusal(await complete(uploadId)), [422, "integrity"]);
  await part(partUrl, 1, "a");
  const wrong = { "repr-digest": `sha-256=:${sha256("x").toString("base64")}:` };
  assert.deepEqual(await refusal(await complete(uploadId, wrong)), [422, "integrity"]);
  assert.equal((await ask("GET", "/v1/files?path=/large")).status, 404);
  const right = { "repr-digest": `sha-256=:${sha256("abc").toString("base64")}:` };
  assert.equal((await complete(uploadId, right)).status, 201);
  assert.equal(await content("/large"), "abc");
});

test("a part that is too large, cut short or not the one announced is not kept", async (t) => {
  const { url, ask, start, part } = await startUploads(t);
  const { uploadId, partUrl } = await start({ path: "/large", partSizeBytes: 5 });
  assert.deepEqual(await refusal(await part(partUrl, 1, "123456")), [413, "too-large"]);
  const digest = { "content-digest": `sha-256=:${sha256("x").toString("base64")}:` };
  assert.deepEqual(await refusal(await part(partUrl, 1, "12345", digest)), [422, "integrity"]);
  const { socket } = rawConnection(url);
  const target = partUrl.replace("{partNumber}", "1");
  socket.write(`PUT ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12`);
  await once(socket, "connect");
  socket.destroy();
  for (const partNumber of [0, limits.uploadParts + 1]) {
    assert.deepEqual(await refusal(await part(partUrl, partNumber, "1")), [400, "invalid-argument"]);
  }
  const seen = (await (await ask("GET", `/v1/uploads/${uploadId}`)).json()) as Pending;
  assert.deepEqual(seen.parts, []);
});

test("a URL opens the parts of its upload until it expires, and nothing when it was changed", async (t) => {
  const { start, part } = await startUploads(t);
  const [first, second] = [await start({ path: "/a" }), await start({ path: "/b" })];
  const forged = [
    first.partUrl.replace(first.uploadId, second.uploadId),
    first.partUrl.replace(/expires=\d/, "expires=9"),
    first.partUrl.replace(/signature=./, "signature=~"),
    first.partUrl.replace(/signature=.*/, "signature=x"),
  ];
  for (const partUrl of forged)
    assert.deepEqual(await refusal(await part(partUrl, 1, "x")), [403, "permission-denied"]);
  assert.equal((await part(first.partUrl.replace(/&signature.*/, ""), 1, "x")).status, 400);
  assert.equal((await part(first.partUrl, 1, "x")).status, 200);
});

test("the URL opens nothing any more when the account is disabled", async (t) => {
  const { testAccount } = await import("../../support/memory-ports.ts");
  const account = { current: testAccount({ name: "acme" }) };
  const { start, part } = await startUploads(t, { accounts: { find: async () => account.current } });
  const { partUrl } = await start({ path: "/a" });
  account.current = testAccount({ name: "acme", enabled: false });
  assert.deepEqual(await refusal(await part(partUrl, 1, "x")), [403, "permission-denied"]);
});

test("an upload belongs to its account, and ends when it is given up", async (t) => {
  const { ask, start, part } = await startUploads(t);
  const { uploadId, partUrl } = await start({ path: "/a" });
  const other = { authorization: basic("root") };
  for (const [method, suffix] of [
    ["GET", ""],
    ["DELETE", ""],
    ["POST", "/complete"],
  ] as const) {
    const response = await ask(method, `/v1/uploads/${uploadId}${suffix}`, undefined, other);
    assert.deepEqual(await refusal(response), [404, "not-found"]);
  }
  const listed = async (headers = {}) => {
    const { uploads } = (await (await ask("GET", "/v1/uploads", undefined, headers)).json()) as { uploads: Pending[] };
    return uploads.map((upload) => [upload.uploadId, upload.partUrl]);
  };
  assert.deepEqual([await listed(), await listed(other)], [[[uploadId, partUrl]], []]);
  for (const name of ["nonsense", "%2e%2e%2fkeys", "%2e%2e"]) {
    assert.equal((await ask("GET", `/v1/uploads/${name}`)).status, 404, name);
  }
  assert.equal((await ask("DELETE", `/v1/uploads/${uploadId}`)).status, 204);
  assert.deepEqual(await listed(), []);
  assert.deepEqual(await refusal(await part(partUrl, 1, "x")), [404, "not-found"]);
});

test("an upload is refused at its start where it would be refused at its end", async (t) => {
  const { ask } = await startUploads(t);
  const start = (body: unknown, headers = {}) => ask("POST", "/v1/uploads", body, headers);
  await ask("PUT", "/v1/files?path=/there");
  assert.deepEqual(await refusal(await start({ path: "/no/folder/a" })), [404, "not-found"]);
  const exclusive = { "if-none-match": "*" };
  assert.deepEqual(await refusal(await start({ path: "/there" }, exclusive)), [412, "precondition-failed"]);
  assert.deepEqual(await refusal(await start({ path: "/a", bytes: -1 })), [400, "invalid-argument"]);
  assert.deepEqual(await refusal(await start({ path: "/a", size: 1 })), [400, "invalid-argument"]);
});

test("an account has no more pending uploads than the limit, and parts are large enough for the file", async (t) => {
  const { ask, start } = await startUploads(t);
  const { partSizeBytes } = await start({ path: "/a", bytes: limits.fileBytes });
  assert.ok(partSizeBytes * limits.uploadParts >= limits.fileBytes);
  for (let count = 1; count < limits.pendingUploadsPerAccount; count += 1) await start({ path: "/a" });
  assert.deepEqual(await refusal(await ask("POST", "/v1/uploads", { path: "/a" })), [507, "quota-exceeded"]);
});

test("an upload that nobody completes is removed after its time", async (t) => {
  let nowMs = Date.now();
  const { services } = await startApi(t);
  const { uploads, ask, start } = await startUploads(t, { runtime: { ...services.runtime, now: () => nowMs } });
  const { uploadId } = await start({ path: "/a" });
  await uploads.partUploads.removeExpired();
  assert.equal((await ask("GET", `/v1/uploads/${uploadId}`)).status, 200);
  nowMs += limits.pendingUploadMs;
  assert.equal((await ask("GET", `/v1/uploads/${uploadId}`)).status, 404);
  await uploads.partUploads.removeExpired();
  nowMs = 0;
  assert.equal((await ask("GET", `/v1/uploads/${uploadId}`)).status, 404);
});
