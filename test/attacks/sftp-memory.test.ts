import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { Client, ClientChannel } from "ssh2";
import { limits } from "../../core/limits.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import { openFlag } from "../../protocols/sftp/file-requests.ts";
import { statusCode } from "../../protocols/sftp/replies.ts";
import { packetType } from "../../protocols/sftp/requests.ts";
import { encodeRequest, handleOf, RawSftp, type Reply, replyType, statusOf } from "../protocols/sftp/raw-sftp.ts";
import { closedWith, type Rig, type RigOptions, settled, startRig, until } from "../protocols/sftp/rig.ts";
import { createMemoryObjectStore } from "../support/memory-object-store.ts";

const MiB = 1024 * 1024;
/** ssh2's channel window, which it re-opens as soon as half of it was used: so much can lie in an unread channel. */
const unreadBytes = 3 * MiB;
/** What one connection may hold: an unread channel, requests under way, replies that wait, one message of each. */
const boundBytes =
  unreadBytes + limits.sftpPendingRequestBytes + limits.sftpPendingReplyBytes + 3 * limits.sftpPacketBytes;

interface ClientInternals {
  readonly _sock: Socket;
  readonly _protocol: {
    readonly _packetRW: {
      readonly write: { readonly allocStart: number; alloc(bytes: number): Buffer; finalize(packet: Buffer): Buffer };
    };
    readonly _cipher: { encrypt(packet: Buffer): void };
    channelData(channel: number, data: Buffer): void;
    channelWindowAdjust(channel: number, bytes: number): void;
    session(channel: number, window: number, packetBytes: number): void;
    ping(): void;
    rekey(): void;
    _kexinit: unknown;
  };
}

interface ChannelInternals {
  readonly outgoing: { readonly id: number; window: number };
}

const inside = (client: Client) => client as unknown as ClientInternals;
const outgoing = (channel: ClientChannel) => (channel as unknown as ChannelInternals).outgoing;

async function rigFor(context: TestContext, options: RigOptions = {}): Promise<Rig> {
  const rig = await startRig(options);
  context.after(() => rig.stop());
  return rig;
}

/** Follows the most that the server ever held, at every turn of the event loop. */
function watched({ server }: Rig) {
  let most = 0;
  const timer = setInterval(() => {
    most = Math.max(most, server.status().heldBytes);
  }, 0);
  return {
    most(): number {
      clearInterval(timer);
      return Math.max(most, server.status().heldBytes);
    },
  };
}

/** A store whose writes wait for `release`. */
function stalledStore(): { objects: ObjectStore; release: () => void } {
  const memory = createMemoryObjectStore();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const openWrite: ObjectStore["openWrite"] = async (objectKey, transferId) => {
    const writer = await memory.openWrite(objectKey, transferId);
    return { ...writer, write: (chunk) => released.then(() => writer.write(chunk)) };
  };
  return { objects: { ...memory, openWrite }, release };
}

async function storedFile(objects: ObjectStore, name: string, bytes: number): Promise<void> {
  const writer = await objects.openWrite(`tester/${name}`, "test");
  for (let written = 0; written < bytes; written += MiB) {
    await writer.write(Buffer.alloc(Math.min(MiB, bytes - written), written / MiB));
  }
  await writer.publish({});
}

function sendIgnore(client: Client, bytes: number): void {
  const { _packetRW, _cipher } = inside(client)._protocol;
  const { write } = _packetRW;
  const packet = write.alloc(1 + 4 + bytes);
  packet[write.allocStart] = 2;
  packet.writeUInt32BE(bytes, write.allocStart + 1);
  _cipher.encrypt(write.finalize(packet));
}

const codes = async (replies: readonly Promise<Reply>[]) =>
  new Set((await Promise.all(replies)).map((reply) => statusOf(reply).code));

