import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import { basic, rawConnection, startApi } from "./rig.ts";

const authorization = basic("acme");
const sha256 = (content: string, encoding: "hex" | "base64") => createHash("sha256").update(content).digest(encoding);

async function startFiles(t: Parameters<typeof startApi>[0], changes: Parameters<typeof startApi>[1] = {}) {
  const api = await startApi(t, changes);
  const files = (method: string, path: string, init: RequestInit = {}, query = "") => {
    const headers = { authorization, ...(init.headers as Record<string, string>) };
    return fetch(`${api.url}/v1/files?path=${encodeURIComponent(path)}${query}`, { ...init, method, headers });
  };
  const put = async (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
    files("PUT", path, { body, headers });
  const operate = (operation: unknown) =>
    fetch(`${api.url}/v1/operations`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify(operation),
    });
  const ofType = (type: string) => api.events.filter((event) => event.type === type);
  return { ...api, files, put, operate, ofType };
}

async function refusal(response: Response): Promise<unknown[]> {
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const { code, field } = (await response.json()) as Record<string, unknown>;
  return field === undefined ? [response.status, code] : [response.status, code, field];
}

test("an upload answers a receipt that agrees with the record and with what is read back", async (t) => {
  const { files, put, ofType } = await startFiles(t);
  const response = await put("/a b ü.txt", "hello");
  const receipt = (await response.json()) as Record<string, unknown>;
  assert.equal(response.status, 201);
  assert.deepEqual(Object.keys(receipt), ["transferId", "bytes", "sha256", "etag"]);
  assert.deepEqual([receipt.bytes, receipt.sha256], [5, sha256("hello", "hex")]);
  assert.equal(response.headers.get("etag"), `"${receipt.etag}"`);
  const [completed] = ofType("transfer.completed");
  const { transferId, bytes, sha256: recorded, etag } = completed?.data ?? {};
  assert.deepEqual({ transferId, bytes, sha256: recorded, etag }, receipt);
  const read = await files("GET", "/a b ü.txt");
  assert.deepEqual([read.status, await read.text()], [200, "hello"]);
  assert.equal(read.headers.get("etag"), `"${receipt.etag}"`);
  assert.equal(read.headers.get("accept-ranges"), "bytes");
  assert.equal(read.headers.get("content-length"), "5");
  assert.ok(Date.parse(read.headers.get("last-modified") ?? "") <= Date.now());
  assert.equal(
    read.headers.get("content-disposition"),
    "attachment; filename=\"a b _.txt\"; filename*=UTF-8''a%20b%20%C3%BC.txt",
  );
});

test("a session with Basic ends when the last byte is sent, after the end of the transfer", async (t) => {
  const { files, put, types } = await startFiles(t);
  await put("/a", "hello");
  const before = types().length;
  await (await files("GET", "/a")).text();
  while (types().at(-1) !== "session.ended") await new Promise(setImmediate);
  const login = ["session.started", "authentication.succeeded"];
  assert.deepEqual(types().slice(before), [...login, "transfer.started", "transfer.completed", "session.ended"]);
});

test("one range is answered with 206, and one outside the file with 416", async (t) => {
  const { files, put } = await startFiles(t);
  await put("/a", "0123456789");
  const cases: [string, number, string, string | null][] = [
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=4-", 206, "456789", "bytes 4-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=8-99", 206, "89", "bytes 8-9/10"],
    ["Bytes = 2 - 2", 206, "2", "bytes 2-2/10"],
    ["bytes=3-2", 200, "0123456789", null],
    ["bytes=0-1,4-5", 200, "0123456789", null],
    ["lines=0-1", 200, "0123456789", null],
    ["nonsense", 200, "0123456789", null],
  ];
  for (const [range, status, content, contentRange] of cases) {
    const response = await files("GET", "/a", { headers: { range } });
    assert.deepEqual([response.status, await response.text()], [status, content], range);
    assert.equal(response.headers.get("content-range"), contentRange, range);
    const head = await files("HEAD", "/a", { headers: { range } });
    assert.deepEqual([head.status, head.headers.get("content-length")], [status, `${content.length}`], range);
  }
  for (const range of ["bytes=10-", "bytes=11-12", "bytes=-0"]) {
    const response = await files("GET", "/a", { headers: { range } });
    assert.equal(response.headers.get("content-range"), "bytes */10");
    assert.deepEqual(await refusal(response), [416, "range-not-satisfiable"]);
  }
});

