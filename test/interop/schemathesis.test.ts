import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  disposeProduct,
  type Product,
  password,
  startProduct,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";
import { optionalProgramOrSkip } from "../support/require-program.ts";
import { runProgram } from "../support/run-program.ts";

/**
 * Requests with more than the header section may have are 431, which is not in its list; and JSON Schema cannot say
 * everything that makes a request wrong (an ETag's form, a path's length in bytes, a name that is taken), so that a
 * request that fits the schema may be refused.
 */
const settings = `
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 431, "5xx"]
[checks.positive_data_acceptance]
enabled = false
`;

/** The same requests in every run, and no more of them than a minute or two has room for. */
const bounds = ["--seed", "1", "--max-examples", "5", "--max-time", "120", "--generation-database", "none"];

describe("schemathesis", { skip: optionalProgramOrSkip("schemathesis", "PyPI: schemathesis") }, () => {
  let product: Product;
  before(async () => {
    const directory = await temporaryDirectory();
    const { publicKey } = await writeIdentity(directory);
    product = await startProduct({ directory, configuration: await testConfiguration(publicKey) });
  });
  after(() => disposeProduct(product));

  it("finds nothing in any answer that the OpenAPI document does not say", async () => {
    const file = join(product.directory, "schemathesis.toml");
    await writeFile(file, settings);
    const { url } = product.endpoints.http;
    // The stream of events has no end.
    const chosen = ["--exclude-operation-id", "followEvents", "--phases", "examples,coverage,fuzzing"];
    const login = ["--auth", `admin:${password}`];
    const run = ["run", `${url}/openapi.json`, "--no-color", "--continue-on-failure", ...login, ...chosen, ...bounds];
    const { exitCode, stdout } = await runProgram("schemathesis", ["--config-file", file, ...run], {
      timeoutMs: 300_000,
      // It leaves a folder of its own behind.
      cwd: product.directory,
    });
    assert.equal(exitCode, 0, stdout.slice(-20_000));
    assert.doesNotMatch(product.output(), /request failed/);
  });
});
