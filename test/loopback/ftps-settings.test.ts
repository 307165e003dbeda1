import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { type AccessOptions, Client, FTPError } from "basic-ftp";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../adapters/node/tls-certificate.ts";
import { limits } from "../../core/limits.ts";
import { createTestAuthority } from "../support/certificates.ts";
import { FtpsClient } from "../support/ftps-client.ts";
import {
  disposeProduct,
  type Endpoint,
  type Product,
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";

type Files = Readonly<Record<string, string>>;

interface Settings {
  /** YAML behind those of the test configuration. */
  readonly ftps: string;
  readonly http?: string;
  /** Beside the configuration. */
  readonly files?: Files;
}

/** Ends with the test. */
async function startWith(t: TestContext, { ftps, http = "", files = {} }: Settings): Promise<Product> {
  const directory = await temporaryDirectory();
  await writeFiles(directory, files);
  const { publicKey } = await writeIdentity(directory);
  const configuration = (await testConfiguration(publicKey))
    .replace('passivePorts: "0-0"', `passivePorts: "0-0", ${ftps}`)
    .replace('http: { listen: "127.0.0.1:0"', `http: { listen: "127.0.0.1:0"${http}`);
  const product = await startProduct({ directory, configuration });
  t.after(() => disposeProduct(product));
  return product;
}

/** Each in one step, as tools that renew certificates do. */
async function writeFiles(directory: string, files: Files): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(directory, `${name}.new`), text);
    await rename(join(directory, `${name}.new`), join(directory, name));
  }
}

function selfSigned(host: string): { certificate: string; privateKey: string } {
  const privateKey = createTlsPrivateKey();
  return { privateKey, certificate: createSelfSignedCertificate(privateKey, [host], Date.now() - 60_000) };
}

function ftpsOf({ endpoints }: Product): Endpoint {
  if (!endpoints.ftps) throw new Error("there is no FTPS");
  return endpoints.ftps;
}

async function connect(product: Product, options: AccessOptions = {}): Promise<Client> {
  const client = new Client();
  const secureOptions = { rejectUnauthorized: false, ...options.secureOptions };
  await client.access({ ...ftpsOf(product), user: "tester", password, secure: true, ...options, secureOptions });
  return client;
}

const upload = (client: Client, path: string) => client.uploadFrom(Readable.from(["content"]), path);

const refusedWith = (code: number) => (error: unknown) => error instanceof FTPError && error.code === code;

/** What is answered to somebody who wants to upload without TLS on the data connection. */
async function replyToProtC(product: Product): Promise<number> {
  const client = await FtpsClient.connect(ftpsOf(product).port);
  await client.expect("AUTH TLS", 234);
  await client.startTls();
  await client.expect("USER tester", 331);
  await client.expect(`PASS ${password}`, 230);
  await client.expect("PBSZ 0", 200);
  const { code } = await client.command("PROT C");
  client.destroy();
  return code;
}

