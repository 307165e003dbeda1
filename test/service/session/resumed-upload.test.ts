import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { Account } from "../../../core/account.ts";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import { reconcile } from "../../../service/session/reconcile.ts";
import type { Session } from "../../../service/session/session.ts";
import { testAccount } from "../../support/memory-ports.ts";
import { resumableServices } from "../../support/memory-resumable-uploads.ts";
import { loggedIn } from "../../support/session.ts";

const content = new TextEncoder().encode("0123456789abcdef");
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const resumable = testAccount({ resumableUploads: true });

/** A session whose account may go on, another account with the same files, and one more way in for the first. */
async function start(account: Account = resumable) {
  const changes = resumableServices();
  const accounts = [account, testAccount({ name: "other", home: account.home, resumableUploads: true })];
  const world = await loggedIn(accounts, changes);
  const again = async (username = account.name, protocol: "sftp" | "https" = "sftp"): Promise<Session> => {
    const session = world.openSession({ protocol, peer: { address: "192.0.2.8", port: 1 }, disconnect: () => {} });
    assert.equal(await session.authenticate({ kind: "password", username, password: "password" }), true);
    return session;
  };
  const ends = (): readonly Readonly<Record<string, unknown>>[] =>
    world.services.accounting.events
      .filter(({ type }) => type === "transfer.completed" || type === "transfer.aborted")
      .map(({ type, data }) => ({ type, ...data }));
  return { ...world, ...changes, again, ends };
}

async function breakOff(session: Session, path = "/a.bin", bytes = 8): Promise<string> {
  const upload = await session.upload(path, { mode: "replace" });
  await upload.write(0, content.subarray(0, bytes));
  await upload.interrupt("the line broke");
  return upload.transferId;
}

const keptSize = async (session: Session, path = "/a.bin") => (await session.stat(path)).size;