test("conditions of a download are looked at before anything is transferred", async (t) => {
  const { files, put, ofType } = await startFiles(t);
  const etag = (await put("/a", "0123456789")).headers.get("etag") ?? "";
  const modified = (await files("HEAD", "/a")).headers.get("last-modified") ?? "";
  const later = new Date(Date.now() + 60_000).toUTCString();
  const earlier = new Date(Date.now() - 60_000).toUTCString();
  const cases: [Record<string, string>, number][] = [
    [{ "if-none-match": etag }, 304],
    [{ "if-none-match": `W/${etag}` }, 304],
    [{ "if-none-match": `"other", ${etag}` }, 304],
    [{ "if-none-match": "*" }, 304],
    [{ "if-none-match": '"other"', "if-modified-since": later }, 200],
    [{ "if-modified-since": modified }, 304],
    [{ "if-modified-since": earlier }, 200],
    [{ "if-modified-since": "nonsense" }, 200],
    [{ "if-match": etag }, 200],
    [{ "if-match": "*" }, 200],
    [{ "if-match": etag.replaceAll('"', "") }, 200],
    [{ "if-match": `W/${etag}` }, 412],
    [{ "if-match": '"other"' }, 412],
    [{ "if-unmodified-since": earlier }, 412],
    [{ "if-unmodified-since": later }, 200],
    [{ "if-range": etag, range: "bytes=0-0" }, 206],
    [{ "if-range": '"other"', range: "bytes=0-0" }, 200],
    [{ "if-range": `W/${etag}`, range: "bytes=0-0" }, 200],
    [{ "if-range": modified, range: "bytes=0-0" }, 206],
    [{ "if-range": earlier, range: "bytes=0-0" }, 200],
    [{ "if-none-match": etag, range: "bytes=99-" }, 304],
  ];
  const started = ofType("transfer.started").length;
  let transferred = 0;
  for (const [headers, status] of cases) {
    const response = await files("GET", "/a", { headers });
    assert.equal(response.status, status, JSON.stringify(headers));
    await response.arrayBuffer();
    if (status === 304) assert.equal(response.headers.get("etag"), etag);
    if (status < 300) transferred += 1;
    assert.equal((await files("HEAD", "/a", { headers })).status, status, `HEAD ${JSON.stringify(headers)}`);
  }
  assert.equal(ofType("transfer.started").length - started, transferred);
});

test("an upload can ask that no file, or only one version, is replaced", async (t) => {
  const { files, put, ofType } = await startFiles(t);
  const content = async () => (await files("GET", "/a")).text();
  assert.deepEqual(await refusal(await put("/a", "0", { "if-match": "*" })), [412, "precondition-failed"]);
  assert.equal((await put("/a", "1", { "if-none-match": "*" })).status, 201);
  assert.deepEqual(await refusal(await put("/a", "2", { "if-none-match": "*" })), [412, "precondition-failed"]);
  assert.equal(await content(), "1");
  const etag = (await files("HEAD", "/a")).headers.get("etag") ?? "";
  assert.equal((await put("/a", "3", { "if-match": etag })).status, 201);
  assert.deepEqual(await refusal(await put("/a", "4", { "if-match": etag })), [412, "precondition-failed"]);
  assert.equal((await put("/a", "5", { "if-match": "*" })).status, 201);
  assert.equal(await content(), "5");
  assert.equal(ofType("transfer.started").length, 3 + 2);
  for (const [field, value] of [
    ["if-none-match", '"a"'],
    ["if-match", '"a", "b"'],
    ["if-unmodified-since", new Date().toUTCString()],
  ] as const) {
    assert.deepEqual(await refusal(await put("/a", "6", { [field]: value })), [400, "invalid-argument", field]);
  }
});

