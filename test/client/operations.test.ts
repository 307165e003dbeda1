import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { clientTypes } from "../../scripts/client-types.ts";
import { startApi } from "../protocols/http/rig.ts";
import { documentOf } from "../support/openapi-conformance.ts";

test("the client's types are those of the OpenAPI document: scripts/client-types.ts makes them", async (t) => {
  const { application } = await startApi(t);
  const made = clientTypes(await documentOf(application));
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
