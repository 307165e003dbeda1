import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { describe, it } from "node:test";
import {
  disposeProduct,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun, runProgram } from "../support/run-program.ts";
import { type ClientProgram, clientScript, type Site, writeRandomFile } from "./client-script.ts";

const commonOptions = [
  "-o",
  "StrictHostKeyChecking=no",
  "-o",
  "UserKnownHostsFile=/dev/null",
  "-o",
  "LogLevel=ERROR",
  "-o",
  "BatchMode=yes",
  "-F",
  "/dev/null",
];

const quoted = (name: string) => `"${name.replace(/["\\]/g, "\\$&")}"`;

function sftpArguments({ product, identity }: Site, extra: readonly string[] = []): string[] {
  const { host, port } = product.endpoints.sftp;
  return [...commonOptions, ...extra, "-i", identity.privateKeyFile, "-P", `${port}`, "-b", "-", `tester@${host}`];
}

const batch = (site: Site, ...commands: string[]) =>
  mustRun("sftp", sftpArguments(site), { input: commands.join("\n") });

const sftp: ClientProgram = {
  put: async (site, local, remote) => void (await batch(site, `put ${quoted(local)} ${quoted(remote)}`)),
  get: async (site, remote, local) => void (await batch(site, `get ${quoted(remote)} ${quoted(local)}`)),
  list: async (site, remote) =>
    (await batch(site, `cd ${quoted(remote)}`, "ls -1"))
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("sftp>")),
  makeDirectory: async (site, remote) => void (await batch(site, `mkdir ${quoted(remote)}`)),
  removeDirectory: async (site, remote) => void (await batch(site, `rmdir ${quoted(remote)}`)),
  removeFile: async (site, remote) => void (await batch(site, `rm ${quoted(remote)}`)),
  rename: async (site, from, to) => void (await batch(site, `rename ${quoted(from)} ${quoted(to)}`)),
  putTree: async (site, local, remote) => void (await batch(site, `put -rp ${quoted(local)} ${quoted(remote)}`)),
  getTree: async (site, remote, local) => void (await batch(site, `get -rp ${quoted(remote)} ${quoted(local)}`)),
  resumePut: async (site, local, remote) => void (await batch(site, `reput ${quoted(local)} ${quoted(remote)}`)),
  resumeGet: async (site, remote, local) => void (await batch(site, `reget ${quoted(remote)} ${quoted(local)}`)),
};

clientScript("OpenSSH sftp", sftp, programOrSkip("sftp"));

const scpTarget = (site: Site, remote: string) => `tester@${site.product.endpoints.sftp.host}:${remote}`;
const scpRun = (site: Site, ...args: string[]) =>
  mustRun("scp", [
    ...commonOptions,
    "-i",
    site.identity.privateKeyFile,
    "-P",
    `${site.product.endpoints.sftp.port}`,
    ...args,
  ]);

const scp: ClientProgram = {
  put: async (site, local, remote) => void (await scpRun(site, local, scpTarget(site, remote))),
  get: async (site, remote, local) => void (await scpRun(site, scpTarget(site, globEscaped(remote)), local)),
  list: sftp.list,
  putTree: async (site, local, remote) => void (await scpRun(site, "-rp", local, scpTarget(site, dirname(remote)))),
  getTree: async (site, remote, local) => {
    await mkdir(join(dirname(local), "scp"), { recursive: true });
    await scpRun(site, "-r", scpTarget(site, remote), join(dirname(local), "scp"));
    await mustRun("mv", [join(dirname(local), "scp", basename(remote)), local]);
  },
};

/** scp in SFTP mode expands globs in the names that it fetches. */
function globEscaped(remote: string): string {
  return remote.replace(/[\\*?[\]{}'"]/g, "\\$&");
}

clientScript("OpenSSH scp", scp, programOrSkip("scp"));

describe("OpenSSH sftp", { skip: programOrSkip("sftp") }, () => {
  it("keeps contents whole with four transfers at once, re-keying every 4 MiB in both directions", async () => {
    const directory = await temporaryDirectory();
    const identity = await writeIdentity(directory);
    const product = await startProduct({ directory, configuration: await testConfiguration(identity.publicKey) });
    try {
      const site = { product, identity, work: directory };
      const local = join(directory, "rekey.bin");
      await writeRandomFile(local, 24 * 1024 * 1024);
      const content = await readFile(local);
      for (const cipher of ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr"]) {
        const args = sftpArguments(site, ["-o", "RekeyLimit=4M", "-c", cipher]);
        const thereAndBack = async (name: string) => {
          const back = join(directory, `${name}.back`);
          await mustRun("sftp", args, { input: `put ${local} /${name}\nget /${name} ${back}\n` });
          assert.ok((await readFile(back)).equals(content), cipher);
        };
        await Promise.all(["a", "b", "c", "d"].map(thereAndBack));
      }
    } finally {
      await disposeProduct(product);
    }
  });

  it("hears in words why it is refused", async () => {
    const directory = await temporaryDirectory();
    const identity = await writeIdentity(directory);
    const limited = `  - name: limited
    publicKeys: ["${identity.publicKey.trim()}"]
    permissions: [[allow-list], ["/in/*", allow-write]]
`;
    const configuration = await testConfiguration(identity.publicKey, limited);
    const product = await startProduct({ directory, configuration });
    try {
      const { host, port } = product.endpoints.sftp;
      const args = [...commonOptions, "-i", identity.privateKeyFile, "-P", `${port}`, "-b", "-", `limited@${host}`];
      const local = join(directory, "x.txt");
      await writeFile(local, "x");
      const refused = await runProgram("sftp", args, { input: `put ${local} /elsewhere.txt\n` });
      assert.equal(refused.exitCode, 1);
      assert.match(refused.stderr, /permission denied/i);
      await mustRun("sftp", args, { input: `put ${local} /in/x.txt\n` });
      const [denied] = await product.events("type=access.denied&account=limited&path=/elsewhere.txt");
      assert.match(String(denied?.data.rule), /limited/);
    } finally {
      await disposeProduct(product);
    }
  });
});
