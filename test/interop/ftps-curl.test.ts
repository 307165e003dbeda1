import { password } from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";
import { type ClientProgram, clientScript, type Site } from "./client-script.ts";
import { type FtpsMode, ftpsEndpoint, ftpsModes, largestBytes } from "./ftps-endpoint.ts";

const encoded = (remote: string) => remote.split("/").map(encodeURIComponent).join("/");

function curlOver(mode: FtpsMode): ClientProgram {
  const scheme = mode === "explicit" ? "ftp" : "ftps";
  const curl = (site: Site, remote: string, ...args: string[]): Promise<string> => {
    const { host, port } = ftpsEndpoint(site, mode);
    const url = `${scheme}://${host}:${port}${encoded(remote)}`;
    const common = ["-q", "-sS", "-k", "--ssl-reqd", "--globoff", "-u", `tester:${password}`];
    return mustRun("curl", [...common, ...args, url]);
  };
  const quote = async (site: Site, ...commands: string[]) =>
    void (await curl(site, "/", ...commands.flatMap((command) => ["-Q", command]), "-o", "/dev/null"));
  return {
    put: async (site, local, remote) => void (await curl(site, remote, "-T", local)),
    get: async (site, remote, local) => void (await curl(site, remote, "-o", local)),
    list: async (site, remote) =>
      (await curl(site, `${remote.replace(/\/$/, "")}/`, "-l")).split(/\r?\n/).filter((line) => line !== ""),
    makeDirectory: (site, remote) => quote(site, `MKD ${remote}`),
    removeDirectory: (site, remote) => quote(site, `RMD ${remote}`),
    removeFile: (site, remote) => quote(site, `DELE ${remote}`),
    rename: (site, from, to) => quote(site, `RNFR ${from}`, `RNTO ${to}`),
    resumePut: async (site, local, remote) => void (await curl(site, remote, "-C", "-", "-T", local)),
    resumeGet: async (site, remote, local) => void (await curl(site, remote, "-C", "-", "-o", local)),
  };
}

for (const mode of ftpsModes) {
  clientScript(`curl over ${mode} FTPS`, curlOver(mode), programOrSkip("curl"), largestBytes[mode]);
}
