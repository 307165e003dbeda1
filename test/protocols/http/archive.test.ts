import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { compileExpression } from "../../../core/expression.ts";
import type { PermissionRule } from "../../../core/permission.ts";
import { testAccount } from "../../support/memory-ports.ts";
import { programOrSkip } from "../../support/require-program.ts";
import { mustRun } from "../../support/run-program.ts";
import { basic, startApi } from "./rig.ts";

const skip = programOrSkip("python3");

const rule = (pattern: string | undefined, ...tokens: PermissionRule["tokens"]): PermissionRule => ({
  expression: pattern === undefined ? undefined : compileExpression(pattern, { user: "acme" }),
  tokens,
  label: `account acme, ${pattern ?? "global"}`,
});

async function startTree(t: Parameters<typeof startApi>[0]) {
  const permissions = [
    rule("*/secret.txt", "allow-list"),
    rule("/tree/hidden", "allow-read"),
    rule(undefined, "allow-full-control"),
  ];
  const account = { current: testAccount({ name: "acme" }) };
  const api = await startApi(t, { accounts: { find: async () => account.current } });
  const ask = (method: string, path: string, init: RequestInit = {}, query = "") =>
    fetch(`${api.url}/v1/files?path=${encodeURIComponent(path)}${query}`, {
      ...init,
      method,
      headers: { authorization: basic("acme"), ...(init.headers as Record<string, string>) },
    });
  for (const path of ["/tree/", "/tree/sub/", "/tree/sub/deep/", "/tree/hidden/", "/empty/"]) await ask("PUT", path);
  for (const path of [
    "/tree/..\\a.txt",
    "/tree/a.txt",
    "/tree/sub/ü b.txt",
    "/tree/sub/deep/c.txt",
    "/tree/secret.txt",
    "/tree/hidden/d",
  ])
    await ask("PUT", path, { body: path });
  await ask("PUT", "/tree/large.bin", { body: new Uint8Array(3_000_000).fill(7) });
  account.current = testAccount({ name: "acme", permissions });
  return { ...api, ask };
}

/** Names and contents, as Python's zipfile reads them, which checks every CRC. */
async function unzip(t: Parameters<typeof startApi>[0], archive: ArrayBuffer): Promise<Record<string, string>> {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, "a.zip");
  await writeFile(file, Buffer.from(archive));
  const script = [
    "import json, sys, zipfile",
    "with zipfile.ZipFile(sys.argv[1]) as z:",
    "    assert z.testzip() is None",
    "    content = {i.filename: z.read(i).decode('latin1') for i in z.infolist()}",
    "json.dump(content, open(sys.argv[1] + '.json', 'w'))",
  ];
  await mustRun("python3", ["-c", script.join("\n"), file]);
  return JSON.parse(await readFile(`${file}.json`, "utf8")) as Record<string, string>;
}

test("a folder is sent as an archive of what the account may read", { skip }, async (t) => {
  const { ask, events } = await startTree(t);
  const response = await ask("GET", "/tree/", {}, "&format=zip");
  assert.deepEqual([response.status, response.headers.get("content-type")], [200, "application/zip"]);
  assert.equal(response.headers.get("content-disposition"), 'attachment; filename="tree.zip"');
  const { "large.bin": large, ...members } = await unzip(t, await response.arrayBuffer());
  const utf8 = (text: string) => Buffer.from(text).toString("latin1");
  assert.deepEqual(members, {
    ".._a.txt": "/tree/..\\a.txt",
    "a.txt": "/tree/a.txt",
    "hidden/": "",
    "sub/": "",
    "sub/deep/": "",
    "sub/deep/c.txt": "/tree/sub/deep/c.txt",
    "sub/ü b.txt": utf8("/tree/sub/ü b.txt"),
  });
  assert.equal(large, "\x07".repeat(3_000_000));
  const ofType = (type: string) => events.filter((event) => event.type === type).map(({ data }) => data.path);
  assert.deepEqual(ofType("access.denied").sort(), ["/tree/hidden", "/tree/secret.txt"]);
  const downloads = events.filter(({ type, data }) => type === "transfer.completed" && data.direction === "download");
  assert.equal(downloads.length, 5);
  assert.equal(ofType("transfer.aborted").length, 0);
});

test("an empty folder is an empty archive, also when the client only prefers one", { skip }, async (t) => {
  const { ask } = await startTree(t);
  const response = await ask("GET", "/empty/", { headers: { accept: "application/zip" } });
  assert.deepEqual(await unzip(t, await response.arrayBuffer()), {});
});

test("an archive of what may not be listed, is not there or is a file is refused before it begins", async (t) => {
  const { ask } = await startTree(t);
  const statuses = await Promise.all(
    ["/tree/hidden/", "/none/", "/tree/a.txt/", "/tree/a.txt"].map(
      async (path) => (await ask("GET", path, {}, "&format=zip")).status,
    ),
  );
  assert.deepEqual(statuses, [403, 404, 409, 400]);
});

test("HEAD of an archive transfers nothing", async (t) => {
  const { ask, events } = await startTree(t);
  const before = events.length;
  const response = await ask("HEAD", "/tree/", {}, "&format=zip");
  assert.deepEqual([response.status, response.headers.get("content-type")], [200, "application/zip"]);
  const types = events.slice(before).map(({ type }) => type);
  assert.deepEqual(types, ["session.started", "authentication.succeeded", "directory.listed", "session.ended"]);
});

test("an archive that the client gives up leaves an aborted transfer and ends the session", async (t) => {
  const { ask, events } = await startTree(t);
  const response = await ask("GET", "/tree/", {}, "&format=zip");
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  const last = () => events.at(-1)?.type;
  while (last() !== "session.ended") await new Promise(setImmediate);
  const transfers = events
    .filter(({ type }) => type.startsWith("transfer."))
    .map(({ data, type }) => [data.path, type]);
  const started = transfers.filter(([, type]) => type === "transfer.started").length;
  assert.equal(transfers.length, 2 * started);
});
