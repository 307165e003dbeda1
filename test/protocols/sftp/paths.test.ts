import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { readAttributes } from "../../../protocols/sftp/attributes.ts";
import { openFlag } from "../../../protocols/sftp/file-requests.ts";
import { statusCode } from "../../../protocols/sftp/replies.ts";
import { packetType } from "../../../protocols/sftp/requests.ts";
import { WireReader, WireWriter } from "../../../protocols/sftp/wire.ts";
import { createMemoryObjectStore } from "../../support/memory-object-store.ts";
import { testAccount } from "../../support/memory-ports.ts";
import { handleOf, type RawSftp, type Reply, replyType, statusOf } from "./raw-sftp.ts";
import { type Rig, startRig } from "./rig.ts";

const objects = createMemoryObjectStore();
const partners = { name: "partners", enabled: true, permissions: [] };

let rig: Rig;
let sftp: RawSftp;
before(async () => {
  rig = await startRig({ accounts: [testAccount({ groups: [partners] })], changes: { objects } });
  sftp = await rig.open();
});
after(() => rig.stop());

async function put(name: string, content = name): Promise<void> {
  const writer = await objects.openWrite(`tester/${name}`, "test");
  await writer.write(Buffer.from(content));
  await writer.publish({ modifiedAtMs: 0 });
}

const code = async (reply: Promise<Reply>) => statusOf(await reply).code;

async function pathOf(reply: Promise<Reply>): Promise<string | undefined> {
  const { type, body } = await reply;
  assert.equal(type, replyType.name);
  assert.equal(body.uint32(), 1);
  return body.utf8();
}

/** All names, and how many each reply held. */
async function listed(path: string): Promise<{ names: string[]; counts: number[]; largestBytes: number }> {
  const handle = handleOf(await sftp.onPath(packetType.opendir, path));
  const names: string[] = [];
  const counts: number[] = [];
  let largestBytes = 0;
  for (;;) {
    const reply = await sftp.onPath(packetType.readdir, handle);
    if (reply.type === replyType.status) {
      assert.equal(statusOf(reply).code, statusCode.eof);
      break;
    }
    largestBytes = Math.max(largestBytes, reply.body.remaining);
    const count = reply.body.uint32();
    counts.push(count);
    for (let index = 0; index < count; index += 1) {
      names.push(reply.body.utf8() ?? "");
      assert.ok((reply.body.utf8() ?? "").endsWith(` ${names.at(-1)}`));
      readAttributes(reply.body);
    }
  }
  assert.equal(await code(sftp.onPath(packetType.readdir, handle)), statusCode.eof);
  assert.equal(await code(sftp.close(handle)), statusCode.ok);
  return { names, counts, largestBytes };
}

describe("a listing", () => {
  it("has every name once, in order, and neither . nor ..", async () => {
    const names = Array.from({ length: 2345 }, (_, index) => `n${String(index).padStart(5, "0")}`);
    for (const name of names) await put(`many/${name}`, "");
    const result = await listed("/many");
    assert.deepEqual(result.names, names);
    assert.equal(Math.max(...result.counts), 100);
  });

  it("comes in messages that every client takes", async () => {
    for (let index = 0; index < 150; index += 1) await put(`long/${String(index).padStart(3, "0")}${"x".repeat(250)}`);
    const { names, largestBytes } = await listed("/long");
    assert.equal(names.length, 150);
    assert.ok(largestBytes <= 32 * 1024, `${largestBytes} bytes`);
  });

  it("of an empty folder ends at once", async () => {
    await objects.ensureDirectory("tester/nothing");
    assert.deepEqual((await listed("/nothing")).names, []);
  });

  it("fails for files and for what is not there", async () => {
    await put("file");
    assert.equal(await code(sftp.onPath(packetType.opendir, "/file")), statusCode.noSuchFile);
    assert.equal(await code(sftp.onPath(packetType.opendir, "/none")), statusCode.noSuchFile);
    assert.equal(await code(sftp.onPath(packetType.readdir, "none")), statusCode.failure);
  });
});

