import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { programOrSkip } from "../../support/require-program.ts";
import { mustRun } from "../../support/run-program.ts";
import { startApi } from "./rig.ts";

const skip = programOrSkip("curl");

async function startCurl(t: TestContext) {
  const api = await startApi(t);
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  t.after(() => rm(directory, { recursive: true }));
  const curl = (...args: string[]) => mustRun("curl", ["-q", "-sS", "-u", "acme:password", ...args]);
  const local = (name: string) => join(directory, name);
  const write = async (name: string, content: Buffer | string) => {
    await writeFile(local(name), content);
    return local(name);
  };
  return {
    ...api,
    curl,
    local,
    write,
    files: (path: string) => `${api.url}/v1/files?path=${encodeURIComponent(path)}`,
  };
}

const status = ["-o", "/dev/null", "-w", "%{http_code}"];

test("curl -T uploads and -o downloads the same bytes", { skip }, async (t) => {
  const { curl, local, write, files } = await startCurl(t);
  const content = randomBytes(5_000_000);
  const receipt = JSON.parse(await curl("-T", await write("a.bin", content), files("/a b.bin")));
  assert.deepEqual(
    [receipt.bytes, receipt.sha256],
    [content.length, createHash("sha256").update(content).digest("hex")],
  );
  await curl("-o", local("b.bin"), files("/a b.bin"));
  assert.deepEqual(await readFile(local("b.bin")), content);
});

test("curl uploads what has no length beforehand", { skip }, async (t) => {
  const { curl, files, write } = await startCurl(t);
  await curl("-H", "Transfer-Encoding: chunked", "-T", await write("a", "hello"), files("/a"));
  assert.equal(await curl(files("/a")), "hello");
});

test("curl -J takes the name that the server gives", { skip }, async (t) => {
  const { curl, files, local, write } = await startCurl(t);
  await curl("-T", await write("x", "hello"), files("/report 1.txt"));
  await curl("-OJ", "--output-dir", local(""), files("/report 1.txt"));
  assert.equal(await readFile(local("report 1.txt"), "utf8"), "hello");
});

test("curl -C - goes on with a download that was cut off, and ends one that is complete", { skip }, async (t) => {
  const { curl, files, local, write } = await startCurl(t);
  const content = randomBytes(1_000_000);
  await curl("-T", await write("a", content), files("/a"));
  await curl("-o", local("b"), files("/a"));
  await truncate(local("b"), 400_000);
  assert.equal(
    await curl("-C", "-", "-o", local("b"), "-w", "%{http_code} %{size_download}", files("/a")),
    "206 600000",
  );
  assert.deepEqual(await readFile(local("b")), content);
  await curl("-C", "-", "-o", local("b"), files("/a"));
  assert.deepEqual(await readFile(local("b")), content);
});

test("curl -r reads a range", { skip }, async (t) => {
  const { curl, files, write } = await startCurl(t);
  await curl("-T", await write("a", "0123456789"), files("/a"));
  assert.equal(await curl("-r", "2-4", files("/a")), "234");
  assert.equal(await curl("-r", "-2", files("/a")), "89");
  assert.equal(await curl("-r", "50-", ...status, files("/a")), "416");
});

test("curl --etag-save and --etag-compare, and -z, download only what is new", { skip }, async (t) => {
  const { curl, files, local, write } = await startCurl(t);
  await curl("-T", await write("a", "1"), files("/a"));
  await curl("--etag-save", local("etag"), "-o", local("b"), files("/a"));
  assert.equal(await curl("--etag-compare", local("etag"), ...status, files("/a")), "304");
  assert.equal(await curl("-z", local("b"), ...status, files("/a")), "304");
  await curl("-T", await write("a", "2"), files("/a"));
  assert.equal(await curl("--etag-compare", local("etag"), ...status, files("/a")), "200");
});

test("curl is refused before it sends a large file that it may not upload", { skip }, async (t) => {
  const { curl, files, write } = await startCurl(t);
  const large = await write("large", Buffer.alloc(20_000_000));
  const sent = [...status.slice(0, 2), "-w", "%{http_code} %{size_upload}"];
  assert.equal(await curl("-T", large, ...sent, files("/no/folder/large")), "404 0");
  await curl("-T", await write("small", "x"), files("/there"));
  assert.equal(await curl("-T", large, "-H", "If-None-Match: *", ...sent, files("/there")), "412 0");
  assert.equal(await curl("-T", large, "-H", "Expect:", ...status, files("/no/folder/large")), "404");
});

test("curl hears that its file did not arrive as it is", { skip }, async (t) => {
  const { curl, files, write } = await startCurl(t);
  const wrong = `Content-Digest: sha-256=:${Buffer.alloc(32).toString("base64")}:`;
  assert.equal(await curl("-T", await write("a", "x"), "-H", wrong, ...status, files("/a")), "422");
  assert.equal(await curl(...status, files("/a")), "404");
});

test("curl lists, makes, copies, renames and deletes with a token", { skip }, async (t) => {
  const { url, curl, files, write } = await startCurl(t);
  const json = ["-H", "Content-Type: application/json"];
  const login = '{"username":"acme","password":"password"}';
  const { token } = JSON.parse(await curl(...json, "-d", login, `${url}/v1/sessions`));
  const bearer = ["-H", `Authorization: Bearer ${token}`];
  await curl(...bearer, "-X", "PUT", files("/made/"));
  await curl(...bearer, "-T", await write("a", "x"), files("/made/a"));
  const operate = (operation: unknown) =>
    curl(...bearer, ...json, "-d", JSON.stringify(operation), ...status, `${url}/v1/operations`);
  assert.equal(await operate({ op: "copy", from: "/made/a", to: "/made/b" }), "200");
  assert.equal(await operate({ op: "rename", from: "/made/b", to: "/made/c" }), "200");
  const { entries } = JSON.parse(await curl(...bearer, files("/made/")));
  assert.deepEqual(
    entries.map(({ name }: { name: string }) => name),
    ["a", "c"],
  );
  assert.equal(await curl(...bearer, "-X", "DELETE", ...status, files("/made/a")), "204");
  assert.equal(await curl(...bearer, "-X", "DELETE", ...status, `${files("/made/")}&recursive=true`), "204");
  assert.equal(await curl(...bearer, "-X", "DELETE", ...status, `${url}/v1/sessions/current`), "204");
  assert.equal(await curl(...bearer, ...status, files("/")), "401");
});
