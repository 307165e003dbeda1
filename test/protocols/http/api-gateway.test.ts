import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import fc from "fast-check";
import { limits } from "../../../core/limits.ts";
import { createGatewayHandler } from "../../../protocols/http/api-gateway.ts";
import type { HttpApplication } from "../../../protocols/http/application.ts";
import { basic, startApi } from "./rig.ts";

const [domainPrefix, region] = ["a1b2c3d4e5", "eu-central-1"];
const domainName = `${domainPrefix}.execute-api.${region}.amazonaws.com`;

/** An event as the gateway sends it for `curl`, with what the test says in place of it. */
function eventFor(
  method: string,
  target: string,
  changes: Partial<Omit<APIGatewayProxyEventV2, "requestContext">> = {},
): APIGatewayProxyEventV2 {
  const [path = "", query = ""] = target.split("?");
  const rawPath = decodeURIComponent(path);
  const headers = {
    accept: "*/*",
    "content-length": `${Buffer.byteLength(changes.body ?? "", changes.isBase64Encoded ? "base64" : "utf8")}`,
    host: domainName,
    "user-agent": "curl/8.14.1",
    "x-amzn-trace-id": "Root=1-5fff599f-6fca6ee66e37fe5e518eb45b",
    "x-forwarded-for": "203.0.113.7",
    "x-forwarded-port": "443",
    "x-forwarded-proto": "https",
    ...changes.headers,
  };
  const http = { method, path: rawPath, protocol: "HTTP/1.1", sourceIp: "203.0.113.7", userAgent: "curl/8.14.1" };
  const requestContext = {
    accountId: "123456789012",
    apiId: domainPrefix,
    domainName,
    domainPrefix,
    http,
    requestId: "QQCtFipSIAMEPNQ=",
    routeKey: "$default",
    stage: "$default",
    time: "08/Apr/2026:07:31:05 +0000",
    timeEpoch: 1_775_633_465_999,
  };
  const decodedQuery = Object.fromEntries(new URLSearchParams(query));
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString: query,
    ...(query !== "" && { queryStringParameters: decodedQuery }),
    requestContext,
    isBase64Encoded: false,
    ...changes,
    headers,
  };
}

const log = { error: () => {} };

async function startGateway(t: TestContext) {
  const api = await startApi(t);
  const handle = createGatewayHandler(api.application, api.services.runtime.log, 100);
  const as = { headers: { authorization: basic("root") } };
  return { ...api, handle, as };
}

const codeOf = ({ body = "" }: { body?: string | undefined }) => (JSON.parse(body) as { code: string }).code;

test("a file goes through the gateway and back, byte by byte, from the client's own address", async (t) => {
  const { handle, as, events } = await startGateway(t);
  const content = randomBytes(100_000);
  const target = "/v1/files?path=%2Fa%20b%2Bc%C3%A9.bin";
  const put = eventFor("PUT", target, { ...as, body: content.toString("base64"), isBase64Encoded: true });
  const uploaded = await handle(put);
  assert.equal(uploaded.statusCode, 201, uploaded.body);
  assert.equal(uploaded.isBase64Encoded, false);
  const downloaded = await handle(eventFor("GET", target, as));
  assert.deepEqual([downloaded.statusCode, downloaded.isBase64Encoded], [200, true]);
  assert.deepEqual(Buffer.from(downloaded.body ?? "", "base64"), content);
  assert.equal(downloaded.headers?.etag, uploaded.headers?.etag);
  const completed = events.filter(({ type }) => type === "transfer.completed");
  assert.deepEqual(
    completed.map(({ data, peer }) => [data.path, peer]),
    [1, 2].map(() => ["/a b+cé.bin", { address: "203.0.113.7", port: 0 }]),
  );
});

test("a login with JSON gives a token that the next event carries", async (t) => {
  const { handle } = await startGateway(t);
  const body = JSON.stringify({ username: "root", password: "password" });
  const login = await handle(
    eventFor("POST", "/v1/sessions", { body, headers: { "content-type": "application/json" } }),
  );
  assert.equal(login.statusCode, 201);
  const headers = { authorization: `Bearer ${JSON.parse(login.body ?? "").token}` };
  const listed = await handle(eventFor("GET", "/v1/files?path=/", { headers }));
  assert.deepEqual([listed.statusCode, JSON.parse(listed.body ?? "")], [200, { entries: [] }]);
  assert.equal((await handle(eventFor("DELETE", "/v1/sessions/current", { headers }))).statusCode, 204);
});

