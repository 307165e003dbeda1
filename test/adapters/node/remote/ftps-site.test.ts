import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openFtpsSite } from "../../../../adapters/node/remote/ftps-site.ts";
import type { FileErrorCode } from "../../../../core/errors.ts";
import type { RemoteDestination } from "../../../../core/remote-destination.ts";
import { parseVirtualPath } from "../../../../core/virtual-path.ts";
import { refuses } from "../../../contract/refusal.ts";
import { describeRemoteSite } from "../../../contract/remote-site.contract.ts";
import { type FtpServer, proftpdOrSkip, startFtpServer } from "../../../support/ftp-servers.ts";
import { temporaryDirectory } from "../../../support/product.ts";
import { startRefusingFtpServer } from "../../../support/refusing-ftp-server.ts";
import { programOrSkip } from "../../../support/require-program.ts";
import { mustRun } from "../../../support/run-program.ts";

const read = (file: string) =>
  readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });

const servers = { vsftpd: programOrSkip("vsftpd"), ProFTPD: proftpdOrSkip() } as const;

for (const name of ["vsftpd", "ProFTPD"] as const) {
  describeRemoteSite(name, servers[name], async () => {
    const directory = await temporaryDirectory();
    const { server, files, destination } = await startFtpServer(name, directory);
    return {
      open: () => openFtpsSite(destination()),
      stored: (path) => read(join(files, path)),
      put: async (path, content) => {
        await writeFile(join(files, path), content);
        if (name === "vsftpd" && process.getuid?.() === 0) await mustRun("chown", ["ftp", join(files, path)]);
      },
      dispose: async () => {
        await server.stop();
        await rm(directory, { recursive: true });
      },
    };
  });
}

describe("a login at ProFTPD", { skip: servers.ProFTPD }, () => {
  let directory: string;
  let under: FtpServer;
  before(async () => {
    directory = await temporaryDirectory();
    under = await startFtpServer("ProFTPD", directory);
  });
  after(async () => {
    await under.server.stop();
    await rm(directory, { recursive: true });
  });

  it("is refused where the site has another certificate, before the password is sent", async () => {
    await refuses("permission-denied", openFtpsSite(under.destination({ fingerprints: ["0".repeat(64)] })));
  });

  it("is refused where nobody known has issued the certificate", async () => {
    await refuses("permission-denied", openFtpsSite(under.destination({ fingerprints: [] })));
  });

  it("succeeds where the authority is given", async () => {
    const site = await openFtpsSite(under.destination({ fingerprints: [], authorities: under.certificate }));
    site.close();
  });

  it("is refused with another password", async () => {
    await refuses("permission-denied", openFtpsSite(under.destination({ password: "other" })));
  });
});

/** Far more than fits into what lies between two programs. */
async function* content(): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < 400; index += 1) yield Buffer.alloc(100_000);
}

async function upload(destination: RemoteDestination, path: string) {
  const site = await openFtpsSite(destination);
  return {
    site,
    written: site.write(parseVirtualPath(path), content, {
      offset: 0,
      bytes: 40_000_000,
      sha256: "",
      overwrite: true,
    }),
  };
}

describe("an upload whose data connection the site resets", () => {
  const refusals: readonly (readonly [reply: string, afterMs: number, code: FileErrorCode])[] = [
    ["552 no room", 0, "quota-exceeded"],
    ["552 no room", 200, "quota-exceeded"],
    ["553 not that name", 20, "permission-denied"],
    ["550 not you", 20, "permission-denied"],
    ["451 not now", 20, "unavailable"],
  ];
  for (const [reply, afterMs, code] of refusals) {
    it(`fails for what the site answers ${afterMs} ms later: ${reply}`, async () => {
      const server = await startRefusingFtpServer((control) => {
        setTimeout(() => control.write(`${reply}\r\n`), afterMs);
      });
      const { site, written } = await upload(server.destination, "/a.bin");
      await refuses(code, written);
      // The next answer belongs to the next question.
      assert.equal(await site.stat(parseVirtualPath("/b.bin")), undefined);
      site.close();
      server.close();
    });
  }

  it("may pass where the site says nothing more", async () => {
    for (const finish of ["end", "pause"] as const) {
      const server = await startRefusingFtpServer((control) => control[finish]());
      const { site, written } = await upload(server.destination, "/a.bin");
      await refuses("unavailable", written);
      // An answer that came now could be that of another question.
      await refuses("unavailable", site.stat(parseVirtualPath("/b.bin")));
      site.close();
      server.close();
    }
  });

  it("fails for good where ProFTPD finds the file too large", { skip: servers.ProFTPD }, async () => {
    const directory = await temporaryDirectory();
    const { server, files, destination } = await startFtpServer("ProFTPD", directory);
    await mkdir(join(files, "small"));
    await writeFile(join(files, "small", ".ftpaccess"), "MaxStoreFileSize 1 Mb\n");
    for (let round = 0; round < 5; round += 1) {
      const { site, written } = await upload(destination(), "/small/a.bin");
      await refuses("quota-exceeded", written);
      site.close();
    }
    await server.stop();
    await rm(directory, { recursive: true });
  });
});
