import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";
import { readAttributes, writeAttributes } from "../../../protocols/sftp/attributes.ts";
import { openFlag } from "../../../protocols/sftp/file-requests.ts";
import { statusCode } from "../../../protocols/sftp/replies.ts";
import { packetType } from "../../../protocols/sftp/requests.ts";
import { createMemoryObjectStore } from "../../support/memory-object-store.ts";
import { handleOf, type RawSftp, type Reply, replyType, statusOf } from "./raw-sftp.ts";
import { type Rig, startRig, until } from "./rig.ts";

const { read, write, append, create, truncate, exclusive } = openFlag;
const replaces = write | create | truncate;
const objects = createMemoryObjectStore();

let rig: Rig;
let sftp: RawSftp;
before(async () => {
  rig = await startRig({ changes: { objects } });
  sftp = await rig.open();
});
after(() => rig.stop());
beforeEach(() => put("f.txt", "content"));

async function put(name: string, content: string | Uint8Array, modifiedAtMs = 1_000_000): Promise<void> {
  const writer = await objects.openWrite(`tester/${name}`, "test");
  await writer.write(Buffer.from(content));
  await writer.publish({ modifiedAtMs });
}

async function contentOf(name: string): Promise<string | undefined> {
  const entry = await objects.stat(`tester/${name}`);
  if (entry?.type !== "file") return undefined;
  const content = Buffer.alloc(entry.size);
  await (await objects.openRead(`tester/${name}`)).read(content, 0);
  return content.toString();
}

async function code(reply: Reply | Promise<Reply>): Promise<number> {
  return statusOf(await reply).code;
}

async function assertOk(reply: Promise<Reply>): Promise<void> {
  const { code: actual, message } = statusOf(await reply);
  assert.equal(actual, statusCode.ok, message);
}

const dataOf = ({ type, body }: Reply) => {
  assert.equal(type, replyType.data);
  return body.string().toString();
};

describe("reading a file", () => {
  it("answers what is there, clipped at the end, and EOF behind it", async () => {
    const handle = await sftp.openHandle("/f.txt", read);
    assert.equal(dataOf(await sftp.readAt(handle, 0, 100)), "content");
    assert.equal(dataOf(await sftp.readAt(handle, 3, 2)), "te");
    for (const offset of [7, 8, Number.MAX_SAFE_INTEGER]) {
      assert.equal(await code(sftp.readAt(handle, offset, 10)), statusCode.eof);
    }
    await assertOk(sftp.close(handle));
  });

  it("answers at most 255 KiB at once, as limits@openssh.com says", async () => {
    await put("large", randomBytes(600_000));
    const handle = await sftp.openHandle("/large", read);
    const reply = await sftp.readAt(handle, 0, 2 ** 32 - 1);
    assert.equal(reply.body.uint32(), 255 * 1024);
    await assertOk(sftp.close(handle));
  });

  it("goes on with the version that was opened when the file is replaced", async () => {
    const handle = await sftp.openHandle("/f.txt", read);
    await put("f.txt", "changed");
    assert.equal(dataOf(await sftp.readAt(handle, 0, 100)), "content");
    await assertOk(sftp.close(handle));
  });

  it("fails for folders and for what is not there", async () => {
    await objects.ensureDirectory("tester/folder");
    assert.equal(await code(sftp.open("/folder", read)), statusCode.failure);
    assert.equal(await code(sftp.open("/missing", read)), statusCode.noSuchFile);
  });
});

