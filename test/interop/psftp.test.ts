import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { password } from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";
import { type ClientProgram, clientScript, type Site } from "./client-script.ts";
import { hostKeyOptions } from "./psftp-host-keys.ts";

const quoted = (name: string) => `"${name.replace(/"/g, '""')}"`;

async function psftp(site: Site, ...commands: string[]): Promise<string> {
  const { host, port } = site.product.endpoints.sftp;
  const hostKeys = await hostKeyOptions(site.product);
  const script = join(site.work, "psftp-commands");
  await writeFile(script, [...commands, "quit", ""].join("\n"));
  const args = ["-batch", "-P", `${port}`, "-l", "tester", "-pw", password, ...hostKeys, "-b", script, host];
  return mustRun("psftp", args);
}

const client: ClientProgram = {
  put: async (site, local, remote) => void (await psftp(site, `put ${quoted(local)} ${quoted(remote)}`)),
  get: async (site, remote, local) => void (await psftp(site, `get ${quoted(remote)} ${quoted(local)}`)),
  list: async (site, remote) =>
    (await psftp(site, `ls ${quoted(remote)}`))
      .split("\n")
      .map((line) => /^[-d]\S+\s+\S+\s+\S+\s+\S+\s+\d+\s+\w+\s+\d+\s+[\d:]+ (.*)$/.exec(line.trimEnd())?.[1])
      .filter((name) => name !== undefined),
  makeDirectory: async (site, remote) => void (await psftp(site, `mkdir ${quoted(remote)}`)),
  removeDirectory: async (site, remote) => void (await psftp(site, `rmdir ${quoted(remote)}`)),
  removeFile: async (site, remote) => void (await psftp(site, `del ${quoted(remote)}`)),
  rename: async (site, from, to) => void (await psftp(site, `mv ${quoted(from)} ${quoted(to)}`)),
  putTree: async (site, local, remote) => void (await psftp(site, `put -r ${quoted(local)} ${quoted(remote)}`)),
  getTree: async (site, remote, local) => void (await psftp(site, `get -r ${quoted(remote)} ${quoted(local)}`)),
  resumePut: async (site, local, remote) => void (await psftp(site, `reput ${quoted(local)} ${quoted(remote)}`)),
  resumeGet: async (site, remote, local) => void (await psftp(site, `reget ${quoted(remote)} ${quoted(local)}`)),
};

clientScript("PuTTY psftp", client, programOrSkip("psftp"));
