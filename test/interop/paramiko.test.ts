import { fileURLToPath } from "node:url";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun, runProgram } from "../support/run-program.ts";
import { type ClientProgram, clientScript, type Site } from "./client-script.ts";

// Debian's packages for Python belong to this interpreter, whichever comes first on PATH.
const python = "/usr/bin/python3";
const script = fileURLToPath(new URL("paramiko-client.py", import.meta.url));

function paramiko({ product, identity }: Site, operation: string, ...args: string[]): Promise<string> {
  const { host, port } = product.endpoints.sftp;
  return mustRun(python, [script, host, `${port}`, "tester", identity.privateKeyFile, operation, ...args]);
}

const client: ClientProgram = {
  put: async (site, local, remote) => void (await paramiko(site, "put", local, remote)),
  get: async (site, remote, local) => void (await paramiko(site, "get", remote, local)),
  list: async (site, remote) => (await paramiko(site, "listdir", remote)).split("\n").filter((line) => line !== ""),
  makeDirectory: async (site, remote) => void (await paramiko(site, "mkdir", remote)),
  removeDirectory: async (site, remote) => void (await paramiko(site, "rmdir", remote)),
  removeFile: async (site, remote) => void (await paramiko(site, "remove", remote)),
  rename: async (site, from, to) => void (await paramiko(site, "rename", from, to)),
  putTree: async (site, local, remote) => void (await paramiko(site, "put_tree", local, remote)),
  getTree: async (site, remote, local) => void (await paramiko(site, "get_tree", remote, local)),
  resumePut: async (site, local, remote) => void (await paramiko(site, "resume_put", local, remote)),
  resumeGet: async (site, remote, local) => void (await paramiko(site, "resume_get", remote, local)),
};

async function missing(): Promise<string | false> {
  const probe = await runProgram(python, ["-c", "import paramiko"]).catch(() => undefined);
  return probe?.exitCode === 0 ? false : "paramiko for /usr/bin/python3";
}

clientScript("paramiko", client, programOrSkip("paramiko", await missing()));
