import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { readAttributes, writeAttributes } from "../../../protocols/sftp/attributes.ts";
import { openFlag } from "../../../protocols/sftp/file-requests.ts";
import { statusCode } from "../../../protocols/sftp/replies.ts";
import { packetType } from "../../../protocols/sftp/requests.ts";
import { testAccount } from "../../support/memory-ports.ts";
import { resumableServices } from "../../support/memory-resumable-uploads.ts";
import { handleOf, RawSftp, replyType, statusOf } from "./raw-sftp.ts";
import { type Rig, startRig, until } from "./rig.ts";

const content = randomBytes(100_000);
const keptBytes = 59_999;

describe("uploads over SFTP that break off", () => {
  let rig: Rig;
  let sftp: RawSftp;
  const services = resumableServices();
  before(async () => {
    const accounts = [testAccount({ resumableUploads: true }), testAccount({ name: "other", home: "tester" })];
    rig = await startRig({ accounts, changes: services });
    sftp = await rig.open();
  });
  after(() => rig.stop());

  const open = (on: RawSftp, path: string, flags: number) =>
    on.request(packetType.open, (writer) => writeAttributes(writer.string(path).uint32(flags), {}));
  const write = (on: RawSftp, handle: string, offset: number, data: Uint8Array) =>
    on.request(packetType.write, (writer) => writer.string(handle).uint64(offset).string(data));
  const close = (on: RawSftp, handle: string) => on.request(packetType.close, (writer) => writer.string(handle));

  async function sizeOf(type: number, what: string): Promise<number | undefined> {
    const reply = await sftp.request(type, (writer) => writer.string(what));
    return reply.type === replyType.attrs ? readAttributes(reply.body).size : undefined;
  }

  async function breakOff(path: string): Promise<void> {
    const client = await rig.connect();
    const one = await RawSftp.open(client);
    const ends = () => rig.eventTypes().filter((type) => type === "transfer.aborted").length;
    const before = ends();
    const handle = handleOf(await open(one, path, openFlag.write | openFlag.create | openFlag.truncate));
    assert.equal(statusOf(await write(one, handle, 0, content.subarray(0, keptBytes + 1))).code, statusCode.ok);
    client.destroy();
    await once(client, "close");
    await until(() => ends() > before);
  }

  async function stored(path: string): Promise<Buffer | undefined> {
    const entry = await services.objects.stat(`tester${path}`);
    if (!entry) return undefined;
    const reader = await services.objects.openRead(`tester${path}`);
    const target = Buffer.alloc(entry.size);
    await reader.read(target, 0);
    return target;
  }

  const ways: Readonly<Record<string, { flags: number; from: number }>> = {
    "as OpenSSH does, with APPEND": { flags: openFlag.write | openFlag.create | openFlag.append, from: keptBytes },
    "as curl and PuTTY do, without CREAT": { flags: openFlag.write, from: keptBytes },
    "as lftp and WinSCP do, without TRUNC": { flags: openFlag.write | openFlag.create, from: keptBytes },
    "from before its end": { flags: openFlag.write, from: 30_000 },
    "from the beginning, without TRUNC": { flags: openFlag.write | openFlag.create, from: 0 },
    "from the beginning": { flags: openFlag.write | openFlag.create | openFlag.truncate, from: 0 },
  };

  for (const [title, { flags, from }] of Object.entries(ways)) {
    it(`go on ${title}`, async () => {
      const path = `/${title.replaceAll(" ", "-")}.bin`;
      await breakOff(path);
      for (const type of [packetType.stat, packetType.lstat]) assert.equal(await sizeOf(type, path), keptBytes);
      assert.equal(await stored(path), undefined);
      const handle = handleOf(await open(sftp, path, flags));
      if (!(flags & openFlag.truncate)) assert.equal(await sizeOf(packetType.fstat, handle), keptBytes);
      const half = Math.max(from, 70_000);
      const writes = [
        write(sftp, handle, from, content.subarray(from, half)),
        write(sftp, handle, half, content.subarray(half)),
      ];
      for (const reply of await Promise.all(writes)) assert.equal(statusOf(reply).code, statusCode.ok);
      assert.equal(statusOf(await close(sftp, handle)).code, statusCode.ok);
      assert.deepEqual(await stored(path), content);
      assert.equal(await sizeOf(packetType.stat, path), content.length);
    });
  }

  it("are not there for reading, for others, or behind their end", async () => {
    await breakOff("/a.bin");
    assert.equal(statusOf(await open(sftp, "/a.bin", openFlag.read)).code, statusCode.noSuchFile);
    const other = await rig.open({ username: "other" });
    assert.equal(statusOf(await other.onPath(packetType.stat, "/a.bin")).code, statusCode.noSuchFile);
    assert.equal(statusOf(await open(other, "/a.bin", openFlag.write)).code, statusCode.noSuchFile);
    const handle = handleOf(await open(sftp, "/a.bin", openFlag.write));
    const gap = statusOf(await write(sftp, handle, keptBytes + 1, content.subarray(keptBytes + 1)));
    assert.equal(gap.code, statusCode.opUnsupported);
    assert.match(gap.message, /gap/);
    assert.equal(statusOf(await close(sftp, handle)).code, statusCode.failure);
    assert.ok(((await sizeOf(packetType.stat, "/a.bin")) ?? 0) >= keptBytes - 1);
    assert.equal(await stored("/a.bin"), undefined);
  });
});
