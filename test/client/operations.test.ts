import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { clientTypes } from "../../scripts/client-types.ts";
import { disposeProduct, startProduct, temporaryDirectory, testConfiguration } from "../support/product.ts";
import { generateSshKeyPair } from "../support/ssh-key-pair.ts";

test("the client's types are those of the OpenAPI document: scripts/client-types.ts makes them", async (t) => {
  const configuration = await testConfiguration(generateSshKeyPair().public);
  const product = await startProduct({ directory: await temporaryDirectory(), configuration });
  t.after(() => disposeProduct(product));
  const document = await fetch(`${product.endpoints.http.url}/openapi.json`);
  const made = clientTypes((await document.json()) as Parameters<typeof clientTypes>[0]);
  for (const [name, text] of Object.entries(made)) {
    const published = await readFile(new URL(`../../client/${name}`, import.meta.url), "utf8");
    const isLatest = unformatted(published) === unformatted(text);
    assert.ok(isLatest, `client/${name} is out of date; see scripts/client-types.ts`);
  }
});

/** Without what the formatter adds and removes. */
function unformatted(text: string): string {
  return text
    .replaceAll(/\s+/g, "")
    .replaceAll(/([:=(<[,{?]|=>)\|/g, "$1")
    .replaceAll(/[;,]([}\])])/g, "$1");
}
