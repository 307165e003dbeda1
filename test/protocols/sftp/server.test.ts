import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import type { ClientChannel } from "ssh2";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import { openFlag } from "../../../protocols/sftp/file-requests.ts";
import { statusCode } from "../../../protocols/sftp/replies.ts";
import { packetType } from "../../../protocols/sftp/requests.ts";
import { createMemoryObjectStore } from "../../support/memory-object-store.ts";
import { encodeRequest, RawSftp, type Reply, statusOf } from "./raw-sftp.ts";
import { closedWith, type Rig, type RigOptions, settled, startRig, until } from "./rig.ts";

const code = async (reply: Promise<Reply>) => statusOf(await reply).code;

async function rigFor(context: TestContext, options: RigOptions = {}): Promise<Rig> {
  const rig = await startRig(options);
  context.after(() => rig.stop());
  return rig;
}

/** A TCP connection that says `greeting` and nothing more. */
async function tcp(rig: Rig, greeting = ""): Promise<Socket> {
  const socket = connect(rig.endpoint);
  socket.on("error", () => {});
  await once(socket, "connect");
  if (greeting !== "") socket.write(greeting);
  return socket;
}

const closed = (socket: Socket) => new Promise((resolve) => socket.resume().once("close", resolve));

async function sessionEnd({ services }: Rig): Promise<AccountingEvent> {
  const find = () => services.accounting.events.find(({ type }) => type === "session.ended");
  await until(() => find() !== undefined);
  return find() as AccountingEvent;
}

describe("a connection", () => {
  it("that only opens and closes leaves no trace", async (context) => {
    const rig = await rigFor(context);
    const socket = await tcp(rig);
    await until(() => rig.server.status().connections === 1);
    socket.end();
    await until(() => rig.server.status().connections === 0);
    assert.deepEqual(rig.eventTypes(), []);
    assert.deepEqual(rig.server.status(), { connections: 0, unauthenticated: 0, heldBytes: 0 });
  });

  it("that does not speak SSH is closed and leaves no trace", async (context) => {
    const rig = await rigFor(context);
    for (const greeting of ["GET / HTTP/1.1\r\n\r\n", "SSH-1.5-old\r\n", `${"x".repeat(9000)}\r\n`]) {
      await closed(await tcp(rig, greeting));
    }
    assert.deepEqual(rig.eventTypes(), []);
  });

  it("becomes a session, with address and version, when the client identifies itself", async (context) => {
    const rig = await rigFor(context);
    await rig.connect({ ident: "Test_1.0" });
    const [started, succeeded] = rig.services.accounting.events;
    assert.equal(started?.type, "session.started");
    assert.equal(started?.data.clientVersion, "SSH-2.0-Test_1.0");
    assert.deepEqual([started?.protocol, started?.peer?.address], ["sftp", "127.0.0.1"]);
    assert.equal(succeeded?.type, "authentication.succeeded");
    assert.equal(started?.session, succeeded?.session);
  });

  it("is closed when it does not exchange keys in time", async (context) => {
    const rig = await rigFor(context, { limits: { handshakeMs: 30 } });
    await closed(await tcp(rig));
    assert.deepEqual(rig.eventTypes(), []);
    await closed(await tcp(rig, "SSH-2.0-slow\r\n"));
    assert.equal((await sessionEnd(rig)).data.cause, "session-timeout");
  });

  it("is closed when it does not log in in time", async (context) => {
    const rig = await rigFor(context, { limits: { authenticationMs: 30 } });
    const client = rig.client();
    // Asks nothing after the exchange of keys.
    client.connect({ ...rig.endpoint, username: "tester", authHandler: () => {} });
    await once(client, "close");
    assert.equal((await sessionEnd(rig)).data.cause, "session-timeout");
  });

  it("is closed when it is idle, and what it has open is aborted", async (context) => {
    const rig = await rigFor(context, { limits: { idleMs: 50 } });
    const sftp = await rig.open();
    await sftp.openHandle("/unfinished", openFlag.write | openFlag.create);
    await once(sftp.client, "close");
    assert.equal((await sessionEnd(rig)).data.cause, "idle-timeout");
    assert.ok(rig.eventTypes().includes("transfer.aborted"));
    assert.equal(await rig.services.objects.stat("tester/unfinished"), undefined);
  });

  it("says why it ended: the client left, or was lost", async (context) => {
    for (const [leave, cause] of [
      ["end", "user-request"],
      ["destroy", "lost-carrier"],
    ] as const) {
      const rig = await rigFor(context);
      const { client } = await rig.open();
      client[leave]();
      assert.equal((await sessionEnd(rig)).data.cause, cause);
    }
  });

  it("that is lost while its last CLOSE is under way has delivered the file", async (context) => {
    const memory = createMemoryObjectStore();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const openWrite: typeof memory.openWrite = async (objectKey, transferId) => {
      const writer = await memory.openWrite(objectKey, transferId);
      return { ...writer, write: (chunk) => released.then(() => writer.write(chunk)) };
    };
    const rig = await rigFor(context, { changes: { objects: { ...memory, openWrite } } });
    const sftp = await rig.open();
    const handle = await sftp.openHandle("/delivered", openFlag.write | openFlag.create);
    void sftp.writeAt(handle, 0, Buffer.from("words"));
    // Waits for the WRITE, because both need the handle.
    void sftp.extended("fsync@openssh.com", (writer) => writer.string(handle));
    void sftp.close(handle);
    await sftp.onPath(packetType.realpath, ".");
    const closed = closedWith(sftp.client);
    sftp.client.destroy();
    await closed;
    await settled(() => rig.server.status().heldBytes);
    release();
    assert.equal((await sessionEnd(rig)).data.cause, "lost-carrier");
    assert.equal((await memory.stat("tester/delivered"))?.size, 5);
    assert.deepEqual(rig.eventTypes().slice(-2), ["transfer.completed", "session.ended"]);
  });

  it("ends when the pipeline disconnects the session", async (context) => {
    const rig = await rigFor(context);
    const client = await rig.connect();
    await Promise.all([once(client, "close"), rig.registry.endAll("admin-reset")]);
    assert.equal((await sessionEnd(rig)).data.cause, "admin-reset");
  });
});

