import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { FtpsClient } from "../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../support/ftps-server.ts";

/**
 * The story: somebody on the way between client and server puts commands of his own behind the client's AUTH TLS,
 * which still travels in clear, so that the server acts on them as if they had come under TLS.
 */
describe("commands behind AUTH TLS in clear", () => {
  let ftps: FtpsTestServer;
  before(async () => {
    ftps = await startFtps();
    const client = await FtpsClient.loggedIn(ftps.port);
    await client.upload("STOR /precious.txt", "precious");
    await client.quit();
  });
  after(() => ftps.close());

  const injections = {
    "a whole command": "NOOP\r\n",
    "a login": "USER mallory\r\nPASS guess\r\n",
    "the beginning of a command": "DELE /precious.txt",
    "a command and its end later": "NOOP\r\nDELE /prec",
    "a second AUTH TLS": "AUTH TLS\r\n",
    "so much that the server stops reading": "NOOP\r\n".repeat(200_000),
  };
  for (const [title, injected] of Object.entries(injections)) {
    it(`are forgotten: ${title}`, async () => {
      const client = await FtpsClient.connect(ftps.port);
      client.send(`AUTH TLS\r\n${injected}`);
      await client.expectNext(234);
      if (injected.length > 1_000_000) {
        // What did not fit in front of the handshake is no handshake.
        await assert.rejects(client.startTls());
        return;
      }
      await client.startTls();
      // Each command of the client gets its own reply: none is there for the others.
      await client.expect("PWD", 530);
      await client.expect("USER tester", 331);
      await client.expect("PASS password", 230);
      await client.expect("PWD", 257);
      await client.quit();
    });
  }

  it("did nothing", async () => {
    assert.equal((await ftps.stored("/precious.txt"))?.toString(), "precious");
    const logins = ftps.events.filter(({ type }) => type === "authentication.failed");
    assert.deepEqual(logins, []);
  });

  it("in a packet of their own are no TLS handshake, and end the connection", async () => {
    const client = await FtpsClient.connect(ftps.port);
    await client.expect("AUTH TLS", 234);
    client.send("USER mallory\r\nPASS guess\r\n");
    await client.closed();
    assert.ok(!ftps.trail().includes("authentication.failed"));
  });

  it("cannot bring a name in front of the login, either", async () => {
    const client = await FtpsClient.connect(ftps.port);
    await client.expect("USER mallory", 530);
    await client.expect("AUTH TLS", 234);
    await client.startTls();
    await client.expect("PASS password", 503);
    await client.quit();
  });
});
