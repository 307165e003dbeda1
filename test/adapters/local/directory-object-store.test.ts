import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { createDirectoryObjectStore } from "../../../adapters/local/directory-object-store.ts";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import type { ObjectStore } from "../../../ports/object-store.ts";
import { get, namesIn, newTransferId, put, settle, writerWith } from "../../contract/object-content.ts";
import { objectStoreContract } from "../../contract/object-store.contract.ts";
import { refuses } from "../../contract/refusal.ts";
import { createDirectoryStoreUnderTest, type DirectoryStoreUnderTest } from "./directory-store-under-test.ts";

const run = promisify(execFile);
const isLinux = process.platform === "linux";
const isWindows = process.platform === "win32";
const replace = { overwrite: true };

/** Besides the mark of the machine's life. */
async function filesIn(stagingDirectory: string): Promise<string[]> {
  return (await fs.readdir(stagingDirectory)).filter((name) => !name.startsWith(".boot-"));
}

objectStoreContract("the directory store", () => createDirectoryStoreUnderTest());
objectStoreContract("the directory store where folders cannot be held by their descriptors", () =>
  createDirectoryStoreUnderTest({ usesDescriptors: false }),
);

describe("a directory as a store", () => {
  let tested: DirectoryStoreUnderTest;
  let store: ObjectStore;
  let files: string;
  beforeEach(async () => {
    tested = await createDirectoryStoreUnderTest();
    store = tested.store;
    files = tested.filesDirectory;
  });
  afterEach(() => tested.dispose());

  it("shows what people and programs put into the directory", async () => {
    await fs.mkdir(join(files, "acme/inbox"), { recursive: true });
    await fs.writeFile(join(files, "acme/inbox/a.pdf"), "dropped");
    assert.equal(await get(store, "acme/inbox/a.pdf"), "dropped");
    await put(store, "acme/outbox/b.pdf", "uploaded");
    assert.equal(await fs.readFile(join(files, "acme/outbox/b.pdf"), "utf8"), "uploaded");
  });

  it("gives a file that is rewritten in place another etag, even with the old size and time", async () => {
    const { etag, modifiedAtMs } = await put(store, "a", "first");
    await fs.writeFile(join(files, "a"), "other");
    await fs.utimes(join(files, "a"), modifiedAtMs / 1000, modifiedAtMs / 1000);
    const entry = (await store.stat("a")) ?? assert.fail();
    assert.deepEqual({ size: entry.size, modifiedAtMs: entry.modifiedAtMs }, { size: 5, modifiedAtMs });
    assert.notEqual(entry.etag, etag);
  });

  it("keeps uploads from the eyes of other users", { skip: isWindows }, async () => {
    await put(store, "acme/a", "content");
    assert.equal((await fs.stat(join(files, "acme/a"))).mode & 0o007, 0);
    assert.equal((await fs.stat(join(files, "acme"))).mode & 0o007, 0);
  });

  it("lists a folder at rest and a folder that changes between the pages alike", async () => {
    const names = Array.from({ length: 2500 }, (_, index) => `file-${index}`);
    await fs.mkdir(join(files, "folder"));
    await Promise.all(names.map((name) => fs.writeFile(join(files, "folder", name), "")));
    await fs.utimes(join(files, "folder"), 1, 1);
    const first = await store.list("folder", { limit: 1000 });
    const second = await store.list("folder", { limit: 1000, after: first.next });
    await fs.writeFile(join(files, "folder/file-a"), "");
    await fs.unlink(join(files, "folder/file-998"));
    const third = await store.list("folder", { limit: 1000, after: second.next });
    const seen = [first, second, third].flatMap(({ entries }) => entries.map(({ name }) => name));
    const expected = [...names, "file-a"].sort().filter((name) => name !== "file-998");
    assert.deepEqual(seen, expected);
    assert.equal(third.next, undefined);
  });

  it("lists in bounded pages only", async () => {
    for (const limit of [0, -1, 1.5, limits.listingPageEntries + 1, Number.NaN]) {
      await refuses("invalid-argument", store.list("", { limit }));
    }
  });

  it("leaves out names that are not UTF-8 or have control characters", { skip: !isLinux }, async () => {
    const bytes = (hex: string) => Buffer.concat([Buffer.from(`${files}/`), Buffer.from(hex, "hex")]);
    await fs.writeFile(bytes("61ff"), "not UTF-8");
    await fs.writeFile(bytes("61fe"), "not UTF-8 either");
    await fs.writeFile(join(files, "a\nb"), "a line break");
    await fs.writeFile(join(files, "a\ufffd"), "the character itself");
    await fs.writeFile(join(files, "b"), "plain");
    assert.deepEqual(await namesIn(store, ""), ["a\ufffd", "b"]);
    assert.deepEqual(await namesIn(store, "", 1), ["a\ufffd", "b"]);
  });

  it("keeps a reader's file until its reads have ended, also when it is closed under way", async () => {
    await put(store, "a", "x".repeat(100_000));
    const reader = await store.openRead("a");
    const pieces = Array.from({ length: 20 }, () => Buffer.alloc(100_000));
    const reading = Promise.all(pieces.map((piece) => reader.read(piece, 0)));
    await reader.close();
    assert.deepEqual(new Set(await reading), new Set([100_000]));
    await refuses("invalid-argument", reader.read(Buffer.alloc(1), 0));
    await reader.close();
  });

  it("refuses positions and times that are no numbers of use", async () => {
    await put(store, "a", "content");
    const reader = await store.openRead("a");
    for (const position of [-1, 0.5, Number.NaN, 2 ** 60]) {
      await refuses("invalid-argument", reader.read(Buffer.alloc(1), position));
    }
    await reader.close();
    await refuses("invalid-argument", store.setModified("a", Number.NaN));
  });

  it("takes as transferId only what can be a file's name everywhere", async () => {
    for (const transferId of ["", "../a", "a/b", ".hidden", "a.b", "a\0", "x".repeat(101)]) {
      await refuses("invalid-argument", store.openWrite("a", transferId));
      await refuses("invalid-argument", settle(store, "a", transferId));
    }
    assert.deepEqual(await filesIn(tested.stagingDirectory), []);
  });

  it("finds an exclusive upload published when the crash came before its staged name was gone", async () => {
    const transferId = newTransferId();
    await writerWith(store, "a", "content", transferId);
    await fs.link(join(tested.stagingDirectory, transferId), join(files, "a"));
    const reopened = await tested.reopen();
    assert.equal(await settle(reopened, "a", transferId), "published");
    assert.equal(await settle(reopened, "a", transferId), "published");
    assert.deepEqual(await reopened.stagedUploads(), []);
    assert.equal(await get(reopened, "a"), "content");
  });

  it("does not empty a file whose publishing failed after its effect", async () => {
    const transferId = newTransferId();
    const writer = await writerWith(store, "a", "content", transferId);
    await fs.link(join(tested.stagingDirectory, transferId), join(files, "a"));
    await refuses("already-exists", writer.publish({ exclusive: true }));
    await writer.abort();
    assert.equal(await get(store, "a"), "content");
    assert.equal(await settle(store, "a", transferId), "published");
  });

  it("frees the bytes of an aborted upload at once", async () => {
    const transferId = newTransferId();
    const writer = await writerWith(store, "a", "content", transferId);
    await writer.abort();
    assert.equal((await fs.stat(join(tested.stagingDirectory, transferId))).size, 0);
  });

  it("clears away what a crash left of copies", async () => {
    await fs.writeFile(join(tested.stagingDirectory, ".copy-1"), "half");
    const reopened = await tested.reopen();
    assert.deepEqual(await filesIn(tested.stagingDirectory), []);
    await put(reopened, "a", "content");
    await put(reopened, "b", "content");
    await refuses("already-exists", reopened.copy("a", "b", { overwrite: false }));
    assert.deepEqual(await filesIn(tested.stagingDirectory), []);
  });

  it("takes away the old name when both names are one file already", async () => {
    await put(store, "a", "content");
    await fs.link(join(files, "a"), join(files, "b"));
    await store.move("a", "b", replace);
    assert.deepEqual(await namesIn(store, ""), ["b"]);
    assert.equal(await get(store, "b"), "content");
  });

  it("publishes nothing of an upload whose write failed", { skip: isWindows }, async () => {
    // The shell's limit on file sizes stands for a full disk: the write that reaches it is cut short.
    const script = new URL("directory-full-disk-child.ts", import.meta.url).pathname;
    const command = 'ulimit -f 200; exec "$0" "$@"';
    const { stdout } = await run("sh", ["-c", command, process.execPath, script, files, join(tested.stagingDirectory)]);
    assert.deepEqual(JSON.parse(stdout), { write: "too-large", publish: "too-large", flush: "too-large", list: [] });
  });

  it("closes every descriptor but those of the folders in use last", { skip: !isLinux }, async () => {
    const openDescriptors = async () => (await fs.readdir("/proc/self/fd")).length;
    await put(store, "x/0", "content");
    const before = await openDescriptors();
    await put(store, "x/a", "content");
    await store.copy("x/a", "x/b", replace);
    await store.move("x/b", "x/c", replace);
    await get(store, "x/a");
    await namesIn(store, "x");
    await (await writerWith(store, "x/d", "content")).abort();
    await assert.rejects(put(store, "x/a", "content", { exclusive: true }));
    await assert.rejects(put(store, "x/a", "content", { replacesEtag: "other" }));
    for (const objectKey of ["x", "missing", "x/a/b"]) await assert.rejects(store.openRead(objectKey));
    await assert.rejects(store.list("x/a", { limit: 1 }));
    await store.remove("x/a", "file");
    assert.equal(await openDescriptors(), before);
    for (let index = 0; index < 2 * limits.openFolders; index += 1) await put(store, `folder-${index}/a`, "content");
    assert.ok((await openDescriptors()) <= before + limits.openFolders);
  });

  it("finds a folder that was moved or removed no more, and one that took its name", async () => {
    await put(store, "old/a", "first");
    await get(store, "old/a");
    await store.move("old", "new", replace);
    await assert.rejects(get(store, "old/a"), { code: "not-found" });
    assert.equal(String(await get(store, "new/a")), "first");
    await put(store, "old/a", "second");
    assert.equal(String(await get(store, "old/a")), "second");
    await store.remove("old/a", "file");
    await store.remove("old", "directory");
    await assert.rejects(store.list("old", { limit: 1 }), { code: "not-found" });
  });
});