describe("the number of connections", () => {
  it("before login is bounded, per address and in all", async (context) => {
    for (const limits of [{ unauthenticatedConnections: 3 }, { unauthenticatedConnectionsPerAddress: 3 }]) {
      const rig = await rigFor(context, { limits });
      const waiting = await Promise.all([tcp(rig), tcp(rig), tcp(rig)]);
      await until(() => rig.server.status().unauthenticated === 3);
      // Whoever has waited longest makes room, so that silent connections keep nobody out.
      const [oldest] = waiting;
      await Promise.all([tcp(rig), oldest && closed(oldest)]);
      assert.equal(rig.server.status().unauthenticated, 3);
      waiting[1]?.destroy();
      await until(() => rig.server.status().unauthenticated === 2);
      // Who has logged in does not count any more.
      await rig.connect();
      await rig.connect();
      assert.deepEqual(rig.eventTypes().filter((type) => type === "authentication.succeeded").length, 2);
    }
  });

  it("is bounded in all", async (context) => {
    const rig = await rigFor(context, { limits: { connections: 2 } });
    await Promise.all([rig.connect(), rig.connect()]);
    await closed(await tcp(rig));
    assert.equal(rig.server.status().connections, 2);
  });
});

describe("a channel", () => {
  it("closes with exit status 0 when the client has no more to ask", async (context) => {
    const sftp = await (await rigFor(context)).open();
    const ended = sftp.closed();
    sftp.channel.end();
    assert.equal(await ended, 0);
  });

  it("carries out what was asked before its end", async (context) => {
    const rig = await rigFor(context);
    const sftp = await rig.open();
    const handle = await sftp.openHandle("/last", openFlag.write | openFlag.create);
    const answers = [sftp.writeAt(handle, 0, Buffer.from("words")), sftp.close(handle)];
    sftp.channel.end();
    for (const answer of answers) assert.equal(await code(answer), statusCode.ok);
    assert.equal((await rig.services.objects.stat("tester/last"))?.size, 5);
  });

  it("aborts what was not closed", async (context) => {
    const rig = await rigFor(context);
    const sftp = await rig.open();
    const handle = await sftp.openHandle("/unfinished", openFlag.write | openFlag.create);
    await sftp.writeAt(handle, 0, Buffer.from("half"));
    const ended = sftp.closed();
    sftp.channel.end();
    await ended;
    assert.equal(await rig.services.objects.stat("tester/unfinished"), undefined);
    const aborted = rig.services.accounting.events.find(({ type }) => type === "transfer.aborted");
    assert.match(String(aborted?.data.reason), /before the file was closed/);
  });

  it("is one of several on a connection, up to a limit", async (context) => {
    const rig = await rigFor(context, { limits: { sftpChannelsPerConnection: 3 } });
    const first = await rig.open();
    const others = [await RawSftp.open(first.client), await RawSftp.open(first.client)];
    await assert.rejects(RawSftp.open(first.client));
    for (const sftp of [first, ...others]) assert.equal((await sftp.onPath(packetType.stat, "/")).type, 105);
    const ended = first.closed();
    first.channel.end();
    await ended;
    await RawSftp.open(first.client);
  });

  it("does nothing but sftp, and says so", async (context) => {
    const rig = await rigFor(context);
    const client = await rig.connect();
    for (const start of ["shell", "exec"] as const) {
      const [text, exitStatus] = await new Promise<[string, number]>((resolve, reject) => {
        const opened = (error: Error | undefined, channel: ClientChannel) => {
          if (error) return reject(error);
          let said = "";
          let status = -1;
          channel.stderr.on("data", (chunk: Buffer) => (said += chunk));
          channel.on("exit", (code: number) => (status = code));
          return channel.on("close", () => resolve([said, status])).resume();
        };
        if (start === "shell") client.shell(false, opened);
        else client.exec("ls", opened);
      });
      assert.deepEqual([text, exitStatus], ["this service allows sftp connections only.\r\n", 1]);
    }
    await assert.rejects(new Promise((_, reject) => client.subsys("netconf", reject)));
    await assert.rejects(new Promise((_, reject) => client.forwardOut("127.0.0.1", 1, "127.0.0.1", 22, reject)));
    await assert.rejects(new Promise((_, reject) => client.forwardIn("127.0.0.1", 0, reject)));
  });

  it("that breaks the protocol is closed with exit status 1, and others go on", async (context) => {
    const rig = await rigFor(context);
    const healthy = await rig.open();
    for (const bytes of [
      Buffer.from([0, 0, 0, 0]),
      Buffer.from([255, 255, 255, 255]),
      Buffer.from([0, 0, 0, 1, packetType.stat]),
      encodeRequest(packetType.stat, 1, (writer) => writer.string("/")),
    ]) {
      // The last one is a fault only where INIT has not come first.
      const isBeforeInit = bytes.length > 5;
      const sftp = await (isBeforeInit ? RawSftp.openSilently : RawSftp.open)(healthy.client);
      const ended = sftp.closed();
      sftp.write(bytes);
      assert.equal(await ended, 1);
    }
    assert.equal((await healthy.onPath(packetType.stat, "/")).type, 105);
  });
});

