import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { FileError } from "../../../core/errors.ts";
import { limits } from "../../../core/limits.ts";
import { FtpsClient } from "../../support/ftps-client.ts";
import { type FtpsTestServer, startFtps } from "../../support/ftps-server.ts";
import { memoryPasswordHasher } from "../../support/memory-ports.ts";

let ftps: FtpsTestServer;
before(async () => {
  ftps = await startFtps();
});
after(() => ftps.close());

async function underTls(): Promise<FtpsClient> {
  const client = await FtpsClient.connect(ftps.port);
  await client.expect("AUTH TLS", 234);
  await client.startTls();
  return client;
}

describe("a login", () => {
  it("is refused in clear, for the name already", async () => {
    const client = await FtpsClient.connect(ftps.port);
    await client.expect("USER tester", 530);
    await client.expect("PASS password", 530);
    await client.quit();
  });

  it("takes USER and PASS in this order", async () => {
    const client = await underTls();
    await client.expect("PASS password", 503);
    await client.expect("USER", 501);
    await client.expect("USER tester", 331);
    assert.equal(await client.expect("PASS password", 230), "tester is logged in.");
    await client.expect("USER tester", 503);
    await client.quit();
  });

  it("needs USER anew after every refusal, and tells nobody which names exist", async () => {
    const client = await underTls();
    for (const name of ["tester", "nobody", "../x"]) {
      await client.expect(`USER ${name}`, 331);
      assert.equal(await client.expect("PASS wrong", 530), "Login refused.");
      await client.expect("PASS password", 503);
    }
    await client.expect("USER tester", 331);
    await client.expect("PASS", 530);
    await client.quit();
  });

  it(`may fail ${limits.authenticationAttempts} times on one connection`, async () => {
    const client = await underTls();
    for (let attempt = 1; attempt <= limits.authenticationAttempts; attempt += 1) {
      await client.expect("USER tester", 331);
      await client.expect("PASS wrong", attempt < limits.authenticationAttempts ? 530 : 421);
    }
    await client.closed();
  });

  it("is put off with 421 when too many passwords wait to be checked", async () => {
    const verify = () => Promise.reject(new FileError("unavailable", "too many"));
    const busy = await startFtps({ changes: { passwords: { ...memoryPasswordHasher, verify } } });
    const client = await FtpsClient.connect(busy.port);
    await client.expect("AUTH TLS", 234);
    await client.startTls();
    await client.expect("USER tester", 331);
    await client.expect("PASS password", 421);
    await client.closed();
    await busy.close();
  });

  it("is forgotten by AUTH TLS", async () => {
    const plain = await startFtps({ listener: { plain: true } });
    const client = await FtpsClient.connect(plain.port);
    await client.expect("USER tester", 331);
    await client.expect("AUTH TLS", 234);
    await client.startTls();
    await client.expect("PASS password", 503);
    await client.quit();
    await plain.close();
  });
});

describe("the trail of a session", () => {
  it("starts with the first command and ends once, with its cause", async () => {
    const quiet = await startFtps();
    const probe = await FtpsClient.connect(quiet.port);
    probe.destroy();
    const client = await FtpsClient.loggedIn(quiet.port);
    await client.quit();
    const lost = await FtpsClient.loggedIn(quiet.port);
    lost.destroy();
    await quiet.untilRecorded("session.ended", 2);
    await quiet.close();
    assert.deepEqual(quiet.trail(), [
      "session.started",
      "authentication.succeeded",
      "session.ended",
      "session.started",
      "authentication.succeeded",
      "session.ended",
    ]);
    assert.deepEqual(
      quiet.events.filter(({ type }) => type === "session.ended").map(({ data }) => data.cause),
      ["user-request", "lost-carrier"],
    );
    for (const { protocol, peer } of quiet.events) assert.deepEqual([protocol, peer?.address], ["ftps", "127.0.0.1"]);
  });

  it("ends when the pipeline ends the session", async () => {
    const { port, registry, close } = await startFtps();
    const client = await FtpsClient.loggedIn(port);
    await registry.endAll("admin-reset");
    assert.match(await client.expectNext(421), /the server is stopping/);
    await client.closed();
    await close();
  });
});