test("an announced digest is held against the content, and a wrong one publishes nothing", async (t) => {
  const { files, put, ofType } = await startFiles(t);
  const right = sha256("hello", "base64");
  const wrong = sha256("other", "base64");
  for (const headers of [
    { "content-digest": `sha-256=:${right}:` },
    { "content-digest": `sha-512=:AAAA:, sha-256=:${right}:` },
    { "repr-digest": `sha-256=:${right}:` },
    { "x-amz-checksum-sha256": right },
  ]) {
    assert.equal((await put("/right", "hello", headers)).status, 201, JSON.stringify(headers));
  }
  for (const headers of [{ "content-digest": `sha-256=:${wrong}:` }, { "x-amz-checksum-sha256": wrong }]) {
    assert.deepEqual(await refusal(await put("/wrong", "hello", headers)), [422, "integrity"]);
  }
  assert.equal((await files("GET", "/wrong")).status, 404);
  assert.equal(ofType("transfer.aborted").length, 2);
  const unreadable: [string, string][] = [
    ["content-digest", `sha-512=:${right}:`],
    ["content-digest", `sha-256=${right}`],
    ["content-digest", "sha-256=:AAAA:"],
    ["x-amz-checksum-sha256", "@"],
  ];
  for (const [field, value] of unreadable) {
    assert.deepEqual(await refusal(await put("/x", "hello", { [field]: value })), [400, "invalid-argument", field]);
  }
  const both = { "content-digest": `sha-256=:${right}:`, "x-amz-checksum-sha256": wrong };
  assert.equal((await refusal(await put("/x", "hello", both)))[0], 400);
});

test("a part of a file and coded content are refused", async (t) => {
  const { put } = await startFiles(t);
  const part = { "content-range": "bytes 0-4/10" };
  assert.deepEqual(await refusal(await put("/a", "hello", part)), [400, "invalid-argument", "content-range"]);
  const coded = { "content-encoding": "gzip" };
  assert.deepEqual(await refusal(await put("/a", "hello", coded)), [415, "unsupported-media-type"]);
});

test("a connection that is cut in the middle publishes nothing and leaves an aborted transfer", async (t) => {
  const { url, files, ofType, services } = await startFiles(t);
  const { socket } = rawConnection(url);
  const head = `PUT /v1/files?path=/cut HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n`;
  socket.write(`${head}Content-Length: 1000000\r\n\r\n${"x".repeat(1000)}`);
  while (ofType("transfer.started").length === 0) await new Promise(setImmediate);
  socket.destroy();
  while (ofType("session.ended").length === 0) await new Promise(setImmediate);
  assert.match(String(ofType("transfer.aborted")[0]?.data.reason), /connection was lost/);
  assert.equal((await files("GET", "/cut")).status, 404);
  assert.deepEqual(await services.objects.stagedUploads(), []);
});

test("a client that goes away leaves an aborted download", async (t) => {
  const { url, put, ofType } = await startFiles(t);
  await put("/large", new Uint8Array(50_000_000));
  const { socket } = rawConnection(url);
  socket.write(`GET /v1/files?path=/large HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`);
  await once(socket, "data");
  socket.destroy();
  while (ofType("transfer.aborted").length === 0) await new Promise(setImmediate);
  const { direction, reason } = ofType("transfer.aborted")[0]?.data ?? {};
  assert.deepEqual([direction, reason], ["download", "the client closed the connection"]);
});