describe("folders and names", () => {
  const rename = (from: string, to: string) =>
    sftp.request(packetType.rename, (writer) => writer.string(from).string(to));
  const mkdir = (path: string) => sftp.request(packetType.mkdir, (writer) => writer.string(path).uint32(0));

  it("can be made and removed, and say why not", async () => {
    assert.equal(await code(mkdir("/made")), statusCode.ok);
    assert.equal(await code(mkdir("/made")), statusCode.failure);
    assert.equal(await code(mkdir("/no/parent")), statusCode.noSuchFile);
    await put("made/file");
    const refused = statusOf(await sftp.onPath(packetType.rmdir, "/made"));
    assert.deepEqual([refused.code, /not empty/.test(refused.message)], [statusCode.failure, true]);
    assert.equal(await code(sftp.onPath(packetType.remove, "/made")), statusCode.failure);
    assert.equal(await code(sftp.onPath(packetType.remove, "/made/file")), statusCode.ok);
    assert.equal(await code(sftp.onPath(packetType.remove, "/made/file")), statusCode.noSuchFile);
    assert.equal(await code(sftp.onPath(packetType.rmdir, "/made")), statusCode.ok);
  });

  it("are renamed onto an existing file only by posix-rename", async () => {
    await put("from", "1");
    await put("to", "2");
    assert.equal(await code(rename("/from", "/to")), statusCode.failure);
    assert.equal((await objects.stat("tester/from"))?.size, 1);
    const posix = sftp.extended("posix-rename@openssh.com", (writer) => writer.string("/from").string("/to"));
    assert.equal(await code(posix), statusCode.ok);
    assert.equal(await objects.stat("tester/from"), undefined);
    assert.equal(await code(rename("/to", "/fresh")), statusCode.ok);
  });

  it("are refused when no store can hold them", async () => {
    for (const path of ["/a\0b", "/a\nb", `/${"x".repeat(300)}`, `/${"d/".repeat(100)}`, Buffer.from("2fff", "hex")]) {
      const { code: refused, message } = statusOf(await sftp.onPath(packetType.stat, path));
      assert.equal(refused, statusCode.failure);
      assert.match(message, /name|path/);
    }
  });

  it("have no links", async () => {
    assert.equal(await code(sftp.onPath(packetType.readlink, "/")), statusCode.opUnsupported);
    const symlink = sftp.request(packetType.symlink, (writer) => writer.string("/a").string("/b"));
    assert.equal(await code(symlink), statusCode.opUnsupported);
  });
});

describe("the form of a path", () => {
  it("is made plain by REALPATH, whatever is there", async () => {
    for (const [path, expected] of [
      [".", "/"],
      ["", "/"],
      ["a/../b/./c//d/", "/b/c/d"],
      ["../../x", "/x"],
      ["/e\u0301", "/e\u0301"],
    ] as const) {
      assert.equal(await pathOf(sftp.onPath(packetType.realpath, path)), expected);
    }
  });

  it("is expanded from the home of the account", async () => {
    const expand = (path: string) => sftp.extended("expand-path@openssh.com", (writer) => writer.string(path));
    for (const [path, expected] of [
      ["~", "/"],
      ["~/a", "/a"],
      ["~tester/a", "/a"],
      ["a/b", "/a/b"],
      ["/~a", "/~a"],
      ["~/../..", "/"],
    ] as const) {
      assert.equal(await pathOf(expand(path)), expected);
    }
    assert.equal(await code(expand("~root/a")), statusCode.noSuchFile);
  });

  it("of the home is the root, for oneself", async () => {
    const home = (name: string) => sftp.extended("home-directory", (writer) => writer.string(name));
    assert.equal(await pathOf(home("tester")), "/");
    assert.equal(await code(home("root")), statusCode.noSuchFile);
  });
});

