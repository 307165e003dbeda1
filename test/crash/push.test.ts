import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  type Product,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { randomFrom } from "../support/random.ts";
import { programOrSkip } from "../support/require-program.ts";
import { connectSftp, putFile } from "../support/sftp-client.ts";
import { type SshServer, startSshServer } from "../support/ssh-server.ts";

const kills = 22;
const filesPerLife = 4;

function configurationOf(own: string, { port, files, user, hostKey }: SshServer): string {
  // With number, a file that is sent twice leaves a second one behind. The pace leaves time to be killed in.
  return `${own}
destinations:
  - name: partner
    url: "sftp://127.0.0.1:${port}${files}/in"
    user: ${user}
    privateKey: { file: partner-key }
    hostKeys: ["SHA256:${hostKey}"]
    bytesPerSecond: 12000000
    timeoutSeconds: 2
    tries: 100
dispatch:
  - name: to-partner
    when: { accounts: [tester], path: "/out/*" }
    do:
      - { push: { destination: partner }, overwrite: number }
      - move: /sent/
`;
}

async function upload(product: Product, privateKeyFile: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  const connection = await connectSftp(product.endpoints.sftp, "tester", privateKeyFile);
  await new Promise<void>((resolve) => connection.sftp.mkdir("/out", () => resolve()));
  for (const [name, content] of files) await putFile(connection, `/out/${name}`, content);
  connection.client.destroy();
}

async function digestsIn(folder: string): Promise<Map<string, string>> {
  const digests = (await readdir(folder)).sort().map(async (name) => {
    const content = await readFile(join(folder, name));
    return [name, createHash("sha256").update(content).digest("hex")] as const;
  });
  return new Map(await Promise.all(digests));
}

describe("a crash while files are pushed", { skip: programOrSkip("sshd") }, () => {
  const title = `loses none, doubles none and leaves nothing behind, ${kills} times, and at the partner too`;
  it(title, { timeout: 600_000 }, async () => {
    const directory = await temporaryDirectory();
    const server = await startSshServer(directory);
    await mkdir(join(server.files, "in"));
    await writeFile(join(directory, "partner-key"), server.privateKey, { mode: 0o600 });
    const identity = await writeIdentity(directory);
    const configuration = configurationOf(await testConfiguration(identity.publicKey), server);
    const sent = new Map<string, string>();
    for (let life = 0; life < kills; life += 1) {
      const product = await startProduct({ directory, configuration });
      const random = randomFrom(life);
      const files = new Map(
        Array.from({ length: filesPerLife }, (_, index) => {
          const content = randomBytes(1 + Math.floor(random() ** 2 * 4_000_000));
          return [`life${life}-${index}.bin`, content] as const;
        }),
      );
      await upload(product, identity.privateKeyFile, files);
      for (const [name, content] of files) sent.set(name, createHash("sha256").update(content).digest("hex"));
      await delay(random() * 500);
      if (life % 4 === 3) await server.kill();
      await product.kill();
      if (life % 4 === 3) await server.start();
    }
    const product = await startProduct({ directory, configuration });
    const local = (folder: string) => join(product.dataDirectory, "files", "tester", folder);
    while ((await readdir(local("out"))).length > 0) await delay(200);

    const expected = new Map([...sent].sort(([one], [other]) => (one < other ? -1 : 1)));
    assert.deepEqual(await digestsIn(join(server.files, "in")), expected);
    assert.deepEqual(await digestsIn(local("sent")), expected);
    const events = (await product.events()).filter(({ data }) => data.destination === "partner");
    for (const type of ["transfer.started", "transfer.completed"]) {
      const paths = events.filter((event) => event.type === type).map(({ data }) => data.path);
      assert.deepEqual(paths.sort(), [...expected.keys()].map((name) => `/out/${name}`).sort(), type);
    }
    assert.deepEqual(
      events.filter(({ type }) => type === "transfer.aborted" || type === "dispatch.failed"),
      [],
    );
    await product.stop();
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  });
});
