import { fileURLToPath } from "node:url";
import { password } from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";
import { type ClientProgram, clientScript, type Site } from "./client-script.ts";
import { type FtpsMode, ftpsEndpoint, ftpsModes, largestBytes } from "./ftps-endpoint.ts";

const script = fileURLToPath(new URL("ftplib-client.py", import.meta.url));

/** Python's own FTP client. It never resumes TLS sessions on data connections. */
function ftplibOver(mode: FtpsMode): ClientProgram {
  const ftplib = async (site: Site, operation: string, ...args: string[]): Promise<string> => {
    const { host, port } = ftpsEndpoint(site, mode);
    return mustRun("python3", [script, host, `${port}`, mode, "tester", password, operation, ...args]);
  };
  return {
    put: async (site, local, remote) => void (await ftplib(site, "put", local, remote)),
    get: async (site, remote, local) => void (await ftplib(site, "get", remote, local)),
    list: async (site, remote) => (await ftplib(site, "listdir", remote)).split("\n").filter((line) => line !== ""),
    makeDirectory: async (site, remote) => void (await ftplib(site, "mkd", remote)),
    removeDirectory: async (site, remote) => void (await ftplib(site, "rmd", remote)),
    removeFile: async (site, remote) => void (await ftplib(site, "delete", remote)),
    rename: async (site, from, to) => void (await ftplib(site, "rename", from, to)),
    putTree: async (site, local, remote) => void (await ftplib(site, "put_tree", local, remote)),
    getTree: async (site, remote, local) => void (await ftplib(site, "get_tree", remote, local)),
    resumePut: async (site, local, remote) => void (await ftplib(site, "resume_put", local, remote)),
    resumeGet: async (site, remote, local) => void (await ftplib(site, "resume_get", remote, local)),
  };
}

for (const mode of ftpsModes) {
  clientScript(`ftplib over ${mode} FTPS`, ftplibOver(mode), programOrSkip("python3"), largestBytes[mode]);
}