test("what an answer leaves to be done is done when the handler has answered", async (t) => {
  const { handle, as, types } = await startGateway(t);
  await handle(eventFor("PUT", "/v1/files?path=/a", { ...as, body: "hello" }));
  for (const target of ["/v1/files?path=/a", "/v1/files?path=/&format=zip", "/v1/events?format=csv"]) {
    assert.equal((await handle(eventFor("GET", target, as))).statusCode, 200);
    assert.equal(types().at(-1), "session.ended", target);
  }
});

test("a file that is too large for the gateway is 413 with a way out, and its transfer is aborted", async (t) => {
  const { handle, as, types } = await startGateway(t);
  const bytes = Math.ceil(limits.lambdaResultBytes * 0.75);
  const body = Buffer.alloc(bytes).toString("base64");
  await handle(eventFor("PUT", "/v1/files?path=/large", { ...as, body, isBase64Encoded: true }));
  const whole = await handle(eventFor("GET", "/v1/files?path=/large", as));
  assert.deepEqual([whole.statusCode, codeOf(whole)], [413, "too-large"]);
  assert.match(whole.body ?? "", /Range/);
  assert.deepEqual(types().slice(-2), ["transfer.aborted", "session.ended"]);
  const part = await handle(
    eventFor("GET", "/v1/files?path=/large", { headers: { ...as.headers, range: "bytes=0-4499999" } }),
  );
  assert.deepEqual([part.statusCode, part.headers?.["content-range"]], [206, `bytes 0-4499999/${bytes}`]);
  assert.equal(Buffer.from(part.body ?? "", "base64").length, 4_500_000);
});