test("content is asked for only once the client may send it", async (t) => {
  const { url } = await startFiles(t);
  const talk = async (user: string, path: string) => {
    const { socket, received } = rawConnection(url);
    const head = `PUT /v1/files?path=${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: ${user}\r\n`;
    socket.write(`${head}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
    const [first] = (await once(socket, "data")) as [Buffer];
    if (first.toString().startsWith("HTTP/1.1 100")) socket.write("hello");
    return received;
  };
  assert.match(await talk(authorization, "/a"), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /);
  assert.match(await talk(basic("acme", "wrong"), "/a"), /^HTTP\/1\.1 401 /);
  assert.match(await talk(authorization, "/no/such/folder"), /^HTTP\/1\.1 404 /);
});

test("an upload that the store refuses half way is answered before the client has sent everything", async (t) => {
  const full = () => Promise.reject(new FileError("quota-exceeded", "the disk is full"));
  const { services } = await startFiles(t);
  const openWrite = async (objectKey: string, transferId: string) => ({
    ...(await services.objects.openWrite(objectKey, transferId)),
    write: full,
  });
  const { put } = await startFiles(t, { objects: { ...services.objects, openWrite } });
  assert.deepEqual(await refusal(await put("/a", new Uint8Array(3_000_000))), [507, "quota-exceeded"]);
});

test("folders are made, listed, and deleted when they are empty or with everything in them", async (t) => {
  const { files, put } = await startFiles(t);
  const made = await files("PUT", "/made//");
  assert.deepEqual([made.status, await made.json()], [201, { path: "/made/" }]);
  assert.deepEqual(await refusal(await files("PUT", "/made/")), [409, "already-exists"]);
  assert.deepEqual(await refusal(await put("/made/", "content")), [400, "invalid-argument"]);
  await files("PUT", "/made/sub/");
  await put("/made/sub/a", "1");
  await put("/made/b", "22");
  const listing = (await (await files("GET", "/made/")).json()) as { entries: Record<string, unknown>[] };
  assert.deepEqual(
    listing.entries.map(({ name, type, size }) => [name, type, size]),
    [
      ["b", "file", 2],
      ["sub", "directory", 0],
    ],
  );
  assert.deepEqual(Object.keys(listing), ["entries"]);
  assert.match(String(listing.entries[0]?.modified), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(await refusal(await files("DELETE", "/made/")), [409, "directory-not-empty"]);
  assert.deepEqual(await refusal(await files("DELETE", "/made/b", {}, "&recursive=true")), [
    400,
    "invalid-argument",
    "recursive",
  ]);
  const deleted = await files("DELETE", "/made/", {}, "&recursive=true");
  assert.deepEqual([deleted.status, await deleted.text()], [204, ""]);
  assert.deepEqual(await refusal(await files("GET", "/made/")), [404, "not-found"]);
});

test("a folder is no file, and a file no folder", async (t) => {
  const { files, put } = await startFiles(t);
  await files("PUT", "/folder/");
  await put("/file", "x");
  for (const method of ["GET", "DELETE"]) {
    assert.deepEqual(await refusal(await files(method, "/folder")), [409, "not-a-file"], method);
    assert.deepEqual(await refusal(await files(method, "/file/")), [409, "not-a-directory"], method);
  }
  assert.equal((await files("HEAD", "/folder")).status, 409);
  assert.deepEqual(await refusal(await put("/folder", "x")), [409, "not-a-file"]);
  assert.deepEqual(await refusal(await put("/file/below", "x")), [409, "not-a-directory"]);
});

test("a deletion can ask for one version", async (t) => {
  const { files, put } = await startFiles(t);
  const etag = (await put("/a", "x")).headers.get("etag") ?? "";
  const remove = (ifMatch: string) => files("DELETE", "/a", { headers: { "if-match": ifMatch } });
  assert.deepEqual(await refusal(await remove('"other"')), [412, "precondition-failed"]);
  assert.equal((await remove(etag)).status, 204);
});

test("pages of a folder follow each other without gap or repetition", async (t) => {
  const { url, files, services } = await startFiles(t);
  const names = Array.from({ length: 25 }, (_, index) => `file-${index}-ü`).sort();
  for (const name of names) await (await files("PUT", `/${name}`)).text();
  const seen: string[] = [];
  let target = "?path=/&limit=7";
  let pages = 0;
  while (target !== "") {
    const response = await fetch(`${url}/v1/files${target}`, { headers: { authorization } });
    const page = (await response.json()) as { entries: { name: string }[]; next?: string };
    seen.push(...page.entries.map(({ name }) => name));
    pages += 1;
    const link = /<(?<next>[^>]+)>; rel="next"/.exec(response.headers.get("link") ?? "")?.groups?.next ?? "";
    assert.equal(new URLSearchParams(link).get("cursor") ?? undefined, page.next);
    target = link;
  }
  assert.deepEqual([seen, pages], [names, 4]);
  assert.equal(services.runtime.logged.length, 0);
});

test("virtual folders stand in their place in the pages", async (t) => {
  const { testAccount } = await import("../../support/memory-ports.ts");
  const folders = [
    { path: "/m", prefix: "shared" },
    { path: "/z/deep", prefix: "deep" },
  ];
  const account = testAccount({ name: "acme", folders });
  const { url, files } = await startFiles(t, { accounts: { find: async () => account } });
  for (const name of ["/a", "/k", "/p", "/zz"]) await files("PUT", name);
  const seen: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const query = cursor === "" ? "" : `&cursor=${cursor}`;
    const response = await fetch(`${url}/v1/files?path=/&limit=2${query}`, { headers: { authorization } });
    const page = (await response.json()) as { entries: { name: string }[]; next?: string };
    assert.ok(page.entries.length <= 2);
    seen.push(...page.entries.map(({ name }) => name));
    cursor = page.next;
  }
  assert.deepEqual(seen, ["a", "k", "m", "p", "z", "zz"]);
});

test("files are renamed and copied, and replaced only when that is asked for", async (t) => {
  const { files, put, operate } = await startFiles(t);
  await put("/a", "1");
  await put("/b", "2");
  const rename = { op: "rename", from: "/a", to: "/b" };
  assert.deepEqual(await refusal(await operate(rename)), [409, "already-exists"]);
  const renamed = await operate({ ...rename, overwrite: true });
  assert.deepEqual([renamed.status, await renamed.json()], [200, rename]);
  const copied = await operate({ op: "copy", from: "/b", to: "/c" });
  const { bytes, etag } = (await copied.json()) as Record<string, unknown>;
  assert.deepEqual([copied.status, bytes], [200, 1]);
  assert.equal((await files("HEAD", "/c")).headers.get("etag"), `"${etag}"`);
  assert.deepEqual(await refusal(await operate({ op: "copy", from: "/none", to: "/d" })), [404, "not-found"]);
  assert.deepEqual(await refusal(await operate({ op: "link", from: "/a", to: "/b" })), [400, "invalid-argument", "op"]);
  assert.deepEqual(await refusal(await operate({ ...rename, why: 1 })), [400, "invalid-argument", "why"]);
});

test("what is wrong in a query is refused by name", async (t) => {
  const { url } = await startFiles(t);
  const cases: [string, string][] = [
    ["", "path"],
    ["?path=", "path"],
    ["?path=/a&path=/b", "path"],
    ["?path=/&limit=0", "limit"],
    ["?path=/&limit=1001", "limit"],
    ["?path=/&limit=1e2", "limit"],
    ["?path=/&cursor=Li4", "cursor"],
    ["?path=/&cursor=nonsense", "cursor"],
    ["?path=/&cursor=no%20cursor!", "cursor"],
    ["?path=/&format=tar", "format"],
    ["?path=/&depth=1", "depth"],
    ["?path=/a&limit=1", "limit"],
  ];
  for (const [query, field] of cases) {
    const response = await fetch(`${url}/v1/files${query}`, { headers: { authorization } });
    assert.deepEqual(await refusal(response), [400, "invalid-argument", field], query);
  }
  for (const path of ["%00", "%0a", `/${"x".repeat(limits.pathSegmentBytes + 1)}`]) {
    const response = await fetch(`${url}/v1/files?path=${path}`, { headers: { authorization } });
    assert.deepEqual(await refusal(response), [400, "invalid-path"], path);
  }
});
