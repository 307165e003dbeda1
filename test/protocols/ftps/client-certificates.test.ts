import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { limits } from "../../../core/limits.ts";
import type { ClientCertificateSettings } from "../../../protocols/ftps/tls-settings.ts";
import { createTestAuthority, type TestCertificate } from "../../support/certificates.ts";
import { FtpsClient } from "../../support/ftps-client.ts";
import { type FtpsTestOptions, type FtpsTestServer, startFtps, testTls } from "../../support/ftps-server.ts";
import { testAccount } from "../../support/memory-ports.ts";

const authority = createTestAuthority();
const stranger = createTestAuthority("Other Authority");
const intermediate = authority.authorize("Intermediate");

const accounts = [
  testAccount(),
  testAccount({ name: "certified", passwordHash: undefined }),
  testAccount({ name: "disabled", enabled: false }),
  testAccount({ name: "expired", expiresAtMs: 0 }),
  testAccount({ name: "elsewhere", sources: ["203.0.113.0/24"] }),
];

function start(changes: Partial<ClientCertificateSettings> = {}, options: FtpsTestOptions = {}) {
  const clientCertificates = {
    authorities: authority.certificate,
    revocationLists: [],
    required: false,
    ...changes,
  };
  return startFtps({ accounts, tls: () => ({ ...testTls, clientCertificates }), ...options });
}

/** Under TLS, with this certificate and its chain. */
async function connect(port: number, own?: TestCertificate, chain = ""): Promise<FtpsClient> {
  const tls = own && { cert: own.certificate + chain, key: own.privateKey };
  const client = await FtpsClient.connect(port, tls ? { tls } : {});
  await client.expect("AUTH TLS", 234);
  await client.startTls();
  return client;
}

describe("a client certificate", () => {
  let ftps: FtpsTestServer;
  before(async () => {
    ftps = await start();
  });
  after(() => ftps.close());

  it("logs in the account that its common name names, by USER alone", async () => {
    const client = await connect(ftps.port, authority.issue("certified"));
    assert.equal(await client.expect("USER certified", 232), "certified is logged in by certificate.");
    await client.expect("PASS password", 503);
    await client.expect("PBSZ 0", 200);
    await client.expect("PROT P", 200);
    assert.equal((await client.upload("STOR a", "content")).code, 226);
    await client.quit();
    const { account, data } = ftps.events.findLast(({ type }) => type === "authentication.succeeded") ?? {};
    assert.equal(account?.name, "certified");
    assert.equal(data?.method, "client-certificate");
  });

  it("counts on an implicit listener and below an intermediate authority too", async () => {
    const implicit = await start({}, { listener: { implicit: true } });
    const own = intermediate.issue("certified");
    const tls = { cert: own.certificate + intermediate.certificate, key: own.privateKey };
    const client = await FtpsClient.connect(implicit.port, { implicit: true, tls });
    await client.expect("USER certified", 232);
    await client.quit();
    await implicit.close();
  });

  it("asks for a password where it names another account", async () => {
    const client = await connect(ftps.port, authority.issue("certified"));
    assert.equal(await client.expect("USER tester", 331), "Send the password.");
    await client.expect("PASS password", 230);
    await client.quit();
  });

  it("is not needed", async () => {
    const client = await connect(ftps.port);
    assert.equal(await client.expect("USER tester", 331), "Send the password.");
    await client.expect("PASS password", 230);
    await client.quit();
  });

  it("does not count in other letters, or with more names than one", async () => {
    for (const name of ["TESTER", "tester ", "tester\0", ""]) {
      const client = await connect(ftps.port, authority.issue(name));
      await client.expect("USER tester", 331);
      client.destroy();
    }
    const client = await connect(ftps.port, authority.issue(["tester", "certified"]));
    assert.match(await client.expect("USER tester", 331), /not accepted \(it names no owner\)/);
    client.destroy();
  });

  it("opens no account that is disabled, expired or only for other addresses", async () => {
    for (const name of ["disabled", "expired", "elsewhere", "nobody"]) {
      const client = await connect(ftps.port, authority.issue(name));
      assert.equal(await client.expect(`USER ${name}`, 530), "Login refused.");
      await client.expect("PASS password", 503);
      await client.quit();
    }
    const reasons = ftps.events.filter(({ type }) => type === "authentication.failed").map(({ data }) => data.reason);
    assert.deepEqual(reasons, ["account-disabled", "account-expired", "source-refused", "unknown-account"]);
  });

  it(`may be refused ${limits.authenticationAttempts} times on one connection`, async () => {
    const client = await connect(ftps.port, authority.issue("disabled"));
    for (let attempt = 1; attempt < limits.authenticationAttempts; attempt += 1) {
      await client.expect("USER disabled", 530);
    }
    await client.expect("USER disabled", 421);
    await client.closed();
  });
});

