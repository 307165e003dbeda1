import assert from "node:assert/strict";
import { constants } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import type { ConnectionOptions } from "node:tls";
import { freePorts } from "../support/free-ports.ts";
import { closeOf, FtpsClient } from "../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../support/ftps-server.ts";
import { testAccount } from "../support/memory-ports.ts";

const skip = process.platform !== "linux" && "only Linux has every address of 127.0.0.0/8";

/**
 * The story: a thief behind the same address as the client (one NAT, one jump host), perhaps with an account of his
 * own, connects to the client's passive port first. Where TLS sessions must be resumed he gets nothing: the ticket
 * that would let him in is one that only the client's control connection was given.
 */
describe("the theft of a passive port from the same address", () => {
  let ftps: FtpsTestServer;
  before(async () => {
    const accounts = [testAccount(), testAccount({ name: "thief", home: "thief" })];
    ftps = await startFtps({ accounts, sessionReuse: "required" });
  });
  after(() => ftps.close());

  /** Connects to the port that the client was told, and answers every byte that came. */
  async function steal(port: number, thief: FtpsClient, say: string): Promise<string> {
    const socket = connect({ host: "127.0.0.1", port });
    await once(socket, "connect");
    const data = thief.secureData(socket);
    const chunks: Buffer[] = [];
    data.on("data", (chunk: Buffer) => chunks.push(chunk));
    data.once("secureConnect", () => data.end(say));
    await closeOf(data);
    return Buffer.concat(chunks).toString();
  }

  const versions: Readonly<Record<string, ConnectionOptions>> = {
    "TLS 1.2": { maxVersion: "TLSv1.2" },
    "TLS 1.2 without tickets": { maxVersion: "TLSv1.2", secureOptions: constants.SSL_OP_NO_TICKET },
    "TLS 1.3": { minVersion: "TLSv1.3" },
  };
  for (const [version, tls] of Object.entries(versions)) {
    it(`yields nothing of a download over ${version}, and the client is told`, async () => {
      const client = await FtpsClient.loggedIn(ftps.port, { tls });
      const thief = await FtpsClient.loggedIn(ftps.port, { tls }, "thief");
      await client.upload("STOR /secret.txt", "secret");
      const port = await client.passive();
      client.send("RETR /secret.txt\r\n");
      await client.expectNext(150);
      assert.equal(await steal(port, thief, ""), "");
      await client.expectNext(522);
      assert.equal((await client.download("RETR /secret.txt")).toString(), "secret");
      await Promise.all([client.quit(), thief.quit()]);
    });

    it(`puts nothing in place of an upload over ${version}`, async () => {
      const client = await FtpsClient.loggedIn(ftps.port, { tls });
      const thief = await FtpsClient.loggedIn(ftps.port, { tls }, "thief");
      const path = `/report over ${version}.txt`;
      const port = await client.passive();
      client.send(`STOR ${path}\r\n`);
      await client.expectNext(150);
      await steal(port, thief, "forged");
      await client.expectNext(522);
      assert.equal(await ftps.stored(path), undefined);
      await client.upload(`STOR ${path}`, "genuine");
      await Promise.all([client.quit(), thief.quit()]);
    });
  }

  it("that takes every port of the range keeps nobody out", { skip }, async () => {
    const small = await startFtps({ passivePorts: await freePorts(4) });
    const client = await FtpsClient.loggedIn(small.port);
    const hoarders = await Promise.all(Array.from({ length: 4 }, () => FtpsClient.loggedIn(small.port)));
    for (const hoarder of hoarders) await hoarder.passive();
    await client.expect("EPSV", 425);
    // One port a session: asking again gives the first back.
    for (const hoarder of hoarders.slice(1)) await hoarder.passive();
    const distant = await FtpsClient.loggedIn(small.port, { localAddress: "127.0.0.2" });
    await distant.upload("STOR /distant.txt", "served");
    hoarders[0]?.destroy();
    await small.untilRecorded("session.ended");
    await client.upload("STOR /near.txt", "served");
    await small.close();
  });
});