describe("keys", () => {
  it("are exchanged again after so many bytes, and nothing is lost", async (context) => {
    const objects = createMemoryObjectStore();
    const rig = await rigFor(context, { changes: { objects }, limits: { rekeyBytes: 2_000_000, sftpCheckMs: 1 } });
    const sftp = await rig.open();
    let exchanges = 0;
    sftp.client.on("handshake", () => (exchanges += 1));
    const handle = await sftp.openHandle("/large", openFlag.write | openFlag.create);
    const chunk = Buffer.alloc(200_000, "abc");
    const answers: Promise<number>[] = [];
    for (let index = 0; exchanges < 3; index += 1) {
      answers.push(code(sftp.writeAt(handle, index * chunk.length, chunk)));
      if (index % 4 === 3) await answers.at(-1);
    }
    assert.ok((await Promise.all(answers)).every((status) => status === statusCode.ok));
    assert.equal(await code(sftp.close(handle)), statusCode.ok);
    assert.equal((await objects.stat("tester/large"))?.size, answers.length * chunk.length);
  });

  it("are exchanged again after some time", async (context) => {
    const rig = await rigFor(context, { limits: { rekeyMs: 30 } });
    const client = await rig.connect();
    await once(client, "handshake");
    await once(client, "handshake");
  });
});

describe("a server that stops", () => {
  it("lets an upload finish and takes no new connection", async (context) => {
    const rig = await rigFor(context, { limits: { drainQuietMs: 20 } });
    const sftp = await rig.open();
    const handle = await sftp.openHandle("/last", openFlag.write | openFlag.create);
    const drained = rig.server.drain();
    const refused = connect(rig.endpoint);
    await assert.rejects(once(refused, "connect"));
    assert.equal(await code(sftp.writeAt(handle, 0, Buffer.from("done"))), statusCode.ok);
    assert.equal(await code(sftp.close(handle)), statusCode.ok);
    await drained;
    assert.equal((await rig.services.objects.stat("tester/last"))?.size, 4);
    assert.equal((await sessionEnd(rig)).data.cause, "admin-reboot");
  });

  it("does not wait for ever", async (context) => {
    const rig = await rigFor(context, { limits: { drainMs: 50 } });
    const sftp = await rig.open();
    await sftp.openHandle("/unfinished", openFlag.write | openFlag.create);
    await rig.server.drain();
    assert.equal((await sessionEnd(rig)).data.cause, "admin-reboot");
    assert.equal(rig.eventTypes().at(-1), "session.ended");
  });

  it("ends at once where nobody has anything open", async (context) => {
    const rig = await rigFor(context, { limits: { drainQuietMs: 0 } });
    await Promise.all([rig.connect(), rig.open(), tcp(rig)]);
    await rig.server.drain();
    assert.equal(rig.server.status().connections, 0);
  });

  it("gives up a client that does not go", async (context) => {
    const rig = await rigFor(context, { limits: { sftpLingerMs: 30 } });
    const socket = await tcp(rig, "SSH-2.0-stays\r\n");
    await until(() => rig.eventTypes().length === 1);
    socket.pause();
    await rig.server.close();
    assert.equal((await sessionEnd(rig)).data.cause, "admin-reboot");
  });
});
