import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { freePorts } from "../support/free-ports.ts";
import { closeOf, FtpsClient } from "../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../support/ftps-server.ts";

const skip = process.platform !== "linux" && "only Linux has every address of 127.0.0.0/8";
const elsewhere = "127.0.0.2";

/**
 * The story: somebody on another host sees, or guesses, the port of a data connection and connects first, to read the
 * file that is about to be sent or to put his own in place of the one that is about to come.
 */
describe("a data connection from another host", { skip }, () => {
  let ftps: FtpsTestServer;
  let client: FtpsClient;
  before(async () => {
    ftps = await startFtps();
    client = await FtpsClient.loggedIn(ftps.port);
    await client.upload("STOR /secret.txt", "secret");
  });
  after(() => ftps.close());

  function connectFrom(localAddress: string, port: number): { socket: Socket; received: () => number } {
    const socket = connect({ host: "127.0.0.1", port, localAddress });
    socket.on("error", () => {});
    socket.resume();
    return { socket, received: () => socket.bytesRead };
  }

  it("is closed without a byte, before and after the transfer command, and the client's own is served", async () => {
    const port = await client.passive();
    const early = connectFrom(elsewhere, port);
    await closeOf(early.socket);
    client.send("RETR /secret.txt\r\n");
    await client.expectNext(150);
    const late = connectFrom(elsewhere, port);
    await closeOf(late.socket);
    assert.deepEqual([early.received(), late.received()], [0, 0]);
    const own = connect({ host: "127.0.0.1", port });
    const chunks: Buffer[] = [];
    for await (const chunk of client.secureData(own)) chunks.push(chunk as Buffer);
    assert.equal(Buffer.concat(chunks).toString(), "secret");
    await client.expectNext(226);
  });

  it("cannot upload in the client's place", async () => {
    const port = await client.passive();
    client.send("STOR /inbox.txt\r\n");
    await client.expectNext(150);
    const foreign = connectFrom(elsewhere, port);
    foreign.socket.write("forged");
    await closeOf(foreign.socket);
    const own = connect({ host: "127.0.0.1", port });
    const data = client.secureData(own);
    data.once("secureConnect", () => data.end("genuine"));
    data.resume();
    await client.expectNext(226);
    assert.equal((await ftps.stored("/inbox.txt"))?.toString(), "genuine");
  });

  it("on a port that two hosts wait on at the same time belongs to the host that it comes from", async () => {
    const shared = await startFtps({ passivePorts: await freePorts(1) });
    const near = await FtpsClient.loggedIn(shared.port);
    const distant = await FtpsClient.loggedIn(shared.port, { localAddress: elsewhere });
    const port = await near.passive();
    assert.equal(await distant.passive(), port);
    const [distantData, nearData] = [elsewhere, "127.0.0.1"].map((address) => connectFrom(address, port).socket);
    near.send("STOR /owner.txt\r\n");
    distant.send("STOR /other.txt\r\n");
    await Promise.all([near.expectNext(150), distant.expectNext(150)]);
    const say = async (client: FtpsClient, socket: Socket | undefined, text: string) => {
      assert.ok(socket);
      const data = client.secureData(socket);
      data.once("secureConnect", () => data.end(text));
      await client.expectNext(226);
    };
    await Promise.all([say(near, nearData, "near"), say(distant, distantData, "distant")]);
    assert.equal((await shared.stored("/owner.txt"))?.toString(), "near");
    assert.equal((await shared.stored("/other.txt"))?.toString(), "distant");
    await shared.close();
  });
});
