import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { limits } from "../../../core/limits.ts";
import type { HttpApplication } from "../../../protocols/http/application.ts";
import { exchangeRaw, rawConnection, shortTimes, startServer } from "./rig.ts";

const hello: HttpApplication = async () => new Response("hello");
const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const getAndClose = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/** The last message of what a server said on one connection. */
function lastMessage(text: string) {
  const start = text.lastIndexOf("HTTP/1.1 ");
  const [head = "", body = ""] = text.slice(start).split("\r\n\r\n");
  return { status: Number(head.slice(9, 12)), head: head.toLowerCase(), body };
}

function assertProblem(text: string, status: number, code: string): void {
  const message = lastMessage(text);
  assert.equal(message.status, status, text);
  assert.match(message.head, /content-type: application\/problem\+json/);
  assert.match(message.head, /connection: close/);
  assert.match(message.head, /x-content-type-options: nosniff/);
  assert.equal(JSON.parse(message.body).code, code);
  assert.match(message.head, new RegExp(`content-length: ${Buffer.byteLength(message.body)}\\b`));
}

test("what is not HTTP is answered with 400 as a problem document", async (t) => {
  const { url } = await startServer(t, hello, { times: shortTimes });
  const malformed = [
    "\x16\x03\x01\x02\x00nonsense\r\n\r\n",
    "GET /\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX : folded\r\n\r\n",
    "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnot a length\r\n",
  ];
  for (const text of malformed) assertProblem(await exchangeRaw(url, text), 400, "malformed-request");
});