describe("extensions", () => {
  it("are announced in VERSION and all answered", async () => {
    const names = Object.keys(sftp.extensions);
    assert.ok(names.length >= 12, names.join(" "));
    for (const name of names) {
      // Nothing after the name: known, and not readable.
      const reply = await sftp.extended(name);
      const isKnown = reply.type !== replyType.status || statusOf(reply).code !== statusCode.opUnsupported;
      assert.ok(isKnown, name);
    }
  });

  it("that nobody announced are unsupported", async () => {
    for (const name of ["hardlink@openssh.com", "md5-hash", "x"]) {
      assert.equal(await code(sftp.extended(name)), statusCode.opUnsupported);
    }
  });

  it("tell the limits", async () => {
    const { type, body } = await sftp.extended("limits@openssh.com");
    assert.equal(type, replyType.extended);
    const announced = [body.uint64(), body.uint64(), body.uint64(), body.uint64()];
    assert.deepEqual(announced, [256 * 1024, 255 * 1024, 255 * 1024, 256]);
  });

  it("tell the space, by path and by handle", async () => {
    const handle = handleOf(await sftp.onPath(packetType.opendir, "/"));
    for (const [name, target] of [
      ["statvfs@openssh.com", "/"],
      ["fstatvfs@openssh.com", handle],
    ] as const) {
      const { type, body } = await sftp.extended(name, (writer) => writer.string(target));
      assert.equal(type, replyType.extended);
      const fields = Array.from({ length: 11 }, () => body.uint64());
      assert.deepEqual([fields[0], fields[2], fields[10]], [4096, 2 ** 50 / 4096, 255]);
    }
    assert.equal(await code(sftp.close(handle)), statusCode.ok);
  });

  it("name the owners that listings show", async () => {
    const ids = (...numbers: number[]) => {
      const writer = new WireWriter();
      for (const number of numbers) writer.uint32(number);
      return writer.finish();
    };
    const ask = (users: Buffer, groups: Buffer) =>
      sftp.extended("users-groups-by-id@openssh.com", (writer) => writer.string(users).string(groups));
    const { body } = await ask(ids(1000, 0), ids(1000));
    const users = new WireReader(body.string());
    const groups = new WireReader(body.string());
    assert.deepEqual([users.latin1(), users.latin1(), groups.latin1()], ["tester", "", "partners"]);
    const many = ids(...Array.from({ length: 5000 }, () => 1000));
    assert.equal(await code(ask(many, many)), statusCode.failure);
  });

  it("make what is written durable without showing it", async () => {
    const upload = await sftp.openHandle("/synced", openFlag.write | openFlag.create);
    const sync = (handle: string) => sftp.extended("fsync@openssh.com", (writer) => writer.string(handle));
    assert.equal(await code(sync(upload)), statusCode.ok);
    assert.equal(await code(sync("none")), statusCode.failure);
    assert.equal(await objects.stat("tester/synced"), undefined);
    assert.equal(await code(sftp.close(upload)), statusCode.ok);
  });
});

describe("check-file", () => {
  const content = "0123456789".repeat(100);
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const check = (name: string, target: string, query: [string, number, number, number]) =>
    sftp.extended(name, (writer) =>
      writer.string(target).string(query[0]).uint64(query[1]).uint64(query[2]).uint32(query[3]),
    );
  const digests = ({ type, body }: Reply) => {
    assert.equal(type, replyType.extended);
    const words = [body.latin1(), body.latin1()];
    const bytes: string[] = [];
    while (body.remaining > 0) bytes.push(body.byte().toString(16).padStart(2, "0"));
    return { words, hex: bytes.join("") };
  };
  before(() => put("checked", content));

  it("digests a file, a range and blocks, by name and by handle", async () => {
    const handle = await sftp.openHandle("/checked", openFlag.read);
    for (const [name, target] of [
      ["check-file-name", "/checked"],
      ["check-file-handle", handle],
      ["check-file", handle],
    ] as const) {
      const whole = digests(await check(name, target, ["md5,sha256", 0, 0, 0]));
      assert.deepEqual(whole, { words: ["check-file", "sha256"], hex: sha256(content) });
      const range = digests(await check(name, target, ["sha256", 5, 20, 0]));
      assert.equal(range.hex, sha256(content.slice(5, 25)));
      const blocks = digests(await check(name, target, ["sha256", 0, 0, 400]));
      assert.equal(blocks.hex, [0, 400, 800].map((at) => sha256(content.slice(at, at + 400))).join(""));
    }
    assert.equal(await code(sftp.close(handle)), statusCode.ok);
  });

  it("digests an empty file", async () => {
    await put("hollow", "");
    assert.equal(digests(await check("check-file-name", "/hollow", ["sha256", 0, 0, 0])).hex, sha256(""));
  });

  it("refuses what proves nothing, blocks that are too small or too many, and ranges that are not there", async () => {
    for (const [query, expected] of [
      [["md5,sha1,crc32", 0, 0, 0], statusCode.opUnsupported],
      [["sha256", 0, 0, 255], statusCode.failure],
      [["sha256", 1001, 0, 0], statusCode.failure],
    ] as const) {
      assert.equal(await code(check("check-file-name", "/checked", [...query])), expected);
    }
    await put("wide", "x".repeat(256 * 10_000));
    assert.equal(await code(check("check-file-name", "/wide", ["sha512", 0, 0, 256])), statusCode.failure);
    assert.equal(await code(check("check-file-name", "/none", ["sha256", 0, 0, 0])), statusCode.noSuchFile);
  });
});
