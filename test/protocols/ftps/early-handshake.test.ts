import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type { UploadPath } from "../../../protocols/ftps/data-connection.ts";
import { closeOf, FtpsClient } from "../../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../../support/ftps-server.ts";

const versions = ["TLSv1.2", "TLSv1.3"] as const;
const content = randomBytes(3_000_000);

/** A data connection whose handshake has ended before any command uses it. */
async function secured(client: FtpsClient, tls: ConnectionOptions = {}): Promise<TLSSocket> {
  const data = client.secureData(await client.connectData(), tls);
  await once(data, "secureConnect");
  return data;
}

async function contentOf(data: TLSSocket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of data) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

for (const uploadPath of ["direct", "copying"] as const) {
  for (const version of versions) {
    describe(`a handshake before the command, ${version}, ${uploadPath}`, () => handshakeTests(uploadPath, version));
  }
}

function handshakeTests(uploadPath: UploadPath, version: (typeof versions)[number]): void {
  let ftps: FtpsTestServer;
  let client: FtpsClient;
  before(async () => {
    ftps = await startFtps({ uploadPath, sessionReuse: "required", limits: { ftpsLingerMs: 100 } });
    client = await FtpsClient.loggedIn(ftps.port, { tls: { minVersion: version, maxVersion: version } });
  });
  after(async () => {
    await client.quit();
    await ftps.close();
  });

  for (const sent of [content, Buffer.alloc(0)]) {
    it(`carries ${sent.length} bytes up and down`, async () => {
      const up = await secured(client);
      await client.expect("STOR /early.bin", 150);
      up.end(sent);
      up.resume();
      await client.expectNext(226);
      assert.ok(sent.equals((await ftps.stored("/early.bin")) ?? Buffer.alloc(1)));
      const down = await secured(client);
      assert.ok(down.isSessionReused());
      client.send("RETR /early.bin\r\n");
      assert.ok(sent.equals(await contentOf(down)));
      await client.expectNext(150);
      await client.expectNext(226);
    });
  }

  it("carries a listing", async () => {
    const data = await secured(client);
    client.send("NLST /\r\n");
    assert.equal((await contentOf(data)).toString(), "/early.bin\r\n");
    await client.expectNext(150);
    await client.expectNext(226);
  });

  it("carries an upload that has ended before the command is sent", async () => {
    for (const sent of [content.subarray(0, 20_000), Buffer.alloc(0)]) {
      const data = await secured(client);
      await new Promise<void>((resolve) => data.resume().end(sent, resolve));
      // Twice there and back: what the data connection carried is there by then.
      await client.expect("NOOP", 200);
      await client.expect("NOOP", 200);
      await client.expect("STOR /ahead.bin", 150);
      await client.expectNext(226);
      assert.ok(sent.equals((await ftps.stored("/ahead.bin")) ?? Buffer.alloc(1)));
      await client.expect("DELE /ahead.bin", 250);
    }
  });

  for (const how of ["the end", "a reset"]) {
    for (const when of ["before", "behind"]) {
      it(`does not make an upload whole that ${how} of the connection cuts off ${when} the command`, async () => {
        const raw = await client.connectData();
        const data = client.secureData(raw);
        await once(data, "secureConnect");
        if (when === "behind") await client.expect("STOR /cut.bin", 150);
        await new Promise((resolve) => data.write("half", resolve));
        if (how === "the end") raw.end();
        else raw.resetAndDestroy();
        if (when === "before") {
          await client.expect("NOOP", 200);
          await client.expect("STOR /cut.bin", 150);
        }
        await client.expectNext(426);
        assert.equal(await ftps.stored("/cut.bin"), undefined);
        raw.destroy();
      });
    }
  }

  it("is bounded in what is read ahead of the command", async () => {
    const data = await secured(client);
    const sent = new Promise((resolve) => data.end(Buffer.alloc(50_000_000), () => resolve("all of it")));
    for (let round = 0; round < 50; round += 1) await client.expect("NOOP", 200);
    assert.equal(await Promise.race([sent, turn("a part")]), "a part");
    await client.expect("STOR /ahead.bin", 150);
    data.resume();
    await client.expectNext(226);
    await client.expect("SIZE /ahead.bin", 213);
  });

  it("is not held against a client that is refused: it hears why, and closes", async () => {
    const data = await secured(client);
    await client.expect("STOR /missing/x", 550);
    assert.equal(data.destroyed, false);
    data.end();
    await closeOf(data.resume());
    assert.equal((await client.upload("STOR /next.bin", "next")).code, 226);
  });

  it("is broken off by the next EPSV and by ABOR", async () => {
    const first = await secured(client);
    const second = await secured(client);
    await closeOf(first.resume());
    await client.expect("ABOR", 226);
    await closeOf(second.resume());
    await client.expect("STOR /next.bin", 425);
  });

  it("without the session of the control connection is refused with 522, and broken after that", async () => {
    const data = await secured(client, { session: undefined });
    await client.expect("STOR /foreign.bin", 150);
    data.write("foreign");
    await client.expectNext(522);
    await closeOf(data.resume());
    assert.equal(await ftps.stored("/foreign.bin"), undefined);
  });
}