test("a request needs one Host, a readable target and a method that can be served", async (t) => {
  const { url } = await startServer(t, hello);
  const requests = [
    "GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  ];
  for (const text of requests) assertProblem(await exchangeRaw(url, text), 400, "malformed-request");
  assert.equal(lastMessage(await exchangeRaw(url, "GET / HTTP/1.0\r\n\r\n")).status, 200);
});

test("the origin of a request is never what the client writes", async (t) => {
  const { url } = await startServer(t, async (request) => new Response(request.url));
  const seen = async (target: string) =>
    lastMessage(await exchangeRaw(url, `GET ${target} HTTP/1.0\r\nHost: evil@example.com/x?\r\n\r\n`)).body;
  assert.equal(await seen("/a?b=c%20d"), "http://localhost/a?b=c%20d");
  assert.equal(await seen("//evil.example.com/a"), "http://localhost//evil.example.com/a");
  assert.equal(await seen("http://evil.example.com:1/a?b"), "http://localhost/a?b");
});

test("a header section over the limit is 431, even while the client goes on sending", async (t) => {
  const { url } = await startServer(t, hello, { times: shortTimes });
  const text = `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(4_000_000)}\r\n\r\n`;
  assertProblem(await exchangeRaw(url, text), 431, "header-too-large");
});

test("a client that is slow with its request is answered with 408 and cut off", async (t) => {
  const application: HttpApplication = async (request) => new Response(await request.text());
  const { url } = await startServer(t, application, { times: shortTimes });
  const unfinished = ["", "GET / HTTP/1.1\r\nHost: a", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"];
  for (const text of unfinished) assertProblem(await exchangeRaw(url, text), 408, "request-timeout");
});

test("a client that drips one header after another is cut off all the same", async (t) => {
  const { url } = await startServer(t, hello, { times: shortTimes });
  const { socket, received } = rawConnection(url);
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n");
  const drip = setInterval(() => socket.write("X: y\r\n"), 5);
  assertProblem(await received, 408, "request-timeout");
  clearInterval(drip);
});

test("content that goes on coming in may take any time, and content that drips may not", async (t) => {
  const application: HttpApplication = async (request) => new Response(`${(await request.text()).length}`);
  const { url } = await startServer(t, application, { times: { ...shortTimes, httpRequestMs: 500 } });
  const send = async (chunk: string, chunks: number) => {
    const { socket, received } = rawConnection(url);
    const head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    socket.write(`${head}Content-Length: ${chunk.length * chunks}\r\n\r\n`);
    let sent = 0;
    const timer = setInterval(() => {
      socket.write(chunk);
      sent += 1;
      if (sent === chunks) clearInterval(timer);
    }, 20);
    const text = await received;
    clearInterval(timer);
    return text;
  };
  const chunk = "x".repeat(limits.httpProgressBytes);
  assert.match(lastMessage(await send(chunk, 40)).body, new RegExp(`${40 * chunk.length}`));
  assertProblem(await send("x", 1000), 408, "request-timeout");
});

test("a client is told why before it has sent everything, and is cut off when it goes on for long", async (t) => {
  const application: HttpApplication = async (request) => {
    await request.body?.getReader().read();
    return new Response("enough", { status: 413 });
  };
  const { url } = await startServer(t, application, { times: { ...shortTimes, httpLingerMs: 100 } });
  const { socket, received } = rawConnection(url);
  socket.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${2 ** 40}\r\n\r\n`);
  const send = () => {
    while (socket.writable && socket.write(Buffer.alloc(65_536)));
  };
  socket.on("drain", send);
  send();
  const text = await received;
  assert.deepEqual([lastMessage(text).status, lastMessage(text).body.includes("enough")], [413, true]);
});

test("a client that waits for the server is not idle", async (t) => {
  const release = Promise.withResolvers<void>();
  const application: HttpApplication = async () => {
    await release.promise;
    return new Response("hello");
  };
  const { url } = await startServer(t, application, { times: { ...shortTimes, httpIdleMs: 20 } });
  const answer = exchangeRaw(url, getAndClose);
  setTimeout(release.resolve, 100);
  assert.match(lastMessage(await answer).body, /hello/);
});

test("a client that goes on after it was refused is cut off", async (t) => {
  const { url } = await startServer(t, hello, { times: { ...shortTimes, httpLingerMs: 50 } });
  const { socket, received } = rawConnection(url, { allowHalfOpen: true });
  const nonsense = setInterval(() => socket.write("nonsense\r\n\r\n"), 5);
  assertProblem(await received, 400, "malformed-request");
  clearInterval(nonsense);
});

test("a client that does not take its answer is cut off", async (t) => {
  const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
  const aborted = Promise.withResolvers<void>();
  const application: HttpApplication = async ({ signal }) => {
    signal.addEventListener("abort", () => aborted.resolve());
    return new Response(endless());
  };
  const { url } = await startServer(t, application, { times: { ...shortTimes, httpIdleMs: 50 } });
  const { socket } = rawConnection(url);
  socket.pause();
  socket.write(get);
  await aborted.promise;
});

test("requests that are piled up behind nonsense are answered before the connection ends", async (t) => {
  const answering = Promise.withResolvers<void>();
  const application: HttpApplication = async () => {
    await answering.promise;
    return new Response("hello");
  };
  const { url } = await startServer(t, application, { times: shortTimes });
  const { socket, received } = rawConnection(url);
  socket.write(`${get}nonsense\r\n\r\n`);
  await once(socket, "connect");
  answering.resolve();
  assert.match(await received, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n(5\r\n)?hello/s);
});

test("a connection carries one request after the other", async (t) => {
  const { url } = await startServer(t, async (request) => new Response(`${request.method} `));
  const post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  const text = await exchangeRaw(url, get + post + getAndClose);
  assert.deepEqual(text.match(/(GET|POST) /g), ["GET ", "POST ", "GET "]);
});

test("content goes in and out without change, in any number of pieces", async (t) => {
  const { url } = await startServer(t, async (request) => new Response(request.body, { headers: { "x-seen": "yes" } }));
  const content = Buffer.alloc(3_000_000, "ferrygate ");
  for (const body of [content, new Blob([content]).stream(), ""]) {
    const response = await fetch(url, { method: "PUT", body, duplex: "half" } as RequestInit);
    assert.equal(response.headers.get("x-seen"), "yes");
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(body === "" ? Buffer.alloc(0) : content));
  }
});

test("a client that sends faster than the application reads is held back", async (t) => {
  const release = Promise.withResolvers<void>();
  const application: HttpApplication = async (request) => {
    const reader = request.body?.getReader();
    await reader?.read();
    await release.promise;
    return new Response("done");
  };
  const { url } = await startServer(t, application);
  const { socket, received } = rawConnection(url);
  const total = 256 * 1024 * 1024;
  socket.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${total}\r\n\r\n`);
  const piece = Buffer.alloc(1024 * 1024);
  let taken = 0;
  const send = () => {
    while (taken < total) {
      taken += piece.length;
      if (!socket.write(piece)) return;
    }
  };
  socket.on("drain", send);
  send();
  await stalled(() => taken);
  assert.ok(taken < 64 * 1024 * 1024, `${taken} bytes were taken`);
  release.resolve();
  assert.match(await received, /^HTTP\/1\.1 200 OK/);
});

test("content is not made faster than the client reads it", async (t) => {
  let made = 0;
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    made += 65_536;
    controller.enqueue(new Uint8Array(65_536));
  };
  const { url } = await startServer(t, async () => new Response(new ReadableStream({ pull })));
  const { socket } = rawConnection(url);
  socket.pause();
  socket.write(get);
  await once(socket, "connect");
  await stalled(() => made);
  assert.ok(made > 0 && made < 32 * 1024 * 1024, `${made} bytes were made`);
  socket.destroy();
});

/** Resolves when a count has stood still for many turns of the event loop. */
async function stalled(count: () => number): Promise<void> {
  let last = -1;
  for (let still = 0; still < 200; still += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (count() !== last) still = 0;
    last = count();
  }
}

