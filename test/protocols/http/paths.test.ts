import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { basic, startApi } from "./rig.ts";

const authorization = basic("acme");

/** PUT of `body` to a query that is sent as it is. */
async function putRaw(url: string, query: string, body: string): Promise<[number, string | undefined]> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  const head = `PUT /v1/files?${query} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: ${authorization}\r\n`;
  socket.end(Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, "latin1"));
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "close");
  const answer = Buffer.concat(chunks).toString();
  return [Number(answer.split(" ")[1]), /"code":"(?<code>[^"]*)"/.exec(answer)?.groups?.code];
}

async function operate(url: string, operation: object): Promise<Response> {
  const headers = { authorization, "content-type": "application/json" };
  return fetch(`${url}/v1/operations`, { method: "POST", headers, body: JSON.stringify(operation) });
}

const read = async (url: string, path: string) =>
  (await fetch(`${url}/v1/files?path=${encodeURIComponent(path)}`, { headers: { authorization } })).text();

test("a path that is not percent-encoded UTF-8 is refused, so that no two names become one", async (t) => {
  const { url } = await startApi(t);
  for (const path of ["/%ff", "/%fe", "/%ED%A0%80", "/%zz", "/%"]) {
    assert.deepEqual(await putRaw(url, `path=${path}`, "one"), [400, "invalid-argument"], path);
  }
});

test("bytes that a client did not percent-encode are refused", async (t) => {
  const { url } = await startApi(t);
  const path = Buffer.from("/ä.txt").toString("latin1");
  assert.deepEqual(await putRaw(url, `path=${path}`, "hello"), [400, "malformed-request"]);
});

test("what is moved or copied to a folder keeps its name there", async (t) => {
  const { url } = await startApi(t);
  await putRaw(url, "path=/out/", "");
  await putRaw(url, "path=/a.txt", "hello");
  const copied = await operate(url, { op: "copy", from: "/a.txt", to: "/out/" });
  assert.deepEqual([copied.status, ((await copied.json()) as { to: string }).to], [200, "/out/a.txt"]);
  assert.equal((await operate(url, { op: "rename", from: "/a.txt", to: "/missing/" })).status, 404);
  assert.equal((await operate(url, { op: "copy", from: "/out/", to: "/else/" })).status, 400);
  assert.equal((await operate(url, { op: "rename", from: "/out/", to: "/else/" })).status, 200);
  assert.equal(await read(url, "/else/a.txt"), "hello");
});

test("a digest that nobody would check is refused with what was to be checked", async (t) => {
  const { url } = await startApi(t);
  for (const field of ["content-md5", "digest", "x-amz-checksum-crc32"]) {
    const headers = { authorization, [field]: "AAAAAA==" };
    const response = await fetch(`${url}/v1/files?path=/a.txt`, { method: "PUT", headers, body: "hello" });
    assert.deepEqual([response.status, ((await response.json()) as { field: string }).field], [400, field]);
  }
  assert.match(await read(url, "/a.txt"), /not-found/);
});
