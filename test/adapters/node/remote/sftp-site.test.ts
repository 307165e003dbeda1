import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openSftpSite } from "../../../../adapters/node/remote/sftp-site.ts";
import { parseVirtualPath } from "../../../../core/virtual-path.ts";
import { refuses } from "../../../contract/refusal.ts";
import { describeRemoteSite } from "../../../contract/remote-site.contract.ts";
import { temporaryDirectory } from "../../../support/product.ts";
import { remoteDestination } from "../../../support/remote-destination.ts";
import { programOrSkip } from "../../../support/require-program.ts";
import { generateSshKeyPair } from "../../../support/ssh-key-pair.ts";
import { type SshServer, startSshServer } from "../../../support/ssh-server.ts";

const skip = programOrSkip("sshd");

function destinationOf({ port, user, privateKey, hostKey, files }: SshServer, folder = files) {
  return remoteDestination(`sftp://127.0.0.1:${port}${folder}`, { user, privateKey, hostKeys: [hostKey] });
}

const read = (file: string) =>
  readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });

describeRemoteSite("OpenSSH", skip, async () => {
  const directory = await temporaryDirectory();
  const server = await startSshServer(directory);
  return {
    open: () => openSftpSite(destinationOf(server)),
    stored: (path) => read(join(server.files, path)),
    put: (path, content) => writeFile(join(server.files, path), content),
    dispose: async () => {
      await server.kill();
      await rm(directory, { recursive: true });
    },
  };
});

describe("a login at OpenSSH", { skip }, () => {
  let directory: string;
  let server: SshServer;
  before(async () => {
    directory = await temporaryDirectory();
    server = await startSshServer(directory);
  });
  after(async () => {
    await server.kill();
    await rm(directory, { recursive: true });
  });

  it("is refused where the site has another host key, before anything is sent", async () => {
    const destination = { ...destinationOf(server), hostKeys: ["A".repeat(43)] };
    await assert.rejects(openSftpSite(destination), { code: "permission-denied", message: /SHA256:/ });
  });

  it("is refused with another private key", async () => {
    const destination = { ...destinationOf(server), privateKey: generateSshKeyPair().private };
    await refuses("permission-denied", openSftpSite(destination));
  });

  it("fails for a moment where nothing listens", async () => {
    const destination = remoteDestination("sftp://127.0.0.1:1/x", { ...destinationOf(server), timeoutMs: 2000 });
    await refuses("unavailable", openSftpSite({ ...destination, address: { ...destination.address, port: 1 } }));
  });

  it("says which folder is missing, and makes none, where the site has not that of the URL", async () => {
    const site = await openSftpSite(destinationOf(server, `${server.files}/mistyped`));
    for (const path of ["/a", "/folder/a"]) {
      async function* content() {
        yield Buffer.from("x");
      }
      const written = site.write(parseVirtualPath(path), content, { offset: 0, bytes: 1, sha256: "", overwrite: true });
      await assert.rejects(written, { code: "not-found", message: /no folder .*\/mistyped, which its URL names$/ });
    }
    assert.equal(await read(join(server.files, "mistyped")), undefined);
    site.close();
  });

  it("finds a folder of ten thousand files in pages, without holding more than one", async () => {
    const folder = join(server.files, "many");
    await mkdir(folder);
    for (let index = 0; index < 10_000; index += 1) await writeFile(join(folder, `file-${index}`), "");
    const site = await openSftpSite(destinationOf(server));
    let count = 0;
    for await (const entry of site.list(parseVirtualPath("/many"))) count += entry.type === "file" ? 1 : 0;
    assert.equal(count, 10_000);
    site.close();
  });
});