test("the application hears when a client goes away, and its content is cancelled", async (t) => {
  const aborted = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  const application: HttpApplication = async ({ signal }) => {
    signal.addEventListener("abort", () => aborted.resolve());
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>) => controller.enqueue(new Uint8Array(1000));
    return new Response(new ReadableStream({ pull, cancel: () => cancelled.resolve() }));
  };
  const logged: unknown[] = [];
  const log = { error: (message: string, fields: unknown) => void logged.push([message, fields]) };
  const { url, server } = await startServer(t, application, { log });
  const { socket } = rawConnection(url);
  socket.once("data", () => socket.destroy());
  socket.write(get);
  await Promise.all([aborted.promise, cancelled.promise]);
  await server.drain();
  assert.deepEqual(logged, []);
});

test("content that fails half way, or is shorter than announced, reaches the client as a failure", async (t) => {
  const logged: string[] = [];
  const log = { error: (message: string) => void logged.push(message) };
  const failing = () =>
    new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("a part")),
      pull: (controller) => controller.error(new Error("the disk is gone")),
    });
  const responses: Record<string, () => Response> = {
    "/failing": () => new Response(failing()),
    "/short": () => new Response("five!", { headers: { "content-length": "6" } }),
  };
  const application: HttpApplication = async ({ url }) => responses[new URL(url).pathname]?.() ?? Response.error();
  const { url } = await startServer(t, application, { log });
  for (const path of Object.keys(responses)) {
    await assert.rejects(async () => (await fetch(url + path)).text(), path);
  }
  assert.deepEqual(logged, ["response cut short", "response cut short"]);
});

test("an application that throws is answered for with 500, and logged", async (t) => {
  const logged: unknown[] = [];
  const log = { error: (message: string, fields: unknown) => void logged.push([message, fields]) };
  const application = () => Promise.reject(new Error("secret"));
  const { url } = await startServer(t, application, { log });
  const response = await fetch(url);
  const text = await response.text();
  assert.deepEqual([response.status, JSON.parse(text).code, text.includes("secret")], [500, "internal", false]);
  assert.match(JSON.stringify(logged), /request failed.*secret/);
});

test("draining ends idle connections, answers what is in progress, and takes no more", async (t) => {
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const application: HttpApplication = async ({ url }) => {
    if (new URL(url).pathname === "/slow") {
      started.resolve();
      await release.promise;
    }
    return new Response("hello");
  };
  const { url, server } = await startServer(t, application);
  const idle = rawConnection(url);
  idle.socket.write(get);
  await once(idle.socket, "data");
  const slow = exchangeRaw(url, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  await started.promise;
  const drained = server.drain();
  await idle.received;
  await assert.rejects(fetch(url));
  release.resolve();
  const { head, status } = lastMessage(await slow);
  assert.equal(status, 200);
  assert.match(head, /connection: close/);
  await drained;
});

test("draining cuts no answer that waits for a slow client", async (t) => {
  const total = 500;
  const answered = Promise.withResolvers<void>();
  let count = 0;
  const application: HttpApplication = async () => {
    count += 1;
    if (count === total) setImmediate(answered.resolve);
    return new Response("x".repeat(39_999).concat("$"));
  };
  const { url, server } = await startServer(t, application);
  const { socket, received } = rawConnection(url);
  socket.pause();
  socket.write(get.repeat(total));
  await answered.promise;
  const drained = server.drain();
  socket.resume();
  assert.equal((await received).split("x$").length - 1, total);
  await drained;
});

test("draining ends a connection behind the request in progress, whatever the client sends after it", async (t) => {
  const release = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  let count = 0;
  const application: HttpApplication = async () => {
    count += 1;
    started.resolve();
    await release.promise;
    return new Response("hello");
  };
  const { url, server } = await startServer(t, application);
  const { socket, received } = rawConnection(url);
  socket.write(get);
  await started.promise;
  const drained = server.drain();
  await new Promise((resolve) => socket.write(get, resolve));
  await stalled(() => count);
  release.resolve();
  assert.match(lastMessage(await received).head, /connection: close/);
  assert.equal(count, 1);
  await drained;
});

test("closing ends what is in progress at once", async (t) => {
  const started = Promise.withResolvers<void>();
  const application: HttpApplication = () => {
    started.resolve();
    return new Promise(() => {});
  };
  const { url, server } = await startServer(t, application);
  const asked = assert.rejects(fetch(url));
  await started.promise;
  await server.close();
  await asked;
});

test("a server that cannot have its address says so", async (t) => {
  const { url } = await startServer(t, hello);
  const listen = { host: "127.0.0.1", port: Number(new URL(url).port) };
  await assert.rejects(startServer(t, hello, { listen }), { code: "EADDRINUSE" });
});
