import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { hostKeyMakers } from "../../adapters/node/host-keys.ts";
import {
  disposeProduct,
  type Product,
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { programOrSkip } from "../support/require-program.ts";
import { mustRun, runProgram } from "../support/run-program.ts";
import { sha256Of, writeRandomFile } from "./client-script.ts";

/** Where Debian's libjsch-java puts it. */
const library = "/usr/share/java/jsch.jar";
const program = fileURLToPath(new URL("JschClient.java", import.meta.url));
const skip =
  programOrSkip("javac") || programOrSkip("ssh-keygen") || programOrSkip("jsch", existsSync(library) ? false : library);

async function startWith(context: TestContext, algorithms: "strict" | "compatible"): Promise<Product> {
  const directory = await temporaryDirectory();
  const identity = await writeIdentity(directory);
  const [ecdsa, ed25519] = ["ecdsa_key", "ed25519_key"].map((name) => join(directory, name)) as [string, string];
  await mustRun("ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-f", ecdsa]);
  await writeFile(ed25519, await hostKeyMakers.ed25519(), { mode: 0o600 });
  const configuration = (await testConfiguration(identity.publicKey)).replace(
    'sftp: { listen: "127.0.0.1:0" }',
    `sftp: { listen: "127.0.0.1:0", algorithms: ${algorithms}, hostKeys: ["${ed25519}", "${ecdsa}"] }`,
  );
  const product = await startProduct({ directory, configuration });
  context.after(() => disposeProduct(product));
  return product;
}

function argumentsFor({ endpoints }: Product, local: string): string[] {
  return ["-cp", library, program, `${endpoints.sftp.port}`, password, local];
}

describe("JSch 0.1, a client of years ago", { skip }, () => {
  it("puts, resumes and gets where it may", async (context) => {
    const product = await startWith(context, "compatible");
    const local = join(product.directory, "content.bin");
    await writeRandomFile(local, 3_000_001);
    const said = await mustRun("java", argumentsFor(product, local));
    assert.equal(said.trim().split("\n").at(-1), "done");
    const stored = join(product.dataDirectory, "files", "tester", "jsch.bin");
    assert.equal(await sha256Of(stored), await sha256Of(local));
  });

  it("is kept out by default", async (context) => {
    const product = await startWith(context, "strict");
    const local = join(product.directory, "content.bin");
    await writeFile(local, await readFile(program));
    const { exitCode, stderr } = await runProgram("java", argumentsFor(product, local));
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /Algorithm negotiation fail/);
  });
});
