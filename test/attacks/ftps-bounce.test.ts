import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { after, before, describe, it } from "node:test";
import { FtpsClient } from "../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../support/ftps-server.ts";

/**
 * The story: a client names the address of a third party as the place of its data connection, so that the server
 * scans that party's ports, or sends it a file that is a command of another protocol (RFC 2577 §2).
 */
describe("an FTP bounce", () => {
  let ftps: FtpsTestServer;
  let client: FtpsClient;
  let victim: Server;
  let port: number;
  let visits = 0;
  before(async () => {
    ftps = await startFtps();
    client = await FtpsClient.loggedIn(ftps.port);
    await client.upload("STOR /mail.txt", "HELO victim\r\n");
    victim = createServer((socket) => {
      visits += 1;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(victim, "listening");
    port = (victim.address() as AddressInfo).port;
  });
  after(async () => {
    await ftps.close();
    victim.close();
  });

  it("is refused, whoever is named, and no connection is made", async () => {
    const [high, low] = [port >> 8, port & 0xff];
    const lines = [
      `PORT 127,0,0,1,${high},${low}`,
      `EPRT |1|127.0.0.1|${port}|`,
      `EPRT |2|::1|${port}|`,
      `LPRT 4,4,127,0,0,1,2,${high},${low}`,
      "PORT",
      "PORT 1,2,3",
      "EPRT ||||",
    ];
    for (const line of lines) {
      await client.expect(line, 502);
      await client.expect("RETR /mail.txt", 425);
      await client.expect("LIST", 425);
    }
    assert.equal(visits, 0);
    assert.equal((await client.download("RETR /mail.txt")).toString(), "HELO victim\r\n");
  });

  it("is refused to strangers as well", async () => {
    const stranger = await FtpsClient.connect(ftps.port);
    await stranger.expect(`PORT 127,0,0,1,${port >> 8},${port & 0xff}`, 530);
    await stranger.quit();
    assert.equal(visits, 0);
  });
});