describe("links in the tree", { skip: isWindows }, () => {
  for (const usesDescriptors of isLinux ? [true, false] : [false]) {
    it(`lead nowhere (${usesDescriptors ? "folders held by descriptors" : "folders found by path"})`, async (test) => {
      const { tested, outside } = await storeBeside(test, { usesDescriptors });
      await plantLinks(tested.filesDirectory, outside);
      await assertLinksLeadNowhere(tested.store);
      assert.deepEqual((await fs.readdir(outside)).sort(), ["folder", "secret"]);
      assert.deepEqual(await fs.readdir(join(outside, "folder")), ["secret"]);
      assert.equal(await fs.readFile(join(outside, "secret"), "utf8"), "secret");
    });
  }

  it("lead nowhere even when they are exchanged for folders all the time", { skip: !isLinux }, async (test) => {
    const { tested, outside } = await storeBeside(test);
    await fs.writeFile(join(outside, "secret"), "secret");
    const inbox = join(tested.filesDirectory, "acme/inbox");
    await fs.mkdir(inbox, { recursive: true });
    const stop = new AbortController();
    const exchanging = exchange(inbox, outside, stop.signal);
    try {
      for (let index = 0; index < 300; index += 1) await attack(tested.store, index);
    } finally {
      stop.abort();
      assert.ok((await exchanging) > 10);
    }
    assert.deepEqual(await fs.readdir(outside), ["secret"]);
  });
});

