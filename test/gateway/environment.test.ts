import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readEnvironment } from "../../gateway/environment.ts";

const whole = {
  FERRYGATE_SERVER_NAME: "mft",
  FERRYGATE_DATA_BUCKET: "files",
  FERRYGATE_TABLE: "control",
  FERRYGATE_EVENT_BUS: "bus",
  FERRYGATE_AUTH_FUNCTION: "auth",
  FERRYGATE_HOST_KEYS_SECRET: "keys",
  FERRYGATE_TLS_SECRET: "tls",
  FERRYGATE_SFTP_PORT: "2222",
  FERRYGATE_FTPS_PORT: "2121",
  FERRYGATE_FTPS_IMPLICIT_PORT: "2990",
  FERRYGATE_DATA_PORT: "5000",
  FERRYGATE_HEALTH_PORT: "8080",
  FERRYGATE_PASSIVE_PORTS: "50000-50019",
  FERRYGATE_PASSIVE_ADDRESS: "192.0.2.1",
  FERRYGATE_TRUSTED_PROXIES: "10.0.0.0/24, 10.0.1.0/24",
  FERRYGATE_AVAILABILITY: "active-passive",
};

function problemsOf(changes: Readonly<Record<string, string | undefined>>): readonly string[] {
  const reading = readEnvironment({ ...whole, ...changes });
  return reading.ok ? [] : reading.problems;
}

function environmentOf(changes: Readonly<Record<string, string | undefined>> = {}) {
  const reading = readEnvironment({ ...whole, ...changes });
  assert.ok(reading.ok, reading.ok ? "" : reading.problems.join("\n"));
  return reading.environment;
}

describe("the environment of the container", () => {
  it("is read whole", () => {
    const { trustedProxies, ...rest } = environmentOf();
    assert.deepEqual(rest, {
      serverName: "mft",
      dataBucket: "files",
      table: "control",
      eventBus: "bus",
      authFunction: "auth",
      sftp: { port: 2222, hostKeysSecret: "keys", algorithms: "strict" },
      ftps: {
        explicitPort: 2121,
        implicitPort: 2990,
        tlsSecret: "tls",
        passivePorts: { first: 50_000, last: 50_019 },
        passiveAddress: "192.0.2.1",
        sessionReuse: "preferred",
      },
      dataPort: 5000,
      healthPort: 8080,
      availability: "active-passive",
      drainMs: 110_000,
      longestProtectionMs: 0,
      listenAddress: "0.0.0.0",
      taskAddress: undefined,
    });
    assert.deepEqual(
      ["10.0.1.7", "10.0.2.7"].map((address) => trustedProxies.some((block) => block.contains(address))),
      [true, false],
    );
  });

  it("lists every problem at once, each with the name of its variable", () => {
    const problems = problemsOf({
      FERRYGATE_TABLE: undefined,
      FERRYGATE_AUTH_FUNCTION: " ",
      FERRYGATE_SFTP_PORT: "ssh",
      FERRYGATE_HEALTH_PORT: "70000",
      FERRYGATE_PASSIVE_PORTS: "50019-50000",
      FERRYGATE_PASSIVE_ADDRESS: "mft.example.com",
      FERRYGATE_TRUSTED_PROXIES: "10.0.0.0/24,10.0.0.0/33",
      FERRYGATE_AVAILABILITY: "active",
      FERRYGATE_DRAIN_SECONDS: "300",
    });
    assert.deepEqual(problems, [
      'FERRYGATE_AVAILABILITY: "active" is not one of active-active, active-passive',
      'FERRYGATE_PASSIVE_PORTS: "50019-50000" is not FIRST-LAST, such as 50000-50019',
      'FERRYGATE_PASSIVE_ADDRESS: "mft.example.com" is not an IPv4 address',
      "FERRYGATE_TABLE: is not set",
      "FERRYGATE_AUTH_FUNCTION: is not set",
      'FERRYGATE_SFTP_PORT: "ssh" is not a whole number from 1 to 65535',
      'FERRYGATE_TRUSTED_PROXIES: the prefix length of "10.0.0.0/33" must be a number from 0 to 32',
      'FERRYGATE_HEALTH_PORT: "70000" is not a whole number from 1 to 65535',
      'FERRYGATE_DRAIN_SECONDS: "300" is not a whole number from 1 to 118',
    ]);
  });

  it("lets no port mean two things", () => {
    assert.deepEqual(problemsOf({ FERRYGATE_FTPS_PORT: "2222", FERRYGATE_DATA_PORT: "50003" }), [
      "FERRYGATE_FTPS_PORT: 2222 is the port of FERRYGATE_SFTP_PORT too",
      "FERRYGATE_DATA_PORT: 50003 is one of the passive ports too",
    ]);
  });

  it("asks only for what the protocols that are served need", () => {
    const sftpOnly = {
      FERRYGATE_FTPS_PORT: undefined,
      FERRYGATE_FTPS_IMPLICIT_PORT: undefined,
      FERRYGATE_TLS_SECRET: undefined,
      FERRYGATE_DATA_PORT: undefined,
      FERRYGATE_PASSIVE_PORTS: undefined,
      FERRYGATE_PASSIVE_ADDRESS: undefined,
      FERRYGATE_TRUSTED_PROXIES: undefined,
    };
    assert.equal(environmentOf({ ...sftpOnly, FERRYGATE_AVAILABILITY: "active-active" }).ftps, undefined);
    assert.deepEqual(problemsOf(sftpOnly), [
      "FERRYGATE_DATA_PORT: is not set",
      "FERRYGATE_TRUSTED_PROXIES: is not set",
    ]);
    assert.deepEqual(problemsOf({ ...sftpOnly, FERRYGATE_AVAILABILITY: undefined, FERRYGATE_SFTP_PORT: undefined }), [
      "FERRYGATE_SFTP_PORT: neither this nor an FTPS port is set: nothing would be served",
    ]);
  });

  it("takes a passive address for each availability zone", () => {
    const { ftps } = environmentOf({ FERRYGATE_PASSIVE_ADDRESS: "eu-west-1a=192.0.2.1, eu-west-1b=192.0.2.2" });
    assert.deepEqual(
      ftps?.passiveAddress,
      new Map([
        ["eu-west-1a", "192.0.2.1"],
        ["eu-west-1b", "192.0.2.2"],
      ]),
    );
    assert.deepEqual(problemsOf({ FERRYGATE_PASSIVE_ADDRESS: "eu-west-1a=192.0.2.1,eu-west-1b" }), [
      'FERRYGATE_PASSIVE_ADDRESS: "eu-west-1b" is not ZONE=IPv4-address',
    ]);
  });
});
