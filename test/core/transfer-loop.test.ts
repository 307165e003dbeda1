import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEntry } from "../../adapters/node/configuration/entry-form.ts";
import type { JsonObject } from "../../core/configuration-entry.ts";
import { feedingStep } from "../../core/transfer-loop.ts";

const pull = { name: "p", destination: "d", from: "/out", account: "a", to: "/inbox", schedule: "0 6 * * *" };
const back = { push: { destination: "d", path: "/out/" } };

/** `list[index]` of the step that feeds the pull; undefined where none does. */
function fed(rule: JsonObject, changed: JsonObject = {}): string | undefined {
  const step = feedingStep(
    parseEntry("dispatch-rule", { name: "r", ...rule }),
    parseEntry("pull", { ...pull, ...changed }),
  );
  return step && `${step.list}[${step.index}]`;
}

test("a push to the folder that the pull fetches from is found, in either list of steps", () => {
  assert.equal(fed({ do: [back] }), "do[0]");
  assert.equal(fed({ do: [{ copy: "/kept/" }, back] }), "do[1]");
  assert.equal(fed({ do: [{ delete: true }], otherwise: [back] }), "otherwise[0]");
  assert.equal(fed({ do: [{ push: { destination: "d", path: "/else/" } }] }), undefined);
  assert.equal(fed({ do: [{ push: { destination: "other", path: "/out/" } }] }), undefined);
});

test("rules that have nothing to do with what is pulled feed nothing", () => {
  assert.equal(fed({ when: { protocols: ["sftp"] }, do: [back] }), undefined);
  assert.equal(fed({ when: { accounts: ["!a"] }, do: [back] }), undefined);
  assert.equal(fed({ when: { path: "/elsewhere/*" }, do: [back] }), undefined);
  assert.equal(fed({ enabled: false, do: [back] }), undefined);
  assert.equal(fed({ do: [back] }, { enabled: false }), undefined);
});

test("the name counts that the file has when the push comes to it", () => {
  const csvs = { files: "*.csv" };
  assert.equal(fed({ do: [back] }, csvs), "do[0]");
  assert.equal(fed({ do: [{ compress: "gzip" }, back] }, csvs), undefined);
  assert.equal(fed({ do: [{ rename: "{file.stem}.done" }, back] }, csvs), undefined);
  assert.equal(fed({ do: [{ compress: "gzip" }, back] }, { files: "*.csv | *.gz" }), "do[1]");
  assert.equal(fed({ do: [{ move: "/work/{file.stem}.csv" }, back] }, csvs), "do[1]");
  assert.equal(fed({ do: [{ checksum: "sha256" }, back] }, csvs), "do[1]");
});
