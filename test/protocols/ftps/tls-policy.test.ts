import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../../../adapters/node/tls-certificate.ts";
import type { SessionReuse, TlsMaterial } from "../../../protocols/ftps/tls-settings.ts";
import { FtpsClient } from "../../support/ftps-client.ts";
import { type FtpsTestOptions, startFtps, testTls } from "../../support/ftps-server.ts";

type Version = "TLSv1.2" | "TLSv1.3";

/** What an upload is answered whose data connection offers the control connection's session, or none. */
async function uploadReply(options: FtpsTestOptions, maxVersion: Version, offersSession: boolean) {
  const ftps = await startFtps(options);
  const client = await FtpsClient.loggedIn(ftps.port, { tls: { maxVersion } });
  const socket = await client.connectData();
  await client.expect("STOR a", 150);
  const data = client.secureData(socket, offersSession ? {} : { session: undefined });
  const handshake = once(data, "secureConnect").then(() => data.isSessionReused());
  data.end("content");
  const { code } = await client.reply();
  const isReused = await handshake;
  client.destroy();
  await ftps.close();
  return { code, isReused };
}

describe("the TLS session of a data connection", () => {
  const expected: Readonly<Record<SessionReuse, readonly [resumed: object, fresh: object]>> = {
    required: [
      { code: 226, isReused: true },
      { code: 522, isReused: false },
    ],
    preferred: [
      { code: 226, isReused: true },
      { code: 226, isReused: false },
    ],
    off: [
      { code: 226, isReused: false },
      { code: 226, isReused: false },
    ],
  };
  for (const sessionReuse of ["required", "preferred", "off"] as const) {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      it(`is as ${sessionReuse} says with ${version}`, async () => {
        const replies = [
          await uploadReply({ sessionReuse }, version, true),
          await uploadReply({ sessionReuse }, version, false),
        ];
        assert.deepEqual(replies, expected[sessionReuse]);
      });
    }
  }

  it("cannot be that of another client's control connection", async () => {
    const ftps = await startFtps({ sessionReuse: "required" });
    const other = await FtpsClient.loggedIn(ftps.port);
    const client = await FtpsClient.loggedIn(ftps.port);
    const socket = await client.connectData();
    await client.expect("STOR a", 150);
    client.secureData(socket, { session: other.tlsSession }).end("content");
    await client.expectNext(522);
    for (const each of [client, other]) each.destroy();
    await ftps.close();
  });
});

describe("PROT C", () => {
  it("is refused with 534 unless the listener allows clear data", async () => {
    const ftps = await startFtps();
    const client = await FtpsClient.loggedIn(ftps.port);
    await client.expect("PROT C", 534);
    assert.equal((await client.upload("STOR a", "content")).code, 226);
    await client.quit();
    await ftps.close();
  });

  it("makes data connections clear where it is allowed, until PROT P", async () => {
    const ftps = await startFtps({ listener: { allowClearData: true } });
    const client = await FtpsClient.loggedIn(ftps.port);
    await client.expect("PROT C", 200);
    const data = await client.connectData();
    await client.expect("STOR a", 150);
    data.end("content");
    await client.expectNext(226);
    await client.expect("PROT P", 200);
    assert.equal((await client.download("RETR a")).toString(), "content");
    await client.quit();
    await ftps.close();
  });
});

describe("a certificate that is renewed", () => {
  const renewed = selfSigned("renewed");

  it("is that of new connections, while the others go on with their own", async () => {
    let material = testTls;
    const ftps = await startFtps({ tls: () => material, sessionReuse: "required" });
    const before = await FtpsClient.loggedIn(ftps.port);
    material = renewed;
    const behind = await FtpsClient.loggedIn(ftps.port);
    assert.equal(await certificateOf(ftps.port), renewed.certificate);
    for (const client of [before, behind]) {
      assert.equal((await client.upload("STOR a", "content")).code, 226);
      await client.quit();
    }
    await ftps.close();
  });

  it("leaves the one before in force when it cannot be used, which the log tells once", async () => {
    let material: TlsMaterial = testTls;
    const ftps = await startFtps({ tls: () => material });
    material = { ...renewed, privateKey: testTls.privateKey };
    for (let connection = 0; connection < 3; connection += 1) {
      assert.equal(await certificateOf(ftps.port), testTls.certificate);
    }
    const told = () => ftps.services.runtime.logged.filter(({ message }) => message.includes("TLS certificates"));
    assert.equal(told().length, 1);
    material = renewed;
    assert.equal(await certificateOf(ftps.port), renewed.certificate);
    assert.equal(told().length, 1);
    await ftps.close();
  });
});

function selfSigned(host: string): TlsMaterial {
  const privateKey = createTlsPrivateKey();
  return { privateKey, certificate: createSelfSignedCertificate(privateKey, [host], Date.now() - 60_000) };
}

/** What a new client is shown, in PEM form. */
async function certificateOf(port: number): Promise<string> {
  const client = await FtpsClient.connect(port);
  await client.expect("AUTH TLS", 234);
  const tls = await client.startTls();
  const certificate = tls.getPeerX509Certificate()?.toString() ?? "";
  await client.quit();
  return certificate;
}