describe("writing a file", () => {
  it("shows nothing before CLOSE and everything after it", async () => {
    const handle = await sftp.openHandle("/new.txt", replaces);
    await assertOk(sftp.writeAt(handle, 0, Buffer.from("hello")));
    assert.equal(await contentOf("new.txt"), undefined);
    await assertOk(sftp.close(handle));
    assert.equal(await contentOf("new.txt"), "hello");
  });

  it("takes writes in any order inside the window", async () => {
    const handle = await sftp.openHandle("/shuffled", replaces);
    const answers = [4, 2, 0, 6].map((offset) => sftp.writeAt(handle, offset, Buffer.from(`${offset}.`)));
    await Promise.all([...answers.map(assertOk), assertOk(sftp.close(handle))]);
    assert.equal(await contentOf("shuffled"), "0.2.4.6.");
  });

  it("keeps the bytes of large writes that came ahead, whatever is sent after them", async () => {
    const handle = await sftp.openHandle("/large-shuffled", replaces);
    const pieces = Array.from({ length: 8 }, (_, index) => Buffer.alloc(32 * 1024, `${index}`));
    // Each is answered before the next is sent, so that the server has its memory back.
    for (const index of [3, 1, 2, 5, 4, 7, 6, 0]) {
      await assertOk(sftp.writeAt(handle, index * 32 * 1024, pieces[index] ?? Buffer.alloc(0)));
    }
    await assertOk(sftp.close(handle));
    assert.equal(await contentOf("large-shuffled"), Buffer.concat(pieces).toString());
  });

  it("publishes nothing when bytes are missing", async () => {
    const handle = await sftp.openHandle("/gap", replaces);
    await assertOk(sftp.writeAt(handle, 5, Buffer.from("late")));
    assert.equal(await code(sftp.close(handle)), statusCode.failure);
    assert.equal(await contentOf("gap"), undefined);
  });

  it("makes an empty file of an upload without writes", async () => {
    await assertOk(sftp.close(await sftp.openHandle("/empty", write | create)));
    assert.equal(await contentOf("empty"), "");
  });

  it("replaces with TRUNC and writes over what is there without", async () => {
    const first = await sftp.openHandle("/f.txt", write | truncate);
    await assertOk(sftp.writeAt(first, 0, Buffer.from("new")));
    await assertOk(sftp.close(first));
    assert.equal(await contentOf("f.txt"), "new");
    const second = await sftp.openHandle("/f.txt", write | create);
    await assertOk(sftp.writeAt(second, 3, Buffer.from("er")));
    await assertOk(sftp.close(second));
    assert.equal(await contentOf("f.txt"), "newer");
  });

  it("appends whatever the offset", async () => {
    const handle = await sftp.openHandle("/f.txt", write | append | create);
    await assertOk(sftp.writeAt(handle, 0, Buffer.from(" and")));
    await assertOk(sftp.writeAt(handle, 0, Buffer.from(" more")));
    await assertOk(sftp.close(handle));
    assert.equal(await contentOf("f.txt"), "content and more");
  });

  it("creates only where CREAT says so, and only what is new where EXCL does", async () => {
    for (const flags of [write, write | truncate, write | append, write | read]) {
      assert.equal(await code(sftp.open("/missing", flags)), statusCode.noSuchFile);
    }
    assert.equal(await code(sftp.open("/f.txt", write | create | exclusive)), statusCode.failure);
    await assertOk(sftp.close(await sftp.openHandle("/only", write | create | exclusive)));
    assert.equal(await contentOf("f.txt"), "content");
  });

  it("loses the race for a new name at CLOSE at the latest", async () => {
    const handles = [await sftp.openHandle("/raced", write | create | exclusive)];
    handles.push(await sftp.openHandle("/raced", write | create | exclusive));
    const codes = await Promise.all(handles.map((handle) => code(sftp.close(handle))));
    assert.deepEqual(codes.sort(), [statusCode.ok, statusCode.failure]);
  });

  it("is possible through a handle that may also read, which only the READ finds out", async () => {
    const handle = await sftp.openHandle("/java", read | replaces);
    await assertOk(sftp.writeAt(handle, 0, Buffer.from("x")));
    assert.equal(await code(sftp.readAt(handle, 0, 1)), statusCode.opUnsupported);
    await assertOk(sftp.close(handle));
    assert.equal(await contentOf("java"), "x");
  });

  it("fails on a handle for reading, on one that is closed, and on none", async () => {
    const handle = await sftp.openHandle("/f.txt", read);
    assert.equal(await code(sftp.writeAt(handle, 0, Buffer.from("x"))), statusCode.failure);
    await assertOk(sftp.close(handle));
    for (const dead of [handle, "", "none", "\xff".repeat(256)]) {
      assert.equal(await code(sftp.writeAt(dead, 0, Buffer.from("x"))), statusCode.failure);
      assert.equal(await code(sftp.close(dead)), statusCode.failure);
    }
    assert.equal(await contentOf("f.txt"), "content");
  });

  it("needs a folder to write into", async () => {
    assert.equal(await code(sftp.open("/no/such/folder.txt", replaces)), statusCode.noSuchFile);
    assert.equal(await code(sftp.open("/f.txt/below", replaces)), statusCode.noSuchFile);
  });
});

