import { fileURLToPath } from "node:url";
import { password } from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";
import { type ClientProgram, clientScript, type Site } from "./client-script.ts";
import { type FtpsMode, ftpsEndpoint, ftpsModes } from "./ftps-endpoint.ts";

/** A Python that has aioftp. */
const python = "python-with-aioftp";
const script = fileURLToPath(new URL("aioftp-client.py", import.meta.url));

/** It ends the TLS handshake of a data connection before it sends the command. */
function aioftpOver(mode: FtpsMode): ClientProgram {
  const aioftp = async (site: Site, operation: string, ...args: string[]): Promise<string> => {
    const { host, port } = ftpsEndpoint(site, mode);
    return mustRun(python, [script, host, `${port}`, mode, "tester", password, operation, ...args]);
  };
  return {
    put: async (site, local, remote) => void (await aioftp(site, "put", local, remote)),
    get: async (site, remote, local) => void (await aioftp(site, "get", remote, local)),
    list: async (site, remote) => (await aioftp(site, "listdir", remote)).split("\n").filter((line) => line !== ""),
    makeDirectory: async (site, remote) => void (await aioftp(site, "make_directory", remote)),
    removeDirectory: async (site, remote) => void (await aioftp(site, "remove_directory", remote)),
    removeFile: async (site, remote) => void (await aioftp(site, "remove_file", remote)),
    rename: async (site, from, to) => void (await aioftp(site, "rename", from, to)),
    putTree: async (site, local, remote) => void (await aioftp(site, "put_tree", local, remote)),
    getTree: async (site, remote, local) => void (await aioftp(site, "get_tree", remote, local)),
    resumePut: async (site, local, remote) => void (await aioftp(site, "resume_put", local, remote)),
    resumeGet: async (site, remote, local) => void (await aioftp(site, "resume_get", remote, local)),
  };
}

for (const mode of ftpsModes) {
  clientScript(`aioftp over ${mode} FTPS`, aioftpOver(mode), programOrSkip(python), 10_000_000);
}
