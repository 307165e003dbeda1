import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
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
import { sha256Of, writeRandomFile } from "./client-script.ts";
import { ftpsEndpoint, ftpsModes } from "./ftps-endpoint.ts";

/** Where Debian's libcommons-net-java puts it. */
const library = "/usr/share/java/commons-net.jar";
const program = fileURLToPath(new URL("CommonsNetClient.java", import.meta.url));

const skip = programOrSkip("javac") || programOrSkip("commons-net", existsSync(library) ? false : library);

/** Java's own TLS ends its connections like no other, and takes no TLS session to the data connection. */
describe("Apache Commons Net", { skip }, () => {
  for (const mode of ftpsModes) {
    it(`puts, gets, resumes, lists and renames over ${mode} FTPS`, async (context) => {
      const directory = await temporaryDirectory();
      const identity = await writeIdentity(directory);
      const product = await startProduct({ directory, configuration: await testConfiguration(identity.publicKey) });
      context.after(() => disposeProduct(product));
      const local = join(directory, "content.bin");
      await writeRandomFile(local, 5_000_001);
      const { port } = ftpsEndpoint({ product, identity, work: directory }, mode);
      const said = await mustRun("java", ["-cp", library, program, mode, `${port}`, password, local]);
      assert.equal(said.trim().split("\n").at(-1), "done");
      const stored = join(product.dataDirectory, "files", "tester", "kept.bin");
      assert.equal(await sha256Of(stored), await sha256Of(local));
    });
  }
});