describe("the memory that a client can take", () => {
  it("is bounded while the store stalls, and every byte arrives when it goes on", async (context) => {
    const { objects, release } = stalledStore();
    const rig = await rigFor(context, { changes: { objects } });
    const sftp = await rig.open();
    const handle = await sftp.openHandle("/flood", openFlag.write | openFlag.create);
    const chunk = Buffer.alloc(200_000, "flood");
    const count = 100;
    const held = watched(rig);
    const answers = Array.from({ length: count }, (_, index) => sftp.writeAt(handle, index * chunk.length, chunk));
    answers.push(sftp.close(handle));
    // More than the window: the server has taken some in and left the rest in the channel.
    await until(() => rig.server.status().heldBytes > unreadBytes && outgoing(sftp.channel).window === 0);
    const most = held.most();
    assert.ok(most <= boundBytes, `${most} bytes held`);
    release();
    assert.deepEqual(await codes(answers), new Set([statusCode.ok]));
    assert.equal((await objects.stat("tester/flood"))?.size, count * chunk.length);
  });

  it("is bounded while the client does not read, and every reply arrives when it does", async (context) => {
    const objects = createMemoryObjectStore();
    const rig = await rigFor(context, { changes: { objects } });
    await storedFile(objects, "large", 64 * MiB);
    const sftp = await rig.open();
    const handle = await sftp.openHandle("/large", openFlag.read);
    const held = watched(rig);
    sftp.channel.pause();
    const replies = Array.from({ length: 2048 }, (_, index) => sftp.readAt(handle, index * 32_768, 32_768));
    // The client's own window is what ends the sending; the rest waits in the server's bounded queue.
    await until(() => sftp.channel.readableLength >= 2 * MiB - limits.sftpPacketBytes);
    await until(() => rig.server.status().heldBytes >= limits.sftpPendingReplyBytes);
    const most = held.most();
    assert.ok(most <= boundBytes, `${most} bytes held`);
    sftp.channel.resume();
    let bytes = 0;
    for (const reply of replies) {
      const { type, body } = await reply;
      assert.equal(type, replyType.data);
      bytes += body.string().length;
    }
    assert.equal(bytes, 64 * MiB);
  });

  it("is bounded while the client does not even read its socket", async (context) => {
    const objects = createMemoryObjectStore();
    const sftpPendingReplyBytes = 256 * 1024;
    const rig = await rigFor(context, { changes: { objects }, limits: { sftpPendingReplyBytes } });
    await storedFile(objects, "large", 64 * MiB);
    const sftp = await rig.open();
    const handle = await sftp.openHandle("/large", openFlag.read);
    const held = watched(rig);
    grantEndlessWindow(sftp);
    const { _sock, _protocol } = inside(sftp.client);
    _sock.pause();
    const replies = Array.from({ length: 300 }, (_, index) => sftp.readAt(handle, (index % 250) * 261_120, 261_120));
    await until(() => rig.server.status().heldBytes >= sftpPendingReplyBytes);
    // Each asks for a reply of the transport's own.
    for (let index = 0; index < 150_000; index += 1) _protocol.ping();
    await settled(() => rig.server.status().heldBytes);
    const most = held.most();
    assert.ok(most <= sftpPendingReplyBytes + 3 * limits.sftpPacketBytes, `${most} bytes held`);
    inside(sftp.client)._sock.resume();
    for (const reply of replies) assert.equal((await reply).type, replyType.data);
  });

  it("does not grow with 100,000 files and folders that are opened and never closed", async (context) => {
    const objects = createMemoryObjectStore();
    const rig = await rigFor(context, { changes: { objects } });
    await storedFile(objects, "f", 1);
    const sftp = await rig.open();
    const open = async (count: number, request: () => Promise<Reply>) => {
      const replies = await Promise.all(Array.from({ length: count }, request));
      const handles = replies.filter(({ type }) => type === replyType.handle);
      const refusals = replies.filter(({ type }) => type === replyType.status).map((reply) => statusOf(reply).message);
      return { handles, refusals };
    };
    const files = await open(50_000, () => sftp.open("/f", openFlag.read));
    assert.equal(files.handles.length, limits.handlesPerSession);
    assert.match(files.refusals[0] ?? "", /files are open/);
    const folders = await open(50_000, () => sftp.onPath(packetType.opendir, "/"));
    assert.equal(folders.handles.length, limits.sftpOpenDirectories);
    assert.match(folders.refusals[0] ?? "", /folders are open/);
    for (const reply of [...files.handles, ...folders.handles]) await sftp.close(handleOf(reply));
    const again = await open(20, () => sftp.onPath(packetType.opendir, "/"));
    assert.equal(again.handles.length, 20);
  });

  it("gives every handle out once", async (context) => {
    const objects = createMemoryObjectStore();
    const rig = await rigFor(context, { changes: { objects } });
    const sftp = await rig.open();
    const last = { handle: "" };
    for (let batch = 0; batch < 400; batch += 1) {
      const opened = await Promise.all(Array.from({ length: 25 }, () => sftp.onPath(packetType.opendir, "/")));
      const handles = opened.map(handleOf);
      assert.ok(!handles.includes(last.handle), "a handle is never given out twice");
      last.handle = handles[0] ?? "";
      await Promise.all(handles.map((handle) => sftp.close(handle)));
    }
  });
});

