import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { startProduct, temporaryDirectory, testConfiguration, writeIdentity } from "../support/product.ts";
import { randomFrom } from "../support/random.ts";
import { programOrSkip } from "../support/require-program.ts";
import { startSshServer } from "../support/ssh-server.ts";

const kills = 12;
const filesPerLife = 5;
const folders = ["deleted", "moved"] as const;

async function digestsIn(folder: string): Promise<Map<string, string>> {
  const digests = (await readdir(folder)).sort().map(async (name) => {
    const content = await readFile(join(folder, name));
    return [name, createHash("sha256").update(content).digest("hex")] as const;
  });
  return new Map(await Promise.all(digests));
}

/** New files for the pull, noted by name with their SHA-256. */
async function putFiles(
  folder: string,
  { life, random }: { life: number; random: () => number },
  files: Map<string, string>,
): Promise<void> {
  for (let index = 0; index < filesPerLife; index += 1) {
    const [name, content] = [`life${life}-${index}.bin`, randomBytes(1 + Math.floor(random() ** 2 * 2_000_000))];
    await writeFile(join(folder, name), content);
    files.set(name, createHash("sha256").update(content).digest("hex"));
  }
}

async function untilEmpty(folder: string): Promise<void> {
  while ((await readdir(folder)).length > 0) await delay(100);
}

function sorted(files: ReadonlyMap<string, string> = new Map()): Map<string, string> {
  return new Map([...files].sort(([one], [other]) => (one < other ? -1 : 1)));
}

describe("a crash while files are pulled", { skip: programOrSkip("sshd") }, () => {
  it(`loses none and doubles none, ${kills} times`, { timeout: 600_000 }, async () => {
    const directory = await temporaryDirectory();
    const server = await startSshServer(directory);
    for (const folder of folders) await mkdir(join(server.files, folder));
    await writeFile(join(directory, "partner-key"), server.privateKey, { mode: 0o600 });
    const { publicKey } = await writeIdentity(directory);
    // With number, a file that is fetched twice leaves a second one behind.
    const pull = (folder: string, after: string) => `
  - { name: ${folder}, destination: partner, from: /${folder}, account: tester, to: /in/${folder},
      schedule: "* * * * * *", stableSeconds: 0, overwrite: number, after: ${after} }`;
    const configuration = `${await testConfiguration(publicKey)}
destinations:
  - name: partner
    url: "sftp://127.0.0.1:${server.port}${server.files}"
    user: ${server.user}
    privateKey: { file: partner-key }
    hostKeys: ["SHA256:${server.hostKey}"]
    bytesPerSecond: 8000000
pulls:${pull("deleted", "delete")}${pull("moved", "{ move: /done }")}
`;
    const put = new Map(folders.map((folder) => [folder, new Map<string, string>()]));
    for (let life = 0; life < kills; life += 1) {
      const random = randomFrom(life);
      for (const [folder, files] of put) await putFiles(join(server.files, folder), { life, random }, files);
      const product = await startProduct({ directory, configuration });
      await delay(500 + random() * 1500);
      await product.kill();
    }
    const product = await startProduct({ directory, configuration });
    for (const folder of folders) {
      await untilEmpty(join(server.files, folder));
      const expected = sorted(put.get(folder));
      assert.deepEqual(await digestsIn(join(product.dataDirectory, "files", "tester", "in", folder)), expected);
      if (folder === "moved") assert.deepEqual(await digestsIn(join(server.files, "done")), expected);
      const completed = (await product.events("type=transfer.completed")).map(({ data }) => String(data.path));
      const paths = completed.filter((path) => path.startsWith(`/in/${folder}/`)).sort();
      assert.deepEqual(
        paths,
        [...expected.keys()].map((name) => `/in/${folder}/${name}`),
      );
    }
    await product.stop();
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  });
});