describe("requests in flight", () => {
  it("stores every byte when CLOSE comes behind ten unanswered WRITEs", async () => {
    const handle = await sftp.openHandle("/pipelined", replaces);
    const chunks = Array.from({ length: 10 }, () => randomBytes(100_000));
    const answers = chunks.map((chunk, index) => sftp.writeAt(handle, index * 100_000, chunk));
    await Promise.all([...answers.map(assertOk), assertOk(sftp.close(handle))]);
    assert.deepEqual(await contentOf("pipelined"), Buffer.concat(chunks).toString());
  });

  it("see a file that was closed just before", async () => {
    const handle = await sftp.openHandle("/before", replaces);
    const answers = [
      sftp.writeAt(handle, 0, Buffer.from("12345")),
      sftp.close(handle),
      sftp.request(packetType.rename, (writer) => writer.string("/before").string("/afterwards")),
      sftp.onPath(packetType.stat, "/afterwards"),
      sftp.onPath(packetType.remove, "/afterwards"),
      sftp.onPath(packetType.stat, "/afterwards"),
    ];
    const [, closed, renamed, found, removed, missing] = await Promise.all(answers);
    assert.ok(closed && renamed && found && removed && missing);
    for (const reply of [closed, renamed, removed]) assert.equal(await code(reply), statusCode.ok);
    assert.equal(readAttributes(found.body).size, 5);
    assert.equal(await code(missing), statusCode.noSuchFile);
  });

  it("are answered with what they asked when CLOSE comes behind unanswered READs", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const openRead: typeof objects.openRead = async (objectKey) => {
      const reader = await objects.openRead(objectKey);
      let isClosed = false;
      return {
        ...reader,
        read: async (target, position) => {
          await released;
          if (isClosed) throw new Error("read of a closed file");
          return reader.read(target, position);
        },
        close: async () => {
          isClosed = true;
        },
      };
    };
    const slow = await startRig({ changes: { objects: { ...objects, openRead } } });
    const client = await slow.open();
    const handle = await client.openHandle("/f.txt", read);
    const answers = [client.readAt(handle, 0, 3), client.readAt(handle, 3, 100)];
    const closed = client.close(handle);
    // Answered at once, and behind the others: all of them have arrived.
    await client.onPath(packetType.realpath, ".");
    release();
    assert.deepEqual(await Promise.all(answers.map(async (answer) => dataOf(await answer))), ["con", "tent"]);
    assert.equal(await code(closed), statusCode.ok);
    await slow.stop();
  });

  it("on one handle are answered in the order in which they came, though the store is not", async () => {
    const waiting: (() => void)[] = [];
    const openRead: typeof objects.openRead = async (objectKey) => {
      const reader = await objects.openRead(objectKey);
      return {
        ...reader,
        read: async (target, position) => {
          await new Promise<void>((resolve) => waiting.push(resolve));
          return reader.read(target, position);
        },
      };
    };
    const slow = await startRig({ changes: { objects: { ...objects, openRead } } });
    const client = await slow.open();
    const handle = await client.openHandle("/f.txt", read);
    const order: number[] = [];
    const answers = [0, 1, 2].map((offset) => client.readAt(handle, offset, 1).then(() => order.push(offset)));
    await until(() => waiting.length === 3);
    for (const finish of waiting.reverse()) {
      finish();
      await client.onPath(packetType.realpath, ".");
    }
    await Promise.all(answers);
    assert.deepEqual(order, [0, 1, 2]);
    await slow.stop();
  });

  it("do not wait for others with which they have nothing to do", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const openWrite: typeof objects.openWrite = async (objectKey, transferId) => {
      const writer = await objects.openWrite(objectKey, transferId);
      const isSlow = objectKey.endsWith("/slow");
      return {
        ...writer,
        publish: (options) => (isSlow ? released : Promise.resolve()).then(() => writer.publish(options)),
      };
    };
    const rigWithSlowFile = await startRig({ changes: { objects: { ...objects, openWrite } } });
    const client = await rigWithSlowFile.open();
    const slow = client.close(await client.openHandle("/slow", replaces));
    const question = client.onPath(packetType.stat, "/slow");
    // Another file comes and goes while the first is still being published.
    const quick = await client.openHandle("/quick", replaces);
    await assertOk(client.writeAt(quick, 0, Buffer.from("1")));
    await assertOk(client.close(quick));
    assert.equal(readAttributes((await client.onPath(packetType.stat, "/quick")).body).size, 1);
    assert.equal((await client.onPath(packetType.stat, "/")).type, replyType.attrs);
    const first = await Promise.race([
      slow.then(() => "slow"),
      question.then(() => "question"),
      client.onPath(packetType.realpath, ".").then(() => "neither"),
    ]);
    assert.equal(first, "neither");
    release();
    await assertOk(slow);
    assert.equal((await question).type, replyType.attrs);
    await rigWithSlowFile.stop();
  });

  it("do not read or write through a handle that was closed before them", async () => {
    const handle = await sftp.openHandle("/late", replaces);
    const [closed, late] = await Promise.all([sftp.close(handle), sftp.writeAt(handle, 0, Buffer.from("x"))]);
    assert.equal(await code(closed), statusCode.ok);
    assert.equal(await code(late), statusCode.failure);
    assert.equal(await contentOf("late"), "");
  });
});

