import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { Session } from "../../../service/session/session.ts";
import type { UploadOptions } from "../../../service/session/upload.ts";
import { createMemoryAccountingLog } from "../../support/memory-ports.ts";
import { loggedIn } from "../../support/session.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const sha256 = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");

async function put(session: Session, path: string, content: Uint8Array, options: Partial<UploadOptions> = {}) {
  const upload = await session.upload(path, { mode: "replace", ...options });
  await upload.append(content);
  return upload.commit();
}

async function contentOf(session: Session, path: string): Promise<string> {
  const download = await session.download(path);
  const target = new Uint8Array(download.entry.size);
  await download.read(target, 0);
  await download.close();
  return new TextDecoder().decode(target);
}

describe("Upload", () => {
  it("publishes at commit, not before, and answers a receipt that agrees with the record", async () => {
    const { session, services } = await loggedIn();
    const upload = await session.upload("/a.txt", { mode: "replace" });
    await upload.append(bytes("hello"));
    await assert.rejects(session.stat("/a.txt"), { code: "not-found" });
    const receipt = await upload.commit();
    assert.equal(await contentOf(session, "/a.txt"), "hello");
    assert.equal(receipt?.sha256, sha256(bytes("hello")));
    const completed = services.accounting.events.find(({ type }) => type === "transfer.completed");
    assert.equal(completed?.id, `${receipt?.transferId}.completed`);
    assert.deepEqual(
      [completed?.data.bytes, completed?.data.sha256, completed?.data.objectKey],
      [5, receipt?.sha256, "tester/a.txt"],
    );
  });

  it("whose end could not be put on record when it was published is on record later, once", async (test) => {
    test.mock.timers.enable({ apis: ["setInterval"] });
    const accounting = createMemoryAccountingLog();
    let isDown = false;
    const append = accounting.append.bind(accounting);
    accounting.append = async (event) => {
      if (isDown && event.type === "transfer.completed") throw new FileError("unavailable", "the disk is full");
      await append(event);
    };
    const { session } = await loggedIn(undefined, { accounting });
    const upload = await session.upload("/a.txt", { mode: "replace" });
    await upload.append(bytes("hello"));
    isDown = true;
    await assert.rejects(upload.commit(), { code: "unavailable" });
    const ends = () => accounting.events.filter(({ type }) => type === "transfer.completed");
    test.mock.timers.tick(limits.recordRetryMs);
    await new Promise(setImmediate);
    assert.deepEqual(ends(), []);
    isDown = false;
    for (let turn = 0; turn < 3; turn += 1) {
      test.mock.timers.tick(limits.recordRetryMs);
      await new Promise(setImmediate);
    }
    assert.deepEqual(
      ends().map(({ data }) => data.transferId),
      [upload.transferId],
    );
  });

  it("waits at commit for writes that were not answered", async () => {
    const { session } = await loggedIn();
    const upload = await session.upload("/pipelined.bin", { mode: "replace" });
    const writes = Array.from({ length: 10 }, (_, index) =>
      upload.write(index * 1000, new Uint8Array(1000).fill(index)),
    );
    const receipt = await upload.commit();
    await Promise.all(writes);
    assert.equal(receipt?.bytes, 10_000);
    assert.equal((await session.stat("/pipelined.bin")).size, 10_000);
  });

  it("behaves like a file for one run of writes over an existing one", async () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(text, text, fc.nat(30), async (existing, written, at) => {
        fc.pre(at <= existing.length && written.length > 0);
        const { session } = await loggedIn();
        await put(session, "/f", bytes(existing));
        const upload = await session.upload("/f", { mode: "update" });
        await upload.write(at, bytes(written));
        await upload.commit();
        const expected = existing.slice(0, at) + written + existing.slice(at + written.length);
        assert.equal(await contentOf(session, "/f"), expected);
      }),
    );
  });

  it("appends behind what is there, whatever the offset", async () => {
    const { session } = await loggedIn();
    await put(session, "/log", bytes("one,"));
    const upload = await session.upload("/log", { mode: "append" });
    await upload.write(0, bytes("two,"));
    await upload.write(0, bytes("three"));
    await upload.commit();
    assert.equal(await contentOf(session, "/log"), "one,two,three");
  });

  it("leaves an existing file alone when it was opened and not written", async () => {
    const { session, types } = await loggedIn();
    await put(session, "/same", bytes("same"));
    const upload = await session.upload("/same", { mode: "update" });
    assert.equal(await upload.commit(), undefined);
    assert.equal(await contentOf(session, "/same"), "same");
    assert.equal(types().filter((type) => type === "transfer.aborted").length, 1);
  });

  it("publishes an empty file when a new one is opened and closed", async () => {
    const { session } = await loggedIn();
    const upload = await session.upload("/empty", { mode: "update" });
    assert.equal((await upload.commit())?.bytes, 0);
    assert.equal((await session.stat("/empty")).size, 0);
  });

  for (const [title, options] of [
    ["a digest", { sha256: sha256(bytes("other")) }],
    ["a size", { bytes: 6 }],
  ] as const) {
    it(`publishes nothing when ${title} was announced that does not fit`, async () => {
      const { session, types } = await loggedIn();
      await assert.rejects(put(session, "/wrong", bytes("hello"), options), { code: "integrity" });
      await assert.rejects(session.stat("/wrong"), { code: "not-found" });
      assert.deepEqual(types().slice(-2), ["transfer.started", "transfer.aborted"]);
    });
  }

  it("publishes nothing when bytes are missing", async () => {
    const { session } = await loggedIn();
    const upload = await session.upload("/gap", { mode: "replace" });
    await upload.write(0, bytes("abc"));
    await upload.write(5, bytes("xyz"));
    await assert.rejects(upload.commit(), { code: "integrity" });
    await assert.rejects(session.stat("/gap"), { code: "not-found" });
  });

  it("takes a size set before the writes as an announcement", async () => {
    const { session } = await loggedIn();
    const upload = await session.upload("/sized", { mode: "replace" });
    upload.setSize(10);
    await upload.append(bytes("only five".slice(0, 5)));
    await assert.rejects(upload.commit(), { code: "integrity", message: "10 bytes were announced and 5 arrived" });
  });

  it("cuts an existing file to the size that was set", async () => {
    const { session } = await loggedIn();
    await put(session, "/cut", bytes("0123456789"));
    const emptied = await session.upload("/cut", { mode: "update" });
    emptied.setSize(0);
    await emptied.commit();
    assert.equal((await session.stat("/cut")).size, 0);
    await put(session, "/cut", bytes("0123456789"));
    const shortened = await session.upload("/cut", { mode: "update" });
    shortened.setSize(4);
    await shortened.commit();
    assert.equal(await contentOf(session, "/cut"), "0123");
  });

  it("refuses to create what exists, at open and at commit", async () => {
    const { session } = await loggedIn();
    const first = await session.upload("/one", { mode: "create" });
    const second = await session.upload("/one", { mode: "create" });
    await first.append(bytes("first"));
    await second.append(bytes("second"));
    await first.commit();
    await assert.rejects(second.commit(), { code: "already-exists" });
    await assert.rejects(session.upload("/one", { mode: "create" }), { code: "already-exists" });
    assert.equal(await contentOf(session, "/one"), "first");
  });

  it("ends once, however often and in whatever order it is ended", async () => {
    const { session, types } = await loggedIn();
    const upload = await session.upload("/once", { mode: "replace" });
    await upload.append(bytes("x"));
    await Promise.all([
      upload.commit(),
      upload.abort("late"),
      session.end("lost-carrier"),
      session.end("user-request"),
    ]);
    await assert.rejects(upload.commit(), { code: "invalid-argument" });
    await assert.rejects(upload.append(bytes("y")), { code: "invalid-argument" });
    const ends = types().filter((type) => type === "transfer.completed" || type === "transfer.aborted");
    assert.deepEqual(ends, ["transfer.completed"]);
    assert.equal(types().filter((type) => type === "session.ended").length, 1);
  });

  it("refuses a file in a folder that does not exist, and over a folder", async () => {
    const { session } = await loggedIn();
    await session.makeDirectory("/folder");
    await assert.rejects(put(session, "/nowhere/a", bytes("x")), { code: "not-found" });
    await assert.rejects(put(session, "/folder", bytes("x")), { code: "not-a-file" });
  });
});
