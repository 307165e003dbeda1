import assert from "node:assert/strict";
import { test } from "node:test";
import { compileExpression } from "../../../core/expression.ts";
import { removeTree } from "../../../service/session/remove-tree.ts";
import type { Session } from "../../../service/session/session.ts";
import { testAccount } from "../../support/memory-ports.ts";
import { loggedIn } from "../../support/session.ts";

async function makeTree(session: Session, files: number): Promise<string[]> {
  const paths: string[] = [];
  for (const folder of ["/tree", "/tree/a", "/tree/a/b"]) {
    await session.makeDirectory(folder);
    for (let index = 0; index < files; index += 1) {
      const upload = await session.upload(`${folder}/${index}`, { mode: "create" });
      await upload.commit();
      paths.push(`${folder}/${index}`);
    }
  }
  return paths;
}

test("everything below a folder is deleted, each entry once on record, and folders after what is in them", async () => {
  const { session, services } = await loggedIn();
  const paths = await makeTree(session, 70);
  await removeTree(session, "/tree/");
  await assert.rejects(session.stat("/tree"), { code: "not-found" });
  const deleted = (type: string) =>
    services.accounting.events.filter((event) => event.type === type).map(({ data }) => data.path);
  assert.deepEqual(deleted("file.deleted").sort(), paths.sort());
  assert.deepEqual(deleted("directory.deleted"), ["/tree/a/b", "/tree/a", "/tree"]);
});

test("a refusal ends it, and is answered", async () => {
  const rule = { expression: compileExpression("/tree/a/40"), tokens: ["allow-list"], label: "kept" } as const;
  const all = { expression: undefined, tokens: ["allow-full-control"], label: "all" } as const;
  const { session, services } = await loggedIn([testAccount({ permissions: [rule, all] })]);
  const tree = await makeTree(session, 30);
  assert.equal(tree.length, 90);
  const upload = async (path: string) => (await session.upload(path, { mode: "create" })).commit();
  await assert.rejects(upload("/tree/a/40"), { rule: "kept" });
  await services.objects.copy("tester/tree/a/1", "tester/tree/a/40", { overwrite: false });
  await assert.rejects(removeTree(session, "/tree"), { code: "permission-denied", rule: "kept" });
  assert.equal((await session.stat("/tree/a/40")).type, "file");
  assert.equal((await session.stat("/tree/0")).type, "file");
});

test("a file is no tree", async () => {
  const { session } = await loggedIn();
  await (await session.upload("/file", { mode: "create" })).commit();
  await assert.rejects(removeTree(session, "/file"), { code: "not-a-directory" });
  await assert.rejects(removeTree(session, "/none"), { code: "not-found" });
});