describe("a client that does not keep to the rules of the transport", () => {
  it("is disconnected when it sends behind a closed window", async (context) => {
    const { objects, release } = stalledStore();
    const rig = await rigFor(context, { changes: { objects } });
    const sftp = await rig.open();
    const handle = await sftp.openHandle("/flood", openFlag.write | openFlag.create);
    const held = watched(rig);
    const closed = closedWith(sftp.client);
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    const request = encodeRequest(packetType.write, 9, (writer) =>
      writer.string(handle).uint64(0).string(Buffer.alloc(30_000)),
    );
    const { id } = outgoing(sftp.channel);
    while (!isClosed) {
      inside(sftp.client)._protocol.channelData(id, request);
      await new Promise(setImmediate);
    }
    const most = held.most();
    assert.ok(most <= boundBytes + limits.sftpUnreadInputBytes, `${most} bytes held`);
    release();
    await until(() => rig.eventTypes().includes("session.ended"));
    const ended = rig.services.accounting.events.find(({ type }) => type === "session.ended");
    assert.equal(ended?.data.cause, "protocol-error");
  });

  it("is disconnected when it hides large packets between small ones", async (context) => {
    const { objects, release } = stalledStore();
    const rig = await rigFor(context, { changes: { objects } });
    const sftp = await rig.open();
    const handle = await sftp.openHandle("/flood", openFlag.write | openFlag.create);
    const chunk = Buffer.alloc(200_000);
    for (let index = 0; index < 30; index += 1) void sftp.writeAt(handle, index * chunk.length, chunk);
    await until(() => outgoing(sftp.channel).window === 0);
    let isClosed = false;
    void closedWith(sftp.client).then(() => {
      isClosed = true;
    });
    let sent = 0;
    while (!isClosed) {
      sendIgnore(sftp.client, 30_000);
      sent += 30_000;
      if (sent % 300_000 === 0) await new Promise(setImmediate);
      assert.ok(sent < 200 * MiB, "the server takes everything");
    }
    release();
  });

  it("is disconnected when it wants packets of no bytes", async (context) => {
    const rig = await rigFor(context);
    for (const packetBytes of [0, 1, 1023]) {
      const client = await rig.connect();
      const { _protocol } = inside(client);
      const session = _protocol.session.bind(_protocol);
      _protocol.session = (channel, window) => session(channel, window, packetBytes);
      const closed = closedWith(client);
      RawSftp.openSilently(client).catch(() => {});
      await closed;
    }
  });

  it("is disconnected when it begins an exchange of keys and does not go on", async (context) => {
    const rig = await rigFor(context, { limits: { handshakeMs: 100, sftpLingerMs: 50 } });
    const sftp = await rig.open();
    const closed = closedWith(sftp.client);
    // The server's half of the exchange goes unanswered.
    inside(sftp.client)._protocol.rekey();
    inside(sftp.client)._sock.pause();
    await until(() => rig.eventTypes().includes("session.ended"));
    inside(sftp.client)._sock.resume();
    await closed;
  });

  it("gets no replies made that would wait for the end of an exchange of keys", async (context) => {
    const { objects, bytesRead } = countingStore();
    const rig = await rigFor(context, { changes: { objects }, limits: { handshakeMs: 300, sftpLingerMs: 50 } });
    await storedFile(objects, "large", 4 * MiB);
    const sftp = await rig.open();
    const handle = await sftp.openHandle("/large", openFlag.read);
    grantEndlessWindow(sftp);
    const { _sock, _protocol } = inside(sftp.client);
    for (let index = 0; index < 400; index += 1) void sftp.readAt(handle, 0, 261_120);
    // Reads and ignores everything from here on, so that the exchange that it asks for never ends.
    _sock.removeAllListeners("data");
    _sock.on("data", () => {});
    _protocol.rekey();
    await until(() => rig.eventTypes().includes("session.ended"));
    assert.ok(bytesRead() > 0 && bytesRead() <= boundBytes, `${bytesRead()} bytes read for replies`);
  });
});

function grantEndlessWindow({ client, channel }: RawSftp): void {
  inside(client)._protocol.channelWindowAdjust(outgoing(channel).id, 2 ** 31);
}

/** A store that counts what is read from it. */
function countingStore(): { objects: ObjectStore; bytesRead: () => number } {
  const memory = createMemoryObjectStore();
  let total = 0;
  const openRead: ObjectStore["openRead"] = async (objectKey) => {
    const reader = await memory.openRead(objectKey);
    return {
      ...reader,
      read: async (target, position) => {
        total += target.length;
        return reader.read(target, position);
      },
    };
  };
  return { objects: { ...memory, openRead }, bytesRead: () => total };
}