/** A store, and a folder that does not belong to it. */
async function storeBeside(test: TestContext, options: { usesDescriptors?: boolean } = {}) {
  const tested = await createDirectoryStoreUnderTest(options);
  const outside = await fs.mkdtemp(join(tmpdir(), "ferrygate-outside-"));
  test.after(async () => {
    await tested.dispose();
    await fs.rm(outside, { recursive: true });
  });
  return { tested, outside };
}

/** `in` holds a link to a file and one to a folder, both outside; `up` leads to the folder above the tree. */
async function plantLinks(files: string, outside: string): Promise<void> {
  await fs.mkdir(join(outside, "folder"));
  await fs.writeFile(join(outside, "secret"), "secret");
  await fs.writeFile(join(outside, "folder/secret"), "secret");
  await fs.mkdir(join(files, "in"));
  await fs.symlink(join(outside, "secret"), join(files, "in/file"));
  await fs.symlink(outside, join(files, "in/folder"));
  await fs.symlink("in", join(files, "within"));
  await fs.symlink("../..", join(files, "in/up"));
  await fs.symlink("nowhere", join(files, "in/dangling"));
  await fs.writeFile(join(files, "plain"), "plain");
}

async function assertLinksLeadNowhere(store: ObjectStore): Promise<void> {
  assert.deepEqual(await namesIn(store, ""), ["in", "plain"]);
  assert.deepEqual(await namesIn(store, "in"), []);
  for (const link of ["in/file", "in/folder", "in/folder/secret", "in/folder/folder/secret", "in/up", "in/dangling"]) {
    assert.equal(await store.stat(link), undefined);
    await refuses("not-found", store.openRead(link));
    await refuses("not-found", store.remove(link, "file"));
    await refuses("not-found", store.remove(link, "directory"));
    await refuses("not-found", store.move(link, "taken", replace));
    await refuses("not-found", store.copy(link, "taken", replace));
    await refuses("not-found", store.setModified(link, 0));
    for (const attempt of [
      () => store.list(link, { limit: 10 }),
      () => put(store, link, "written"),
      () => put(store, `${link}/new`, "written"),
      () => store.createDirectory(link),
      () => store.createDirectory(`${link}/new`),
      () => store.ensureDirectory(`${link}/new`),
      () => store.move("plain", link, replace),
      () => store.copy("plain", `${link}/new`, replace),
    ]) {
      await assert.rejects(attempt, FileError);
    }
  }
  assert.equal(await store.stat("within/file"), undefined);
  await assert.rejects(store.list("within", { limit: 10 }), FileError);
  assert.equal(await get(store, "plain"), "plain");
}