describe("a data connection before its command", () => {
  it("that begins a handshake and does not go on is closed in time", async () => {
    const ftps = await startFtps({ limits: { handshakeMs: 50 } });
    const client = await FtpsClient.loggedIn(ftps.port);
    const raw = await client.connectData();
    // The header of a ClientHello.
    raw.resume().write(Buffer.from([22, 3, 1, 2, 0, 1]));
    await closeOf(raw);
    await client.expect("RETR /", 550);
    await client.quit();
    await ftps.close();
  });

  it("that is no TLS is closed, and the command is answered 425", async () => {
    const ftps = await startFtps();
    const client = await FtpsClient.loggedIn(ftps.port);
    const raw = await client.connectData();
    raw.resume().write("this is no TLS at all\r\n");
    await closeOf(raw);
    await client.expect("STOR /clear.bin", 150);
    await client.expectNext(425);
    await client.quit();
    await ftps.close();
  });

  it("that ends at once is answered 425", async () => {
    const ftps = await startFtps();
    const client = await FtpsClient.loggedIn(ftps.port);
    const raw = await client.connectData();
    raw.resume().end();
    await closeOf(raw);
    await client.expect("STOR /nothing.bin", 150);
    await client.expectNext(425);
    await client.quit();
    await ftps.close();
  });

  it("is given no TLS where it comes from another address", {
    skip: process.platform !== "linux" && "only Linux has every address of 127.0.0.0/8",
  }, async () => {
    const ftps = await startFtps();
    const client = await FtpsClient.loggedIn(ftps.port);
    const port = await client.passive();
    const foreign = connect({ host: "127.0.0.1", port, localAddress: "127.0.0.2" });
    await closeOf(client.secureData(foreign));
    assert.equal(foreign.bytesRead, 0);
    const own = client.secureData(connect({ host: "127.0.0.1", port }));
    await once(own, "secureConnect");
    client.send("STOR /own.bin\r\n");
    own.resume().end("own");
    await client.expectNext(150);
    await client.expectNext(226);
    await client.quit();
    await ftps.close();
  });

  it("has the protection of the command, whichever it had before", async () => {
    const ftps = await startFtps({ listener: { allowClearData: true } });
    const client = await FtpsClient.loggedIn(ftps.port);
    const clear = await client.connectData();
    await client.expect("PROT C", 200);
    await client.expect("STOR /clear.txt", 150);
    clear.end("clear");
    await client.expectNext(226);
    const early = await client.connectData();
    early.write("sent ahead");
    await client.expect("PROT P", 200);
    await client.expect("PROT C", 200);
    await client.expect("STOR /ahead.txt", 150);
    early.end();
    await client.expectNext(226);
    assert.equal((await ftps.stored("/ahead.txt"))?.toString(), "sent ahead");
    const late = await client.connectData();
    await client.expect("PROT P", 200);
    await client.expect("STOR /secured.txt", 150);
    client.secureData(late).end("secured");
    await client.expectNext(226);
    await secured(client);
    await client.expect("PROT C", 200);
    await client.expect("STOR /neither.txt", 150);
    await client.expectNext(425);
    assert.equal(await ftps.stored("/neither.txt"), undefined);
    await client.quit();
    await ftps.close();
  });
});