describe("attributes", () => {
  const attributesOf = async (reply: Promise<Reply>) => readAttributes((await reply).body);
  const setTime = (type: number, target: string) =>
    sftp.request(type, (writer) =>
      writeAttributes(writer.string(target), { permissions: 0o600, times: { accessed: 1, modified: 1_600_000_000 } }),
    );

  it("of files and folders say what they are", async () => {
    await objects.ensureDirectory("tester/folder");
    for (const type of [packetType.stat, packetType.lstat]) {
      const file = await attributesOf(sftp.onPath(type, "/f.txt"));
      assert.deepEqual([file.size, file.permissions, file.times?.modified], [7, 0o100644, 1000]);
      assert.equal((await attributesOf(sftp.onPath(type, "folder"))).permissions, 0o040755);
    }
  });

  it("of an upload count the bytes so far", async () => {
    const handle = await sftp.openHandle("/growing", replaces);
    await assertOk(sftp.writeAt(handle, 0, Buffer.from("123")));
    assert.equal((await attributesOf(sftp.onPath(packetType.fstat, handle))).size, 3);
    await assertOk(sftp.close(handle));
  });

  it("keep the time that OPEN, FSETSTAT or SETSTAT gives", async () => {
    const modified = async (name: string) => (await objects.stat(`tester/${name}`))?.modifiedAtMs;
    const opened = handleOf(
      await sftp.open("/opened", replaces, (writer) =>
        writeAttributes(writer, { times: { accessed: 1, modified: 1_500_000_000 } }),
      ),
    );
    await assertOk(sftp.close(opened));
    assert.equal(await modified("opened"), 1_500_000_000_000);
    const uploaded = await sftp.openHandle("/uploaded", replaces);
    await assertOk(setTime(packetType.fsetstat, uploaded));
    await assertOk(sftp.close(uploaded));
    assert.equal(await modified("uploaded"), 1_600_000_000_000);
    await assertOk(setTime(packetType.setstat, "/f.txt"));
    assert.equal(await modified("f.txt"), 1_600_000_000_000);
    await put("f.txt", "again");
    const open = await sftp.openHandle("/f.txt", read);
    await assertOk(setTime(packetType.fsetstat, open));
    assert.equal(await modified("f.txt"), 1_600_000_000_000);
    await assertOk(sftp.close(open));
  });

  it("are those of the file that this client is writing, by its path too, and of no other's", async () => {
    const elsewhere = await rig.open();
    const question = (client: RawSftp) => client.onPath(packetType.lstat, "/being//written");
    await assertOk(sftp.onPath(packetType.mkdir, "/being"));
    // In one go, as sshfs does.
    const [opened, attributes] = await Promise.all([sftp.open("/being/written", replaces), question(sftp)]);
    assert.equal(readAttributes(attributes.body).size, 0);
    const handle = handleOf(opened);
    await assertOk(sftp.writeAt(handle, 0, Buffer.from("123")));
    await assertOk(setTime(packetType.setstat, "/being/written"));
    assert.deepEqual((await attributesOf(question(sftp))).size, 3);
    assert.equal(await code(question(elsewhere)), statusCode.noSuchFile);
    await assertOk(sftp.close(handle));
    assert.equal((await objects.stat("tester/being/written"))?.modifiedAtMs, 1_600_000_000_000);
    const again = await sftp.openHandle("/being/written", replaces);
    assert.equal((await attributesOf(question(sftp))).size, 3);
    await assertOk(sftp.close(again));
    assert.equal((await attributesOf(question(elsewhere))).size, 0);
  });

  it("of a file that is being opened wait until it is open", async () => {
    const opened = Promise.withResolvers<void>();
    const openWrite: typeof objects.openWrite = (...request) =>
      opened.promise.then(() => objects.openWrite(...request));
    const slow = await startRig({ changes: { objects: { ...objects, openWrite } } });
    const client = await slow.open();
    const opening = client.open("/slowly", replaces);
    const attributes = client.onPath(packetType.stat, "/slowly");
    assert.equal((await client.onPath(packetType.stat, "/")).type, replyType.attrs);
    opened.resolve();
    assert.equal((await attributes).type, replyType.attrs);
    await assertOk(client.close(handleOf(await opening)));
    await slow.stop();
  });

  it("accept modes and owners without keeping them", async () => {
    const setMode = (path: string) =>
      sftp.request(packetType.setstat, (writer) => writeAttributes(writer.string(path), { permissions: 0o777 }));
    await assertOk(setMode("/f.txt"));
    assert.equal(await code(setMode("/missing")), statusCode.noSuchFile);
    assert.equal((await attributesOf(sftp.onPath(packetType.stat, "/f.txt"))).permissions, 0o100644);
  });

  it("set a stored file's size to nothing or to what it is, and to nothing else", async () => {
    const setSize = (size: number) =>
      sftp.request(packetType.setstat, (writer) => writeAttributes(writer.string("/f.txt"), { size }));
    await assertOk(setSize(7));
    for (const size of [6, 8]) assert.equal(await code(setSize(size)), statusCode.opUnsupported);
    assert.equal(await contentOf("f.txt"), "content");
    await assertOk(setSize(0));
    assert.equal(await contentOf("f.txt"), "");
  });

  it("hold an upload to the size that it announces", async () => {
    for (const [size, expected] of [
      [3, statusCode.ok],
      [4, statusCode.failure],
    ] as const) {
      const handle = await sftp.openHandle("/announced", replaces);
      await assertOk(sftp.request(packetType.fsetstat, (writer) => writeAttributes(writer.string(handle), { size })));
      await assertOk(sftp.writeAt(handle, 0, Buffer.from("123")));
      assert.equal(await code(sftp.close(handle)), expected);
    }
  });
});

