import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";
import { connect as connectTcp } from "node:net";
import { test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../../adapters/node/tls-certificate.ts";
import type { TlsIdentity } from "../../../protocols/http/server.ts";
import { startServer } from "./rig.ts";

function newIdentity(): TlsIdentity {
  const privateKey = createTlsPrivateKey();
  return { privateKey, certificate: createSelfSignedCertificate(privateKey, ["127.0.0.1"], Date.now()) };
}

const port = (url: string) => Number(new URL(url).port);

async function get(url: string, { certificate }: TlsIdentity): Promise<{ status: number | undefined; text: string }> {
  const asked = request(url, { ca: certificate, agent: false }).end();
  const [response] = await once(asked, "response");
  const text = (await response.toArray()).join("");
  return { status: response.statusCode, text };
}

async function handshake(url: string, ca: string): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port: port(url), ca, ALPNProtocols: ["h2", "http/1.1"] });
  await once(socket, "secureConnect");
  return socket;
}

test("with a certificate it is HTTPS, and says so by ALPN", async (t) => {
  const identity = newIdentity();
  const application = async (_request: Request, { address }: { address: string }) => new Response(address);
  const { url } = await startServer(t, application, { tls: () => identity });
  assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/);
  assert.deepEqual(await get(url, identity), { status: 200, text: "127.0.0.1" });
  const socket = await handshake(url, identity.certificate);
  assert.equal(socket.alpnProtocol, "http/1.1");
  socket.destroy();
});

test("a renewed certificate serves the next connection, and one that cannot be used leaves that before", async (t) => {
  const [first, second] = [newIdentity(), newIdentity()];
  let identity = first;
  const logged: string[] = [];
  const log = { error: (message: string) => void logged.push(message) };
  const { url } = await startServer(t, async () => new Response("hello"), { tls: () => identity, log });
  await get(url, first);
  identity = second;
  await get(url, second);
  await assert.rejects(get(url, first));
  identity = { certificate: first.certificate, privateKey: second.privateKey };
  await get(url, second);
  assert.deepEqual(logged, ["the TLS certificate cannot be used; the one before stays"]);
});

test("what is no TLS is cut off", async (t) => {
  const { url } = await startServer(t, async () => new Response("hello"), { tls: newIdentity });
  const socket = connectTcp(port(url), "127.0.0.1");
  socket.on("error", () => {});
  socket.end("GET / HTTP/1.1\r\nHost: a\r\n\r\n").resume();
  await once(socket, "close");
});

test("draining waits for the answer on a TLS connection, and takes no request on the others", async (t) => {
  const identity = newIdentity();
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const application = async () => {
    started.resolve();
    await release.promise;
    return new Response("hello");
  };
  const { url, server } = await startServer(t, application, { tls: () => identity });
  const idle = await handshake(url, identity.certificate);
  const early = connectTcp(port(url), "127.0.0.1");
  await once(early, "connect");
  const asked = get(url, identity);
  await started.promise;
  const drained = server.drain();
  await once(idle, "close");
  release.resolve();
  assert.equal((await asked).text, "hello");
  const late = connect({ socket: early, ca: identity.certificate, host: "127.0.0.1" }).on("error", () => {});
  await once(late, "close");
  await drained;
});

test("closing does not wait for a client that does not begin its handshake", async (t) => {
  const { url, server } = await startServer(t, async () => new Response("hello"), { tls: newIdentity });
  const socket = connectTcp(port(url), "127.0.0.1").on("error", () => {});
  await once(socket, "connect");
  const closed = once(socket.resume(), "close");
  await server.close();
  await closed;
});
