import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { connectHttp } from "../support/http-client.ts";
import {
  disposeProduct,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";

const json = { "content-type": "application/json" };

test("API tokens and their end survive a crash, and no file of the server has a secret in it", async (t) => {
  const directory = await temporaryDirectory();
  const { publicKey } = await writeIdentity(directory);
  const options = { directory, configuration: await testConfiguration(publicKey) };
  let product = await startProduct(options);
  t.after(() => disposeProduct(product));
  const client = await connectHttp(product.endpoints.http.url, "tester");
  const create = async (name: string) => {
    const body = JSON.stringify({ name, scopes: ["files:read", "files:write"] });
    const response = await client.request("POST", "/v1/api-tokens", { headers: json, body });
    assert.equal(response.status, 201);
    return (await response.json()) as { id: string; token: string };
  };
  const [kept, revoked] = [await create("kept"), await create("revoked")];
  assert.equal((await client.request("DELETE", `/v1/api-tokens/${revoked.id}`)).status, 204);
  await product.kill();
  product = await startProduct(options);
  const ask = async (method: string, path: string, token: string, body?: string) => {
    const headers = { authorization: `Bearer ${token}` };
    return fetch(product.endpoints.http.url + path, { method, headers, ...(body !== undefined && { body }) });
  };
  assert.equal((await ask("GET", "/v1/files?path=/", revoked.token)).status, 401);
  assert.equal((await ask("PUT", "/v1/files?path=/a.txt", kept.token, "hello")).status, 201);
  assert.equal(await (await ask("GET", "/v1/files?path=/a.txt", kept.token)).text(), "hello");
  const events = await product.events("account=tester");
  const own = events.filter(({ session }) => session === kept.id).map(({ type }) => type);
  const transfer = ["transfer.started", "transfer.completed"];
  assert.deepEqual(own, [...transfer, ...transfer]);
  const changes = events.filter(({ type }) => type === "configuration.changed").map(({ data }) => data.operation);
  assert.deepEqual(changes, ["created", "created", "deleted"]);
  const written = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = written.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  for (const file of files) {
    const content = await readFile(file, "latin1");
    for (const { token } of [kept, revoked]) assert.ok(!content.includes(token.slice(4, 40)), file);
  }
  assert.ok(files.some((file) => file.endsWith("api_tokens.sqlite")));
});