describe("copying between handles", () => {
  const copy = (from: string, range: [offset: number, length: number], to: string, offset = 0) =>
    sftp.extended("copy-data", (writer) =>
      writer.string(from).uint64(range[0]).uint64(range[1]).string(to).uint64(offset),
    );

  for (const [title, range, expected] of [
    ["everything", [0, 0], "content"],
    ["a range", [3, 2], "te"],
    ["no more than is there", [3, 100], "tent"],
    ["nothing from behind the end", [100, 0], ""],
  ] as const) {
    it(`copies ${title}`, async () => {
      const from = await sftp.openHandle("/f.txt", read);
      const to = await sftp.openHandle("/copy", replaces);
      await assertOk(copy(from, [...range], to));
      await Promise.all([assertOk(sftp.close(from)), assertOk(sftp.close(to))]);
      assert.equal(await contentOf("copy"), expected);
    });
  }

  it("fails where a handle is of the wrong kind, and on itself", async () => {
    const from = await sftp.openHandle("/f.txt", read);
    const to = await sftp.openHandle("/copy2", replaces);
    assert.equal(await code(copy(to, [0, 0], from)), statusCode.opUnsupported);
    assert.equal(await code(copy(from, [0, 0], from)), statusCode.failure);
    assert.equal(await code(copy("none", [0, 0], to)), statusCode.failure);
    await Promise.all([assertOk(sftp.close(from)), assertOk(sftp.close(to))]);
  });
});
