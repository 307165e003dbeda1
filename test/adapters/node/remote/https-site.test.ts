import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openHttpsSite } from "../../../../adapters/node/remote/https-site.ts";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../../../adapters/node/tls-certificate.ts";
import { parseVirtualPath } from "../../../../core/virtual-path.ts";
import type { RemoteSite } from "../../../../ports/remote-site.ts";
import { refuses } from "../../../contract/refusal.ts";
import { describeRemoteSite } from "../../../contract/remote-site.contract.ts";
import { type HttpsFileServer, startHttpsFileServer } from "../../../support/https-file-server.ts";
import {
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../../../support/product.ts";
import { remoteDestination } from "../../../support/remote-destination.ts";

const read = (file: string) =>
  readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });

describeRemoteSite("a web server", false, async () => {
  const directory = await temporaryDirectory();
  const files = join(directory, "base");
  await mkdir(files);
  const server = await startHttpsFileServer(directory);
  return {
    lacks: ["list"],
    open: async () => openHttpsSite(remoteDestination(`${server.url}/base`, { authorities: server.certificate })),
    stored: (path) => read(join(files, path)),
    put: (path, content) => writeFile(join(files, path), content),
    dispose: async () => {
      await server.close();
      await rm(directory, { recursive: true });
    },
  };
});

describeRemoteSite("Ferrygate's API", false, async () => {
  const directory = await temporaryDirectory();
  const privateKey = createTlsPrivateKey();
  const certificate = createSelfSignedCertificate(privateKey, ["127.0.0.1"], Date.now() - 60_000);
  await writeFile(join(directory, "certificate.pem"), certificate);
  await writeFile(join(directory, "private.pem"), privateKey);
  const { publicKey } = await writeIdentity(directory);
  const configuration = (await testConfiguration(publicKey)).replace(
    'http: { listen: "127.0.0.1:0" }',
    'http: { listen: "127.0.0.1:0", tls: { certificate: certificate.pem, privateKey: private.pem } }',
  );
  const product = await startProduct({ directory, configuration });
  const files = join(product.dataDirectory, "files", "tester");
  const { url } = product.endpoints.http;
  const site = remoteDestination(`${url}/v1/files`, { user: "tester", password, authorities: certificate });
  return {
    open: async () => openHttpsSite(site),
    stored: (path) => read(join(files, path)),
    put: async (path, content) => {
      await mkdir(files, { recursive: true });
      await writeFile(join(files, path), content);
    },
    dispose: async () => {
      await product.stop();
      await rm(directory, { recursive: true });
    },
  };
});

describe("a web server that has folders", () => {
  let directory: string;
  let server: HttpsFileServer;
  let site: RemoteSite;
  before(async () => {
    directory = await temporaryDirectory();
    server = await startHttpsFileServer(directory, { folders: true });
    site = openHttpsSite(remoteDestination(server.url, { authorities: server.certificate }));
  });
  after(async () => {
    site.close();
    await server.close();
    await rm(directory, { recursive: true });
  });
  const write = (path: string) => {
    const content = Buffer.from("hello");
    const sha256 = createHash("sha256").update(content).digest("hex");
    const options = { offset: 0, bytes: content.length, sha256, overwrite: false };
    return site.write(parseVirtualPath(path), () => once(content), options);
  };

  it("has those of a path for the next try", async () => {
    await refuses("unavailable", write("/new/deep/a.txt"));
    await write("/new/deep/a.txt");
    assert.equal(`${await read(join(directory, "new/deep/a.txt"))}`, "hello");
    await refuses("unavailable", write("/new/other/b.txt"));
    await write("/new/other/b.txt");
  });

  it("is not asked again where a folder cannot be", async () => {
    await write("/file");
    await refuses("invalid-argument", write("/file/a.txt"));
  });
});

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

describe("a connection to a web server", () => {
  let directory: string;
  let server: HttpsFileServer;
  before(async () => {
    directory = await temporaryDirectory();
    server = await startHttpsFileServer(directory);
  });
  after(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });
  const ask = async (changes: Parameters<typeof remoteDestination>[1]) => {
    const site = openHttpsSite(remoteDestination(server.url, changes));
    await site.stat(parseVirtualPath("/a")).finally(() => site.close());
  };

  it("is refused where nobody known has issued the certificate", () => refuses("permission-denied", ask({})));

  it("is refused where the certificate is not the one that is pinned", () =>
    refuses("permission-denied", ask({ fingerprints: ["0".repeat(64)] })));

  it("is refused for another name than that of the certificate", async () => {
    const site = openHttpsSite(
      remoteDestination(server.url.replace("127.0.0.1", "localhost"), { authorities: server.certificate }),
    );
    await refuses("permission-denied", site.stat(parseVirtualPath("/a")));
    site.close();
  });
});
