import { password } from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";
import { type ClientProgram, clientScript, type Site } from "./client-script.ts";

const encoded = (remote: string) => remote.split("/").map(encodeURIComponent).join("/");
const quoted = (name: string) => `"${name.replace(/["\\]/g, "\\$&")}"`;

function curl({ product }: Site, remote: string, ...args: string[]): Promise<string> {
  const { host, port } = product.endpoints.sftp;
  const url = `sftp://${host}:${port}${encoded(remote)}`;
  return mustRun("curl", ["-q", "-sS", "-k", "--globoff", "-u", `tester:${password}`, ...args, url]);
}

const quote = async (site: Site, command: string) => void (await curl(site, "/", "-Q", command, "-o", "/dev/null"));

const client: ClientProgram = {
  put: async (site, local, remote) => void (await curl(site, remote, "-T", local)),
  get: async (site, remote, local) => void (await curl(site, remote, "-o", local)),
  list: async (site, remote) =>
    (await curl(site, `${remote.replace(/\/$/, "")}/`, "-l")).split("\n").filter((line) => line !== ""),
  makeDirectory: (site, remote) => quote(site, `mkdir ${quoted(remote)}`),
  removeDirectory: (site, remote) => quote(site, `rmdir ${quoted(remote)}`),
  removeFile: (site, remote) => quote(site, `rm ${quoted(remote)}`),
  rename: (site, from, to) => quote(site, `rename ${quoted(from)} ${quoted(to)}`),
  resumePut: async (site, local, remote) => void (await curl(site, remote, "-C", "-", "-T", local)),
  resumeGet: async (site, remote, local) => void (await curl(site, remote, "-C", "-", "-o", local)),
};

const hasSftp = async () => (await mustRun("curl", ["--version"])).includes(" sftp");
const missing = programOrSkip("curl");
clientScript("curl over SFTP", client, missing || (!(await hasSftp()) && "this curl has no SFTP"));
