import assert from "node:assert/strict";
import { it } from "node:test";
import { compileExpression } from "../../../core/expression.ts";
import { everywhere } from "../../../core/scan-scope.ts";
import { createSessionOpener } from "../../../service/session/open-session.ts";
import { createMemoryServices, testAccount } from "../../support/memory-ports.ts";

it("an upload that has to be scanned is refused where nothing scans, with whose rule it is", async () => {
  const group = { name: "partners", enabled: true, permissions: [], scan: everywhere };
  const inGroup = testAccount({ name: "member", groups: [group] });
  const own = testAccount({ scan: [compileExpression("/in.pdf")] });
  const services = createMemoryServices([own, inGroup]);
  const { openSession } = createSessionOpener(services);
  const log = async (username: string) => {
    const peer = { address: "127.0.0.1", port: 1 };
    const session = openSession({ protocol: "sftp", peer, disconnect: () => {} });
    assert.equal(await session.authenticate({ kind: "password", username, password: "password" }), true);
    return session;
  };
  const [mine, member] = [await log("tester"), await log("member")];
  const why = "files for /in.pdf have to be scanned, and nothing scans them here";
  const refusal = (message: string) => ({ code: "unavailable", message });
  await assert.rejects(mine.upload("/in.pdf", { mode: "replace" }), refusal(`account tester, scan: ${why}`));
  await assert.rejects(member.upload("/in.pdf", { mode: "replace" }), refusal(`group partners, scan: ${why}`));
  const upload = await mine.upload("/other.pdf", { mode: "replace" });
  await upload.append(Buffer.from("content"));
  await upload.commit();
  const completed = services.accounting.events.filter(({ type }) => type === "transfer.completed");
  assert.deepEqual(
    completed.map(({ data }) => data.path),
    ["/other.pdf"],
  );
});

it("an upload that has to be scanned is taken where a scanner keeps everybody from it at its place", async () => {
  const account = testAccount({ scan: everywhere });
  const isHeldInPlace = (objectKey: string) => objectKey === "tester/in.pdf";
  const services = { ...createMemoryServices([account]), isHeldInPlace };
  const session = createSessionOpener(services).openSession({
    protocol: "sftp",
    peer: { address: "127.0.0.1", port: 1 },
    disconnect: () => {},
  });
  assert.equal(await session.authenticate({ kind: "password", username: "tester", password: "password" }), true);
  const upload = await session.upload("/in.pdf", { mode: "replace" });
  await upload.append(Buffer.from("content"));
  await upload.commit();
  assert.equal((await services.objects.stat("tester/in.pdf"))?.size, 7);
  await assert.rejects(session.upload("/other.pdf", { mode: "replace" }), { code: "unavailable" });
});
