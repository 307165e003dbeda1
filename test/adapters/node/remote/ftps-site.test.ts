import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openFtpsSite } from "../../../../adapters/node/remote/ftps-site.ts";
import { refuses } from "../../../contract/refusal.ts";
import { describeRemoteSite } from "../../../contract/remote-site.contract.ts";
import { type FtpServer, proftpdOrSkip, startFtpServer } from "../../../support/ftp-servers.ts";
import { temporaryDirectory } from "../../../support/product.ts";
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