/** Has a folder and a link to `outside` take turns, until it is told to stop. Answers how often. */
async function exchange(folder: string, outside: string, signal: AbortSignal): Promise<number> {
  const aside = await fs.mkdtemp(join(tmpdir(), "ferrygate-aside-"));
  // The store may be faster to make the folder anew.
  const unlessThere = (error: NodeJS.ErrnoException) => assert.equal(error.code, "EEXIST");
  let times = 0;
  for (; !signal.aborted; times += 1) {
    await fs.rename(folder, join(aside, `${times}-folder`));
    await fs.symlink(outside, folder).catch(unlessThere);
    await fs.rename(folder, join(aside, `${times}-link`));
    await fs.mkdir(folder).catch(unlessThere);
  }
  await fs.rm(aside, { recursive: true });
  return times;
}

async function attack(store: ObjectStore, index: number): Promise<void> {
  const attempts = await Promise.allSettled([
    put(store, `acme/inbox/a${index}`, "content"),
    store.createDirectory(`acme/inbox/d${index}`),
    store.copy("acme/inbox/secret", `stolen${index}`, replace),
    store.remove("acme/inbox/secret", "file"),
    store.list("acme/inbox", { limit: 1000 }).then(({ entries }) => {
      assert.ok(entries.every(({ name }) => name !== "secret"));
    }),
  ]);
  for (const attempt of attempts) {
    if (attempt.status === "rejected") assert.ok(attempt.reason instanceof FileError, String(attempt.reason));
  }
}

describe("what is neither file nor folder", { skip: isWindows }, () => {
  it("is not there, and nobody waits for it", async () => {
    const { store, filesDirectory, dispose } = await createDirectoryStoreUnderTest();
    const server = createServer();
    try {
      await run("mkfifo", [join(filesDirectory, "pipe")]);
      server.listen(join(filesDirectory, "socket"));
      await once(server, "listening");
      assert.deepEqual(await namesIn(store, ""), []);
      for (const name of ["pipe", "socket"]) {
        assert.equal(await store.stat(name), undefined);
        await assert.rejects(store.openRead(name), FileError);
        await refuses("not-found", store.remove(name, "file"));
        await refuses("not-a-file", store.openWrite(name, newTransferId()));
      }
      assert.deepEqual((await fs.readdir(filesDirectory)).sort(), ["pipe", "socket"]);
    } finally {
      server.close();
      await dispose();
    }
  });
});

describe("the directories of a store", () => {
  it("have to lie beside each other", async () => {
    const directory = await fs.mkdtemp(join(tmpdir(), "ferrygate-store-"));
    const paths: [string, string][] = [
      ["files", "files"],
      ["files", "files/staging"],
      ["staging/files", "staging"],
    ];
    for (const [files, staging] of paths) {
      const options = { filesDirectory: join(directory, files), stagingDirectory: join(directory, staging) };
      await assert.rejects(createDirectoryObjectStore(options), /neither inside the other/);
    }
    await fs.rm(directory, { recursive: true });
  });

  it("may be reached by links", { skip: isWindows }, async () => {
    const directory = await fs.mkdtemp(join(tmpdir(), "ferrygate-store-"));
    await fs.mkdir(join(directory, "disk"));
    await fs.symlink("disk", join(directory, "data"));
    const store = await createDirectoryObjectStore({
      filesDirectory: join(directory, "data/files"),
      stagingDirectory: join(directory, "data/staging"),
    });
    await put(store, "acme/a", "content");
    assert.equal(await fs.readFile(join(directory, "disk/files/acme/a"), "utf8"), "content");
    await fs.rm(directory, { recursive: true });
  });
});
