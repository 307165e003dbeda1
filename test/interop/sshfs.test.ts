import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  disposeProduct,
  type Product,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";

const skip = programOrSkip("sshfs") || (!existsSync("/dev/fuse") && "this system mounts nothing (/dev/fuse)");

describe("a folder that sshfs has mounted", { skip }, () => {
  let product: Product;
  let mounted: string;
  before(async () => {
    const directory = await temporaryDirectory();
    const { privateKeyFile, publicKey } = await writeIdentity(directory);
    product = await startProduct({ directory, configuration: await testConfiguration(publicKey) });
    mounted = join(directory, "mounted");
    await mkdir(mounted);
    const { host, port } = product.endpoints.sftp;
    const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", `IdentityFile=${privateKeyFile}`];
    const mountOptions = ["-p", `${port}`, ...options.flatMap((option) => ["-o", option])];
    await mustRun("sshfs", [`tester@${host}:/`, mounted, ...mountOptions]);
  });
  after(async () => {
    await mustRun("fusermount3", ["-u", mounted]);
    await disposeProduct(product);
  });

  /** As the store has it, once the server has heard of the end: sshfs does not wait for that. */
  async function stored(path: string, expected: Buffer | string): Promise<void> {
    const file = join(product.dataDirectory, "files", "tester", path);
    const wanted = Buffer.from(expected);
    while (!(await readFile(file).catch(() => undefined))?.equals(wanted)) await stat(mounted);
  }

  it("takes new files, with the time that they are given while they are written", async () => {
    const content = Buffer.alloc(5_000_001, "content ");
    const source = join(mounted, "..", "source.bin");
    await writeFile(source, content);
    await utimes(source, 1_600_000_000, 1_600_000_000);
    for (const target of ["new file.bin", "-leading ü"]) {
      await mustRun("cp", ["-p", source, join(mounted, target)]);
      await stored(target, content);
      assert.ok(content.equals(await readFile(join(mounted, target))));
      assert.equal((await stat(join(product.dataDirectory, "files", "tester", target))).mtimeMs, 1_600_000_000_000);
    }
    await writeFile(join(mounted, "empty"), "");
    await stored("empty", "");
  });

  it("takes changes inside a file and behind it, and new files in place of old ones", async () => {
    const file = join(mounted, "changed.txt");
    await writeFile(file, "0123456789");
    await stored("changed.txt", "0123456789");
    await mustRun("dd", [`of=${file}`, "bs=1", "seek=3", "conv=notrunc", "status=none"], { input: "abc" });
    await stored("changed.txt", "012abc6789");
    await writeFile(file, "+", { flag: "a" });
    await stored("changed.txt", "012abc6789+");
    await writeFile(join(mounted, "other.txt"), "other");
    await stored("other.txt", "other");
    await rename(join(mounted, "other.txt"), file);
    await stored("changed.txt", "other");
  });

  it("takes whole trees and gives them up again", async () => {
    const tree = join(mounted, "..", "tree");
    const names = ["a", "sub/b", "sub/deep er/c"];
    for (const name of names) {
      await mkdir(join(tree, name, ".."), { recursive: true });
      await writeFile(join(tree, name), `content of ${name}`);
    }
    await mustRun("cp", ["-a", tree, join(mounted, "tree")]);
    for (const name of names) await stored(`tree/${name}`, `content of ${name}`);
    await mustRun("diff", ["-r", tree, join(mounted, "tree")]);
    await rm(join(mounted, "tree"), { recursive: true });
    await rm(tree, { recursive: true });
    assert.ok(!(await readdir(mounted)).includes("tree"));
  });
});
