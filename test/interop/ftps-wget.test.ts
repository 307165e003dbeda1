import assert from "node:assert/strict";
import { mkdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  disposeProduct,
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun } from "../support/run-program.ts";
import { type Site, sha256Of, writeRandomFile } from "./client-script.ts";
import { type FtpsMode, ftpsEndpoint, ftpsModes } from "./ftps-endpoint.ts";

const files = ["a.txt", "sub/b.txt", "sub/deep er/c ü.txt", "empty file", "-dash"];

/** wget only fetches; it walks through a tree by LIST and CWD, and resumes by REST. */
describe("wget over FTPS", { skip: programOrSkip("wget"), concurrency: 1 }, () => {
  let site: Site;
  before(async () => {
    const directory = await temporaryDirectory();
    const identity = await writeIdentity(directory);
    const product = await startProduct({ directory, configuration: await testConfiguration(identity.publicKey) });
    const stored = join(product.dataDirectory, "files", "tester");
    for (const file of files) {
      await mkdir(join(stored, "tree", file, ".."), { recursive: true });
      await writeFile(join(stored, "tree", file), file === "empty file" ? "" : `content of ${file}`);
    }
    await writeRandomFile(join(stored, "large.bin"), 5_000_001);
    site = { product, identity, work: directory };
  });
  after(() => disposeProduct(site.product));

  async function wget(mode: FtpsMode, path: string, ...args: string[]): Promise<void> {
    const { host, port } = ftpsEndpoint(site, mode);
    const login = ["--ftp-user=tester", `--ftp-password=${password}`, "--no-check-certificate", "--no-config"];
    const implicit = mode === "implicit" ? ["--ftps-implicit"] : [];
    await mustRun("wget", ["-q", "--tries=1", ...login, ...implicit, ...args, `ftps://${host}:${port}${path}`]);
  }

  for (const mode of ftpsModes) {
    it(`fetches a tree over ${mode} FTPS`, async () => {
      const target = join(site.work, mode);
      await wget(mode, "/tree", "--recursive", "--no-host-directories", `--directory-prefix=${target}`);
      for (const file of files) {
        const expected = await readFile(join(site.product.dataDirectory, "files", "tester", "tree", file), "utf8");
        assert.equal(await readFile(join(target, "tree", file), "utf8"), expected);
      }
    });

    it(`resumes a download over ${mode} FTPS`, async () => {
      const target = join(site.work, `${mode}-resumed`);
      await wget(mode, "/large.bin", `--directory-prefix=${target}`);
      const expected = await sha256Of(join(target, "large.bin"));
      await truncate(join(target, "large.bin"), 1_234_567);
      await wget(mode, "/large.bin", "--continue", `--directory-prefix=${target}`);
      assert.equal(await sha256Of(join(target, "large.bin")), expected);
    });
  }
});