test("a stream of events ends in time, with the place where its client goes on", async (t) => {
  const { handle, as, registry, types, services } = await startGateway(t);
  const answer = await handle(eventFor("GET", "/v1/events/stream?type=file.copied", as));
  assert.deepEqual([answer.statusCode, answer.headers?.["content-type"]], [200, "text/event-stream"]);
  const [, id = ""] = /^retry: 5000\n\nid: (\d+)\n\n$/.exec(answer.body ?? "") ?? [];
  assert.deepEqual([registry.count, types().at(-1)], [0, "session.ended"]);
  const event = {
    id: "copied",
    time: new Date().toISOString(),
    server: "test",
    protocol: "sftp",
    message: "",
  } as const;
  await services.accounting.append({ ...event, type: "file.copied", data: { path: "/a" } });
  const headers = { ...as.headers, "last-event-id": id };
  const { body } = await handle(eventFor("GET", "/v1/events/stream?type=file.copied", { headers }));
  assert.match(body ?? "", /^retry: 5000\n\nid: \d+\ndata: \{"id":"copied".*\n\nid: \d+\n\n$/);
});

const echo: HttpApplication = async ({ url, method, headers }) =>
  Response.json({ url, method, headers: Object.fromEntries(headers) });

test("path and query reach the API as the client wrote them", async () => {
  const handle = createGatewayHandler(echo, log);
  const written = fc.string({ unit: "grapheme", maxLength: 30 }).filter((text) => text !== "." && text !== "..");
  await fc.assert(
    fc.asyncProperty(written, written, async (name, value) => {
      const [segment, query] = [encodeURIComponent(name.replaceAll("/", "_")), `path=${encodeURIComponent(value)}`];
      const result = await handle(eventFor("GET", `/v1/accounts/${segment}?${query}`));
      const { pathname, searchParams } = new URL(JSON.parse(result.body ?? "").url);
      assert.equal(pathname.split("/").map(decodeURIComponent).at(-1), decodeURIComponent(segment));
      assert.deepEqual([...searchParams], [["path", value]]);
    }),
  );
});

test("a query that is given twice, and a plus, stay as they are", async () => {
  const handle = createGatewayHandler(echo, log);
  const result = await handle(eventFor("GET", "/v1/events?type=a&type=b,c&since=2026-01-01T00:00:00%2B01:00"));
  const { searchParams } = new URL(JSON.parse(result.body ?? "").url);
  assert.deepEqual(searchParams.getAll("type"), ["a", "b,c"]);
  assert.equal(searchParams.get("since"), "2026-01-01T00:00:00+01:00");
});

test("cookies come in and go out apart, other fields with several values on one line", async () => {
  const received = createGatewayHandler(echo, log);
  const result = await received(
    eventFor("GET", "/", { cookies: ["a=1", "b=2"], headers: { accept: "text/csv,text/html" } }),
  );
  const { headers } = JSON.parse(result.body ?? "");
  assert.deepEqual([headers.cookie, headers.accept], ["a=1; b=2", "text/csv,text/html"]);
  const sent = new Headers({ "x-several": "1" });
  sent.append("x-several", "2");
  sent.append("set-cookie", "a=1; Path=/");
  sent.append("set-cookie", "b=2");
  const answer = await createGatewayHandler(
    async () => new Response(null, { headers: sent }),
    log,
  )(eventFor("GET", "/"));
  assert.deepEqual(answer.cookies, ["a=1; Path=/", "b=2"]);
  assert.deepEqual(answer.headers, { "x-several": "1, 2" });
});

test("content of every kind comes out as it went in, as text or in base64", async () => {
  for (const [mediaType, isBase64Encoded] of [
    ["application/json", false],
    ["application/problem+json", false],
    ["text/csv; charset=utf-8", false],
    ["application/x-ndjson", true],
    ["application/octet-stream", true],
    ["application/jsonish", true],
  ] as const) {
    const respond = async () => new Response("grün", { headers: { "content-type": mediaType } });
    const result = await createGatewayHandler(respond, log)(eventFor("GET", "/"));
    assert.equal(result.isBase64Encoded, isBase64Encoded, mediaType);
    const bytes = Buffer.from(result.body ?? "", isBase64Encoded ? "base64" : "utf8");
    assert.equal(bytes.toString(), "grün");
  }
});

test("an answer is held back as soon as it is too large, whatever it says about its length", async () => {
  let pieces = 0;
  const piece = new Uint8Array(limits.lambdaResultBytes / 8).fill(0x22);
  const endless = new ReadableStream({
    pull: (controller) => {
      pieces += 1;
      controller.enqueue(piece);
    },
  });
  const held = await createGatewayHandler(async () => new Response(endless), log)(eventFor("GET", "/"));
  assert.deepEqual([held.statusCode, codeOf(held)], [413, "too-large"]);
  assert.ok(pieces < 12);
  // As JSON, each of these quotation marks takes two bytes.
  const headers = { "content-type": "text/plain" };
  const quotes = async () => new Response(new Uint8Array(limits.lambdaResultBytes / 2).fill(0x22), { headers });
  assert.equal((await createGatewayHandler(quotes, log)(eventFor("GET", "/"))).statusCode, 413);
});

test("the signal of a request fires when it is answered, for what listens on", async () => {
  let signal: AbortSignal | undefined;
  const application: HttpApplication = async (request) => {
    signal = request.signal;
    return new Response(`${signal.aborted}`, { headers: { "content-type": "text/plain" } });
  };
  const { body } = await createGatewayHandler(application, log)(eventFor("GET", "/"));
  assert.deepEqual([body, signal?.aborted], ["false", true]);
});

test("what is no request is 400, and what fails in the middle is 500 in the log alone", async () => {
  const strange = [
    eventFor("TRACE", "/v1/files"),
    eventFor("GET", "/v1/files", { headers: { "x-text": "\u{1f600}" } }),
    { ...eventFor("GET", "/"), rawPath: "/\ud800" },
  ];
  for (const event of strange) {
    const refused = await createGatewayHandler(echo, log)(event);
    assert.deepEqual([refused.statusCode, codeOf(refused)], [400, "malformed-request"]);
  }
  const logged: unknown[] = [];
  const failing = new ReadableStream({ pull: () => Promise.reject(new Error("secret path")) });
  const handle = createGatewayHandler(async () => new Response(failing), {
    error: (_message, { error }) => logged.push(error),
  });
  const failed = await handle(eventFor("GET", "/"));
  assert.deepEqual([failed.statusCode, codeOf(failed)], [500, "internal"]);
  assert.doesNotMatch(failed.body ?? "", /secret/);
  assert.match(`${logged}`, /secret path/);
});