describe("the section server.ftps", () => {
  it("allows nothing without TLS unless it says so", async (t) => {
    const product = await startWith(t, { ftps: "sessionReuse: preferred" });
    await assert.rejects(connect(product, { secure: false }), refusedWith(530));
    assert.equal(await replyToProtC(product), 534);
    assert.doesNotMatch(product.output(), /without TLS is allowed/);
  });

  it("allows FTP without TLS with plain: true, and warns of it at the start", async (t) => {
    const product = await startWith(t, { ftps: "plain: true, clearData: true" });
    const client = await connect(product, { secure: false });
    await upload(client, "plain.txt");
    client.close();
    const underTls = await connect(product);
    assert.equal(await underTls.size("plain.txt"), 7);
    underTls.close();
    assert.equal(await replyToProtC(product), 200);
    const { host, port } = ftpsOf(product);
    const warnings = product.output().match(/FTP without TLS is allowed on \S+:/g);
    assert.deepEqual(warnings, [`FTP without TLS is allowed on ${host}:${port}:`]);
  });

  it("wants certificates of its authorities and resumed sessions when both are required", async (t) => {
    const authority = createTestAuthority();
    const revoked = authority.issue("tester");
    const product = await startWith(t, {
      ftps: `sessionReuse: required,
        clientCertificates: { authorities: a.pem, revocationLists: [l.pem], required: true }`,
      files: { "a.pem": authority.certificate, "l.pem": authority.revocationList([revoked]) },
    });
    const own = authority.issue("tester");
    const client = await connect(product, { secureOptions: { cert: own.certificate, key: own.privateKey } });
    await upload(client, "certified.txt");
    client.close();
    for (const { certificate, privateKey } of [revoked, authority.issue("admin")]) {
      const secureOptions = { cert: certificate, key: privateKey };
      await assert.rejects(connect(product, { secureOptions }), refusedWith(530));
    }
    await assert.rejects(connect(product), refusedWith(530));
    const raw = await FtpsClient.connect(ftpsOf(product).port, {
      tls: { cert: own.certificate, key: own.privateKey },
    });
    await raw.expect("AUTH TLS", 234);
    await raw.startTls();
    await raw.expect("USER tester", 232);
    await raw.expect("PBSZ 0", 200);
    await raw.expect("PROT P", 200);
    const socket = await raw.connectData();
    await raw.expect("STOR fresh.txt", 150);
    raw.secureData(socket, { session: undefined }).end("content");
    await raw.expectNext(522);
    raw.destroy();
  });
});

/** The certificate that a new connection is shown, in PEM form. */
async function shownBy(product: Product, protocol: "ftps" | "https"): Promise<string> {
  const { endpoints } = product;
  const port = protocol === "ftps" ? endpoints.ftpsImplicit?.port : Number(new URL(endpoints.http.url).port);
  const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const certificate = socket.getPeerX509Certificate()?.toString() ?? "";
  socket.destroy();
  return certificate;
}

/** Asks until the files have been looked at again, which takes at most limits.configurationCheckMs of asking. */
async function untilShown(product: Product, protocol: "ftps" | "https", certificate: string): Promise<void> {
  while ((await shownBy(product, protocol)) !== certificate) await delay(limits.configurationCheckMs / 10);
}

describe("a certificate file that is replaced while the server runs", () => {
  it("is shown to new connections, and those there are go on", async (t) => {
    const [first, second, third] = [selfSigned("first"), selfSigned("second"), selfSigned("third")];
    const tls = "tls: { certificate: c.pem, privateKey: k.pem }";
    const filesOf = ({ certificate, privateKey }: typeof first) => ({ "c.pem": certificate, "k.pem": privateKey });
    const product = await startWith(t, { ftps: tls, http: `, ${tls}`, files: filesOf(first) });
    const client = await connect(product);
    assert.equal(await shownBy(product, "ftps"), first.certificate);
    await writeFiles(product.directory, filesOf(second));
    await untilShown(product, "ftps", second.certificate);
    await untilShown(product, "https", second.certificate);
    await upload(client, "during.txt");
    // Half a renewal: the private key is still that of the second certificate.
    await writeFiles(product.directory, { "c.pem": third.certificate });
    while (!product.output().includes("does not belong to the certificate")) await shownBy(product, "ftps");
    assert.equal(await shownBy(product, "ftps"), second.certificate);
    await writeFiles(product.directory, filesOf(third));
    await untilShown(product, "ftps", third.certificate);
    await upload(client, "after.txt");
    client.close();
    assert.equal(product.output().match(/the changed configuration has problems/g)?.length, 1);
    assert.doesNotMatch(product.output(), /a restart puts it into force/);
  });

  it("is noticed in DATA/keys too, and a damaged one is told once", async (t) => {
    const product = await startWith(t, { ftps: "plain: false" });
    const certificateFiles = join(product.dataDirectory, "keys");
    const initial = await shownBy(product, "ftps");
    await writeFiles(certificateFiles, { "tls_certificate.pem": "damaged" });
    while (!product.output().includes("TLS certificate cannot be used")) await shownBy(product, "ftps");
    assert.equal(await shownBy(product, "ftps"), initial);
    const { certificate, privateKey } = selfSigned("renewed");
    await writeFiles(certificateFiles, { "tls_certificate.pem": certificate, "tls_private_key.pem": privateKey });
    await untilShown(product, "ftps", certificate);
  });
});
