import { password } from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";
import { type ClientProgram, clientScript, type Site } from "./client-script.ts";
import { type FtpsMode, ftpsEndpoint, ftpsModes, largestBytes } from "./ftps-endpoint.ts";

const quoted = (name: string) => `"${name.replace(/["\\]/g, "\\$&")}"`;

function lftpOver(mode: FtpsMode): ClientProgram {
  const lftp = (site: Site, ...commands: string[]): Promise<string> => {
    const { host, port } = ftpsEndpoint(site, mode);
    const script = [
      "set cmd:fail-exit yes",
      "set net:max-retries 1",
      "set ftp:ssl-force yes",
      "set ftp:ssl-protect-data yes",
      "set ssl:verify-certificate no",
      `open -u tester,${quoted(password)} ${mode === "explicit" ? "ftp" : "ftps"}://${host}:${port}`,
      ...commands,
      "exit",
    ];
    return mustRun("lftp", ["--norc"], { input: script.join("\n"), env: { LFTP_HOME: "/nonexistent" } });
  };
  return {
    put: async (site, local, remote) => void (await lftp(site, `put ${quoted(local)} -o ${quoted(remote)}`)),
    get: async (site, remote, local) =>
      void (await lftp(site, "set xfer:clobber yes", `get ${quoted(remote)} -o ${quoted(local)}`)),
    list: async (site, remote) =>
      (await lftp(site, `cls -1 ${quoted(`${remote.replace(/\/$/, "")}/`)}`))
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => line.slice(line.replace(/\/$/, "").lastIndexOf("/") + 1)),
    makeDirectory: async (site, remote) => void (await lftp(site, `mkdir ${quoted(remote)}`)),
    removeDirectory: async (site, remote) => void (await lftp(site, `rmdir ${quoted(remote)}`)),
    removeFile: async (site, remote) => void (await lftp(site, `rm ${quoted(remote)}`)),
    rename: async (site, from, to) => void (await lftp(site, `mv ${quoted(from)} ${quoted(to)}`)),
    putTree: async (site, local, remote) =>
      void (await lftp(site, `mirror -R -P 4 ${quoted(local)} ${quoted(remote)}`)),
    getTree: async (site, remote, local) => void (await lftp(site, `mirror -P 4 ${quoted(remote)} ${quoted(local)}`)),
    resumePut: async (site, local, remote) => void (await lftp(site, `put -c ${quoted(local)} -o ${quoted(remote)}`)),
    resumeGet: async (site, remote, local) => void (await lftp(site, `pget -c ${quoted(remote)} -o ${quoted(local)}`)),
  };
}

for (const mode of ftpsModes) {
  clientScript(`lftp over ${mode} FTPS`, lftpOver(mode), programOrSkip("lftp"), largestBytes[mode]);
}