describe("a certificate that no authority vouches for at this moment", () => {
  const lost = authority.issue("tester");
  const ofIntermediate = intermediate.issue("tester");
  const ownList = authority.revocationList([lost]);
  const cases: readonly {
    readonly what: string;
    readonly own: TestCertificate;
    readonly revocationLists: readonly string[];
    readonly reason: RegExp;
    readonly chain?: string;
  }[] = [
    { what: "expired", own: authority.issue("tester", 0.5), revocationLists: [], reason: /CERT_HAS_EXPIRED/ },
    { what: "of another authority", own: stranger.issue("tester"), revocationLists: [], reason: /UNABLE_TO_/ },
    { what: "self-signed", own: createTestAuthority("tester"), revocationLists: [], reason: /DEPTH_ZERO_SELF_SIGNED/ },
    { what: "revoked", own: lost, revocationLists: [ownList], reason: /CERT_REVOKED/ },
    {
      what: "revoked by the second list",
      own: lost,
      revocationLists: [stranger.revocationList([]), ownList],
      reason: /CERT_REVOKED/,
    },
    {
      what: "covered by a list that is out of date",
      own: authority.issue("tester"),
      revocationLists: [authority.revocationList([], 0.25)],
      reason: /CRL_HAS_EXPIRED/,
    },
    {
      what: "covered by no list, where there are some",
      own: authority.issue("tester"),
      revocationLists: [stranger.revocationList([])],
      reason: /UNABLE_TO_GET_CRL/,
    },
    {
      what: "issued by an intermediate authority that is revoked",
      own: ofIntermediate,
      chain: intermediate.certificate,
      revocationLists: [authority.revocationList([intermediate]), intermediate.revocationList([])],
      reason: /CERT_REVOKED/,
    },
    {
      what: "of an authority that only has the same name",
      own: createTestAuthority().issue("tester"),
      revocationLists: [],
      reason: /CERT_SIGNATURE_FAILURE/,
    },
  ];
  for (const { what, own, revocationLists, reason, chain } of cases) {
    it(`is no login when it is ${what}`, async () => {
      const ftps = await start({ revocationLists });
      const client = await connect(ftps.port, own, chain);
      assert.match(await client.expect("USER tester", 331), reason);
      await client.expect("PWD", 530);
      await client.expect("PASS password", 230);
      await client.quit();
      await ftps.close();
    });
  }

  it("counts while its authority's list is in date and does not name it", async () => {
    const ftps = await start({ revocationLists: [stranger.revocationList([]), ownList] });
    const client = await connect(ftps.port, authority.issue("tester"));
    await client.expect("USER tester", 232);
    await client.quit();
    await ftps.close();
  });

  it("is not even asked for without authorities", async () => {
    const ftps = await startFtps({ accounts });
    const client = await connect(ftps.port, authority.issue("tester"));
    assert.equal(await client.expect("USER tester", 331), "Send the password.");
    await client.quit();
    await ftps.close();
  });
});

describe("where certificates are required", () => {
  let ftps: FtpsTestServer;
  before(async () => {
    ftps = await start({ required: true }, { listener: { plain: true } });
  });
  after(() => ftps.close());

  it("the certificate of the account is the only way in", async () => {
    const client = await connect(ftps.port, authority.issue("tester"));
    await client.expect("USER tester", 232);
    await client.quit();
  });

  it("no certificate, a foreign one or one of another name is refused with 530, and so is every password", async () => {
    const needed = "A login needs the certificate of its account.";
    for (const [own, text] of [
      [undefined, needed],
      [stranger.issue("tester"), `The client certificate is not accepted (UNABLE_TO_VERIFY_LEAF_SIGNATURE). ${needed}`],
      [authority.issue("certified"), "Login refused."],
    ] as const) {
      const client = await connect(ftps.port, own);
      assert.equal(await client.expect("USER tester", 530), text);
      await client.expect("PASS password", 503);
      await client.quit();
    }
    const failure = ftps.events.findLast(({ type }) => type === "authentication.failed");
    assert.equal(failure?.data.reason, "certificate-of-another-name");
  });

  it("a connection without TLS logs nobody in", async () => {
    const client = await FtpsClient.connect(ftps.port);
    await client.expect("USER tester", 530);
    await client.expect("PASS password", 503);
    await client.quit();
  });
});
