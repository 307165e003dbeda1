import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../adapters/node/tls-certificate.ts";
import type { ProblemError } from "../../client/problem.ts";
import { connectHttp } from "../support/http-client.ts";
import {
  disposeProduct,
  type Product,
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { connectSftp } from "../support/sftp-client.ts";

test("what a program pushes over HTTPS with a password, a user pulls over SFTP with a public key", async (t) => {
  const directory = await temporaryDirectory();
  const identity = await writeIdentity(directory);
  const privateKey = createTlsPrivateKey();
  const certificate = createSelfSignedCertificate(privateKey, ["127.0.0.1"], Date.now());
  await writeFile(join(directory, "certificate.pem"), certificate);
  await writeFile(join(directory, "private-key.pem"), privateKey, { mode: 0o600 });
  const tls = "tls: { certificate: certificate.pem, privateKey: private-key.pem }";
  const plain = await testConfiguration(identity.publicKey);
  const configuration = plain.replace('http: { listen: "127.0.0.1:0" }', `http: { listen: "127.0.0.1:0", ${tls} }`);
  const product = await startProduct({ directory, configuration });
  t.after(() => disposeProduct(product));
  const content = randomBytes(2_000_000);
  const credentials = { username: "tester", password };
  const ask = async (method: string, target: string, headers: Record<string, string>, body: string | Buffer) => {
    const url = new URL(target, product.endpoints.http.url);
    const asked = httpsRequest(url, { method, headers, ca: certificate, agent: false }).end(body);
    const [response] = await once(asked, "response");
    return JSON.parse((await response.toArray()).join(""));
  };
  const json = { "content-type": "application/json" };
  const { token } = await ask("POST", "/v1/sessions", json, JSON.stringify(credentials));
  const receipt = await ask("PUT", "/v1/files?path=/pushed.bin", { authorization: `Bearer ${token}` }, content);
  assert.equal(receipt.sha256, createHash("sha256").update(content).digest("hex"));
  const { client, sftp } = await connectSftp(product.endpoints.sftp, "tester", identity.privateKeyFile);
  const pulled = await promisify((done: (error: Error | undefined, content: Buffer) => void) =>
    sftp.readFile("/pushed.bin", done),
  )();
  client.end();
  assert.deepEqual(pulled, content);
});

async function startPlain(t: { after(action: () => unknown): void }, nodeArguments: readonly string[] = []) {
  const directory = await temporaryDirectory();
  const { publicKey } = await writeIdentity(directory);
  const options = { directory, configuration: await testConfiguration(publicKey), nodeArguments };
  let product = await startProduct(options);
  t.after(() => disposeProduct(product));
  return {
    product: () => product,
    url: () => product.endpoints.http.url,
    restart: async () => {
      await product.stop();
      product = await startProduct(options);
    },
  };
}

test("sessions, their end and pending uploads survive a restart", async (t) => {
  const { product, url, restart } = await startPlain(t);
  const [kept, ended] = [await connectHttp(url(), "tester"), await connectHttp(url(), "tester")];
  await ended.logout();
  const json = { "content-type": "application/json" };
  const started = await kept.request("POST", "/v1/uploads", { headers: json, body: '{"path":"/large","bytes":10}' });
  const { uploadId, partUrl } = (await started.json()) as { uploadId: string; partUrl: string };
  const put = (part: number, body: string) =>
    fetch(url() + partUrl.replace("{partNumber}", `${part}`), { method: "PUT", body });
  assert.equal((await put(2, "world")).status, 200);
  await restart();
  const ask = (method: string, target: string, token: string) =>
    fetch(url() + target, { method, headers: { authorization: `Bearer ${token}` } });
  assert.equal((await ask("GET", "/v1/files?path=/", ended.token)).status, 401);
  assert.equal((await put(1, "hello")).status, 200);
  assert.equal((await ask("POST", `/v1/uploads/${uploadId}/complete`, kept.token)).status, 201);
  assert.equal(await (await ask("GET", "/v1/files?path=/large", kept.token)).text(), "helloworld");
  assert.equal((await ask("DELETE", "/v1/sessions/current", kept.token)).status, 204);
  const ends = (await product().events("account=tester&type=session.ended")).length;
  assert.equal(ends, 2);
});

/** Has garbage collected soon, once the server has chosen otherwise: its memory is then what it holds. */
const collectSoon = `data:text/javascript,import { setFlagsFromString } from "node:v8";
  setTimeout(() => setFlagsFromString("--heap-growing-percent=25"), 1000).unref();`;

test("a thousand requests at the same time are all served, in little memory", async (t) => {
  const { product, url } = await startPlain(t, ["--import", collectSoon]);
  const client = await connectHttp(url(), "tester");
  const content = randomBytes(1_000_000);
  await client.files("PUT", "/read.bin", { body: content });
  const before = await peakMemoryBytes(product());
  const all = await Promise.all(
    Array.from({ length: 1000 }, async (_, index) => {
      if (index % 2 === 0) return (await (await client.files("GET", "/read.bin")).arrayBuffer()).byteLength;
      const receipt = await (await client.files("PUT", `/written-${index}.bin`, { body: content })).json();
      return (receipt as { bytes: number }).bytes;
    }),
  );
  assert.deepEqual(new Set(all), new Set([content.length]));
  const after = await peakMemoryBytes(product());
  if (before !== undefined && after !== undefined) {
    assert.ok(after - before < 512 * 1024 * 1024, `${before} bytes became ${after}`);
  }
  await client.logout();
});

/** Undefined where the system does not tell. */
async function peakMemoryBytes({ pid }: Product): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  const kibibytes = /^VmHWM:\s+(?<kibibytes>\d+) kB$/m.exec(status)?.groups?.kibibytes;
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}

test("ten thousand entries are listed page by page", async (t) => {
  const { product, url } = await startPlain(t);
  const client = await connectHttp(url(), "tester");
  await client.files("PUT", "/many/");
  const folder = join(product().dataDirectory, "files", "tester", "many");
  const names = Array.from({ length: 10_000 }, (_, index) => `${index}.txt`);
  for (const name of names) await writeFile(join(folder, name), "");
  const seen: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page = await client.request("GET", `/v1/files?path=/many/${cursor === "" ? "" : `&cursor=${cursor}`}`);
    const { entries, next } = (await page.json()) as { entries: { name: string }[]; next?: string };
    seen.push(...entries.map(({ name }) => name));
    cursor = next;
  }
  assert.deepEqual(seen, names.sort());
  await assert.rejects(client.files("GET", "/many/none"), (error: ProblemError) => error.status === 404);
});
