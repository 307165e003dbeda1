import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import ssh2 from "ssh2";
import { password } from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";
import { type ClientProgram, clientScript, type Site } from "./client-script.ts";

const quoted = (name: string) => `"${name.replace(/"/g, '""')}"`;

/** PuTTY asks for the host key by its fingerprint, which is how its users pin one. */
async function fingerprints({ product }: Site): Promise<string[]> {
  const names = ["ed25519", "rsa"].map((type) => join(product.dataDirectory, "keys", `ssh_host_${type}_key`));
  const hostKeys = await Promise.all(names.map((name) => readFile(name)));
  return hostKeys.map((text) => {
    const parsed = ssh2.utils.parseKey(text);
    if (parsed instanceof Error) throw parsed;
    return `SHA256:${createHash("sha256").update(parsed.getPublicSSH()).digest("base64").replace(/=+$/, "")}`;
  });
}

async function psftp(site: Site, ...commands: string[]): Promise<string> {
  const { host, port } = site.product.endpoints.sftp;
  const hostKeys = (await fingerprints(site)).flatMap((fingerprint) => ["-hostkey", fingerprint]);
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
