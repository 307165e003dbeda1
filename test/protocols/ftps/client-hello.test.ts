import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { connect as connectTls } from "node:tls";
import { mayCancelBeforeEnd, peek } from "../../../protocols/ftps/client-hello.ts";

/** A ClientHello with extensions of these types, 4 bytes each. */
function helloWith(types: readonly number[]): Buffer {
  const extensions = Buffer.concat(types.map((type) => Buffer.from([type >> 8, type & 255, 0, 4, 1, 2, 3, 4])));
  const length = (value: number) => Buffer.from([value >> 8, value & 255]);
  const lists = [Buffer.from([32]), randomBytes(32), Buffer.from([0, 4, 0x13, 1, 0x13, 2, 1, 0])];
  const body = Buffer.concat([Buffer.from([3, 3]), randomBytes(32), ...lists, length(extensions.length), extensions]);
  const message = Buffer.concat([Buffer.from([1, 0]), length(body.length), body]);
  return Buffer.concat([Buffer.from([22, 3, 1]), length(message.length), message]);
}

/** An accepted connection to which a client writes what `speak` does. */
async function accepted(speak: (client: Socket) => void): Promise<{ socket: Socket; close: () => void }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const client = connect(address !== null && typeof address === "object" ? address.port : 0, "127.0.0.1");
  client.on("error", () => {});
  const [socket] = (await once(server, "connection")) as [Socket];
  speak(client);
  const close = () => {
    client.destroy();
    socket.destroy();
    server.close();
  };
  return { socket, close };
}

describe("a client's way to end TLS, by its ClientHello", () => {
  it("is that of Java where an extension says so", () => {
    assert.equal(mayCancelBeforeEnd(helloWith([0, 5, 10, 17, 43])), true);
    assert.equal(mayCancelBeforeEnd(helloWith([50])), true);
  });

  it("is the usual one of OpenSSL, whatever else it offers", async () => {
    assert.equal(mayCancelBeforeEnd(helloWith([])), false);
    assert.equal(mayCancelBeforeEnd(helloWith([0, 11, 10, 35, 22, 23, 13, 43, 45, 51, 21])), false);
    const { socket, close } = await accepted((client) => connectTls({ socket: client }).on("error", () => {}));
    assert.equal(mayCancelBeforeEnd(await peek(socket, 10_000)), false);
    close();
  });

  it("is not known where the ClientHello is cut short or is none", () => {
    const hello = helloWith([0, 5, 10]);
    for (let bytes = 0; bytes < hello.length; bytes += 1) {
      assert.equal(mayCancelBeforeEnd(hello.subarray(0, bytes)), true, `${bytes}`);
    }
    assert.equal(mayCancelBeforeEnd(Buffer.from("USER tester\r\n")), true);
    for (let round = 0; round < 1000; round += 1)
      mayCancelBeforeEnd(Buffer.concat([hello.subarray(0, round % 60), randomBytes(400)]));
  });
});

describe("the first bytes of a client", () => {
  it("are looked at and stay where they are", async () => {
    const { socket, close } = await accepted((client) => void client.write("first"));
    assert.equal(`${await peek(socket, 10_000)}`, "first");
    assert.equal(`${socket.read()}`, "first");
    close();
  });

  it("do not come from a client that leaves, nor from one that says nothing", async () => {
    const leaving = await accepted((client) => void client.destroy());
    await assert.rejects(peek(leaving.socket, 10_000), /ended/);
    leaving.close();
    const silent = await accepted(() => {});
    await assert.rejects(peek(silent.socket, 20), /ended/);
    assert.equal(silent.socket.destroyed, true);
    silent.close();
  });
});