describe("an upload that broke off", () => {
  it("goes on in another session of the account, and is on record as a transfer of its own", async () => {
    const { session, again, ends } = await start();
    const first = await breakOff(session);
    const next = await again();
    const size = await keptSize(next);
    assert.equal(size, 7, "the last byte is never told of");
    const upload = await next.upload("/a.bin", { mode: "update" });
    assert.equal(upload.size, size);
    await upload.write(size, content.subarray(size));
    const receipt = await upload.commit();
    assert.deepEqual([receipt?.bytes, receipt?.sha256], [content.length, sha256(content)]);
    const [aborted, completed] = ends();
    assert.deepEqual(
      [aborted?.type, aborted?.transferId, aborted?.bytes, aborted?.keptBytes],
      ["transfer.aborted", first, 8, 7],
    );
    assert.notEqual(completed?.transferId, first);
    assert.deepEqual(
      [completed?.type, completed?.resumes, completed?.resumedBytes, completed?.sha256],
      ["transfer.completed", first, 7, sha256(content)],
    );
  });

  it("is answered without its SHA-256 where reading it back would take too long", async () => {
    for (const [readMs, isRead] of [
      [limits.resumedDigestMs, true],
      [limits.resumedDigestMs + 1, false],
    ] as const) {
      const { session, services, objects, ends } = await start();
      await breakOff(session);
      const upload = await session.upload("/a.bin", { mode: "update" });
      await upload.write(7, content.subarray(7));
      let nowMs = Date.now();
      Object.assign(services.runtime, { now: () => nowMs });
      const openRead = objects.openRead.bind(objects);
      const openSlowly: typeof openRead = async (objectKey) => {
        const reader = await openRead(objectKey);
        const read: typeof reader.read = async (target, position) => {
          nowMs += position === 0 ? readMs : 0;
          return reader.read(target, position);
        };
        return { ...reader, read };
      };
      Object.assign(objects, { openRead: openSlowly });
      const receipt = await upload.commit();
      const expected = isRead ? sha256(content) : undefined;
      assert.deepEqual([receipt?.bytes, receipt?.sha256], [content.length, expected]);
      const completed = ends().at(-1);
      assert.deepEqual(
        [completed?.type, completed?.bytes, completed?.sha256],
        ["transfer.completed", content.length, expected],
      );
    }
  });

  it("is seen by nobody else, in no listing, and read by nobody", async () => {
    const { session, again } = await start();
    await breakOff(session);
    for (const stranger of [await again("other"), await again("tester", "https")]) {
      await assert.rejects(stranger.stat("/a.bin"), { code: "not-found" });
    }
    assert.deepEqual((await session.listPage("/", { limit: 10 })).entries, []);
    await assert.rejects(session.download("/a.bin"), { code: "not-found" });
    await assert.rejects(session.inspect("/a.bin"), { code: "not-found" });
    await assert.rejects(session.rename("/a.bin", "/b.bin", { overwrite: true }), { code: "not-found" });
    await assert.rejects((await again("other")).upload("/a.bin", { mode: "update", mustExist: true }), {
      code: "not-found",
    });
  });

  it("is kept when its session ends, whatever ends it", async () => {
    for (const cause of ["lost-carrier", "idle-timeout", "admin-reboot"] as const) {
      const { session, again } = await start();
      const upload = await session.upload("/a.bin", { mode: "create" });
      await upload.append(content.subarray(0, 8));
      await session.end(cause);
      assert.equal(await keptSize(await again()), 7);
    }
  });

  it("is not kept where the client gave it up, or nobody asked for that", async () => {
    const { session } = await start();
    const upload = await session.upload("/a.bin", { mode: "replace" });
    await upload.append(content);
    await upload.abort("the client wants it no more");
    await assert.rejects(session.stat("/a.bin"), { code: "not-found" });
    const off = await start(testAccount());
    await breakOff(off.session);
    await assert.rejects(off.session.stat("/a.bin"), { code: "not-found" });
    assert.equal(off.ends()[0]?.keptBytes, undefined);
    assert.equal("resumable" in (off.services.accounting.events.at(-2)?.data ?? {}), false);
  });

  it("is kept where a group says so", async () => {
    const group = { name: "partners", enabled: true, permissions: [], resumableUploads: true };
    const { session } = await start(testAccount({ groups: [group] }));
    await breakOff(session);
    assert.equal(await keptSize(session), 7);
  });

  it("is not kept when it is refused or has next to nothing", async () => {
    const { session } = await start();
    const upload = await session.upload("/a.bin", { mode: "replace", sha256: "00" });
    await upload.append(content);
    await assert.rejects(upload.commit(), { code: "integrity" });
    await breakOff(session, "/small.bin", 1);
    await breakOff(session, "/empty.bin", 0);
    for (const path of ["/a.bin", "/small.bin", "/empty.bin"]) {
      await assert.rejects(session.stat(path), { code: "not-found" });
    }
  });

  it("is no more when the file is begun anew", async () => {
    const { session, objects, again } = await start();
    const first = await breakOff(session);
    const upload = await session.upload("/a.bin", { mode: "replace" });
    await assert.rejects((await again()).stat("/a.bin"), { code: "not-found" });
    await upload.append(content);
    await upload.commit();
    assert.equal(await objects.keep(first), 0);
    assert.equal(await keptSize(session), content.length);
    await session.removeFile("/a.bin");
    await assert.rejects(session.stat("/a.bin"), { code: "not-found" });
  });

  it("gives way to a file at its place", async () => {
    const { session, again } = await start();
    await breakOff(session);
    const other = await (await again("other")).upload("/a.bin", { mode: "replace" });
    await other.append(content.subarray(0, 3));
    await other.commit();
    assert.equal(await keptSize(session), 3);
    const upload = await session.upload("/a.bin", { mode: "append" });
    await upload.append(content.subarray(3));
    assert.equal((await upload.commit())?.sha256, sha256(content));
    const replaced = await session.upload("/a.bin", { mode: "replace" });
    await replaced.append(content.subarray(0, 9));
    await replaced.interrupt("the line broke");
    await session.removeFile("/a.bin");
    await assert.rejects(session.stat("/a.bin"), { code: "not-found" });
  });

  it("does not come back when a newer one was there, however late its connection is found dead", async () => {
    const { session, again } = await start();
    const hanging = await session.upload("/a.bin", { mode: "replace" });
    await hanging.append(content.subarray(0, 8));
    const next = await again();
    await assert.rejects(next.stat("/a.bin"), { code: "not-found" }, "there is nothing to go on with yet");
    const upload = await next.upload("/a.bin", { mode: "replace" });
    await upload.append(content);
    await upload.commit();
    await next.removeFile("/a.bin");
    await hanging.interrupt("the connection was dead");
    await assert.rejects(next.stat("/a.bin"), { code: "not-found" });
  });

  it("cannot be gone on with before its end is on record, lest recovery find it published", async () => {
    const { session, again, services, ends, objects, resumable: uploads } = await start();
    const append = services.accounting.append.bind(services.accounting);
    let isDown = true;
    services.accounting.append = async (event) => {
      if (isDown && event.type === "transfer.aborted") throw new FileError("unavailable", "the disk is full");
      await append(event);
    };
    const upload = await session.upload("/a.bin", { mode: "replace" });
    await upload.append(content.subarray(0, 8));
    await assert.rejects(upload.interrupt("the line broke"), { code: "unavailable" });
    const next = await again();
    await assert.rejects(next.stat("/a.bin"), { code: "not-found" });
    isDown = false;
    await reconcile({ ...services, objects, resumable: uploads });
    assert.deepEqual([ends().length, ends()[0]?.keptBytes], [1, 7]);
    assert.equal(await keptSize(next), 7);
  });

  it("goes on in one of two sessions that want to, and can be gone on with after that", async () => {
    const { session, again, ends } = await start();
    await breakOff(session);
    const sessions = [await again(), await again()];
    const uploads = await Promise.allSettled(sessions.map((one) => one.upload("/a.bin", { mode: "update" })));
    const won = uploads.filter((result) => result.status === "fulfilled");
    const lost = uploads.filter((result) => result.status === "rejected");
    assert.deepEqual([won.length, lost.length], [1, 1]);
    assert.match(lost[0]?.reason.message, /another session/);
    await won[0]?.value.write(7, content.subarray(7, 12));
    await won[0]?.value.interrupt("the line broke again");
    assert.equal(ends().at(-1)?.keptBytes, 11);
    const upload = await session.upload("/a.bin", { mode: "append" });
    await upload.append(content.subarray(11));
    assert.equal((await upload.commit())?.sha256, sha256(content));
  });

  it("stays as it is when the client begins behind its end, or sends nothing", async () => {
    const { session } = await start();
    await breakOff(session);
    const upload = await session.upload("/a.bin", { mode: "update" });
    await assert.rejects(upload.write(9, content.subarray(9)), { code: "unsupported" });
    await assert.rejects(upload.commit(), { code: "integrity" });
    const idle = await session.upload("/a.bin", { mode: "update" });
    await assert.rejects(idle.commit(), { code: "integrity" });
    assert.ok((await keptSize(session)) >= 5);
  });

  it("is cut back where the client begins before its end", async () => {
    for (const from of [0, 3]) {
      const { session } = await start();
      await breakOff(session);
      const upload = await session.upload("/a.bin", { mode: "update" });
      await upload.write(from, content.subarray(from));
      const receipt = await upload.commit();
      assert.deepEqual([receipt?.bytes, receipt?.sha256], [content.length, sha256(content)]);
    }
  });

  it("is forgotten after its time, and the server keeps only so many", async (test) => {
    test.mock.timers.enable({ apis: ["Date"], now: Date.now() });
    const { session, resumable: uploads, objects } = await start();
    const first = await breakOff(session, "/0.bin");
    for (let index = 1; index <= limits.keptUploadsPerAccount; index += 1) await breakOff(session, `/${index}.bin`);
    assert.equal(await keptSize(session, `/${limits.keptUploadsPerAccount - 1}.bin`), 7);
    await assert.rejects(session.stat(`/${limits.keptUploadsPerAccount}.bin`), { code: "not-found" });
    test.mock.timers.setTime(Date.now() + limits.keptUploadMs - 1);
    await uploads.removeExpired();
    assert.equal(await keptSize(session, "/0.bin"), 7);
    test.mock.timers.setTime(Date.now() + 1);
    await assert.rejects(session.stat("/0.bin"), { code: "not-found" });
    await uploads.removeExpired();
    assert.equal(await objects.keep(first), 0);
  });

  it("is on record without a SHA-256 where the file was replaced before it was read back", async () => {
    const { session, objects, ends } = await start();
    await breakOff(session);
    const upload = await session.upload("/a.bin", { mode: "update" });
    await upload.write(7, content.subarray(7));
    const openRead = objects.openRead;
    Object.assign(objects, {
      openRead: async (objectKey: string) => {
        const writer = await objects.openWrite(objectKey, "another");
        await writer.publish({});
        return openRead(objectKey);
      },
    });
    const receipt = await upload.commit();
    assert.equal(receipt?.sha256, undefined);
    assert.deepEqual([ends().at(-1)?.type, ends().at(-1)?.sha256], ["transfer.completed", undefined]);
  });
});
