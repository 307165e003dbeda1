import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiClient } from "../../client/api-client.ts";

/** A server that refuses with these answers first, and then says 201. Counts what is sent. */
function refusing(...refusals: readonly (readonly [status: number, retryAfter?: string])[]) {
  const contents: (string | undefined)[] = [];
  const waiting = [...refusals];
  const send: typeof fetch = async (_, init) => {
    contents.push(init?.body == null ? undefined : await new Response(init.body).text());
    const [status = 201, retryAfter] = waiting.shift() ?? [];
    const headers = retryAfter === undefined ? {} : { "retry-after": retryAfter };
    return Response.json({ code: "unavailable", sha256: "" }, { status, headers });
  };
  const retry = { attempts: 3, longestWaitMs: 2_000, defaultWaitMs: 0 };
  return { client: new ApiClient({ url: "http://server.example", fetch: send, retry }), contents };
}

const put = (client: ApiClient, body: string | ReadableStream) =>
  client.call("putFile", { query: { path: "/a" }, body });
const move = (client: ApiClient) => client.call("moveFile", { body: { op: "rename", from: "/a", to: "/b" } });

test("a request that the server could not take is sent again with its content", async () => {
  const past = new Date(0).toUTCString();
  const { client, contents } = refusing([503, "0"], [429, past]);
  assert.equal((await put(client, "content")).status, 201);
  assert.deepEqual(contents, ["content", "content", "content"]);
});

test("the server says for how long to wait", async () => {
  const { client } = refusing([429, "1"]);
  const startedAtMs = performance.now();
  await put(client, "content");
  assert.ok(performance.now() - startedAtMs >= 990);
});

test("after enough attempts the refusal is the answer, and so is one that asks for too long a wait", async () => {
  const often = refusing([503], [503], [503], [503]);
  await assert.rejects(put(often.client, "content"), { status: 503, code: "unavailable" });
  assert.equal(often.contents.length, 3);
  const long = refusing([429, "3"]);
  await assert.rejects(put(long.client, "content"), { status: 429 });
  assert.equal(long.contents.length, 1);
});

test("what may have had its effect is not sent again, what had none is", async () => {
  const unknown = refusing([503, "0"]);
  await assert.rejects(move(unknown.client), { status: 503 });
  assert.equal(unknown.contents.length, 1);
  const refused = refusing([429, "0"]);
  await move(refused.client);
  assert.equal(refused.contents.length, 2);
});

test("a stream is sent once", async () => {
  const { client, contents } = refusing([503, "0"]);
  await assert.rejects(put(client, new Blob(["content"]).stream()), { status: 503 });
  assert.deepEqual(contents, ["content"]);
});

test("a wait ends when the caller gives up", async () => {
  const { client, contents } = refusing([429, "2"]);
  const controller = new AbortController();
  const call = client.call("getFile", { query: { path: "/a" } }, { signal: controller.signal });
  setImmediate(() => controller.abort(new Error("given up")));
  await assert.rejects(call, /given up/);
  assert.equal(contents.length, 1);
});
