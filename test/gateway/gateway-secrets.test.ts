import assert from "node:assert/strict";
import { once } from "node:events";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import ssh2 from "ssh2";
import { createSecretsClient } from "../../adapters/aws/clients.ts";
import { hostKeyFingerprint } from "../../adapters/node/host-keys.ts";
import { createTlsPrivateKey } from "../../adapters/node/tls-certificate.ts";
import { readHostKeysSecret, readTlsSecret } from "../../gateway/gateway-secrets.ts";
import { watchSecret } from "../../gateway/watched-secret.ts";
import { createSftpServer } from "../../protocols/sftp/server.ts";
import { type AwsServices, awsOrSkip, startAwsServices } from "../support/aws-services.ts";
import { testTls } from "../support/ftps-server.ts";
import { createMemoryPipeline, createMemoryRuntime } from "../support/memory-ports.ts";
import { generateSshKeyPair } from "../support/ssh-key-pair.ts";

describe("the secrets of the container", () => {
  it("are host keys, the preferred first", () => {
    const [ed25519, ecdsa] = [generateSshKeyPair().private, generateSshKeyPair().private];
    assert.deepEqual(readHostKeysSecret(JSON.stringify({ ecdsa, ed25519 })), [ed25519, ecdsa]);
  });

  it("are a certificate and its private key", () => {
    const { certificate, privateKey } = testTls;
    assert.deepEqual(readTlsSecret(JSON.stringify({ certificate, privateKey })), testTls);
  });

  it("say what is wrong with them and nothing of what they hold", () => {
    const cases: readonly (readonly [(text: string) => unknown, unknown, RegExp])[] = [
      [readHostKeysSecret, "s3cret", /^it is not a JSON object$/],
      [readHostKeysSecret, {}, /^it has none of ed25519, ecdsa, rsa$/],
      [readHostKeysSecret, { dsa: "s3cret" }, /^"dsa" is not one of/],
      [readHostKeysSecret, { rsa: 7 }, /^rsa is not text$/],
      [readHostKeysSecret, { rsa: "s3cret" }, /^a host key cannot be read/],
      [readTlsSecret, { privateKey: "s3cret" }, /^certificate is missing$/],
      [readTlsSecret, { certificate: testTls.certificate }, /^privateKey is missing$/],
      [readTlsSecret, { ...testTls, privateKey: createTlsPrivateKey() }, /^privateKey is not that of certificate$/],
    ];
    for (const [read, value, message] of cases) {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      assert.throws(
        () => read(text),
        (error: Error) => message.test(error.message) && !error.message.includes("s3cret"),
        String(message),
      );
    }
  });
});

describe("secrets in Secrets Manager", { skip: awsOrSkip() }, () => {
  let services: AwsServices;
  let client: SecretsManagerClient;
  const secretId = "ferrygate-test";
  before(async () => {
    services = await startAwsServices();
    client = createSecretsClient();
  });
  after(async () => {
    client.destroy();
    await services.stop();
  });
  beforeEach(() => client.send(new CreateSecretCommand({ Name: secretId, SecretString: "first" })));
  afterEach(() => client.send(new DeleteSecretCommand({ SecretId: secretId, ForceDeleteWithoutRecovery: true })));
  const rotate = (SecretString: string) => client.send(new PutSecretValueCommand({ SecretId: secretId, SecretString }));
  const read = (text: string) => {
    if (text.startsWith("bad")) throw new Error("it is bad");
    return text;
  };

  it("are in force as soon as a rotation was noticed", async () => {
    const rotated: string[] = [];
    const runtime = createMemoryRuntime();
    const options = { client, secretId, read, runtime, rotated: (text: string) => void rotated.push(text) };
    const secret = await watchSecret(options);
    assert.equal(secret.current(), "first");
    await secret.refresh();
    await rotate("second");
    await secret.refresh();
    assert.equal(secret.current(), "second");
    assert.deepEqual(rotated, ["second"]);
    secret.stop();
  });

  it("stay what they were when a new one cannot be used", async () => {
    const runtime = createMemoryRuntime();
    const secret = await watchSecret({ client, secretId, read, runtime });
    await rotate("bad");
    await secret.refresh();
    await secret.refresh();
    assert.equal(secret.current(), "first");
    assert.deepEqual(
      runtime.logged.map(({ message }) => message),
      ["a secret cannot be read again; what it was stays in force"],
    );
    await rotate("third");
    await secret.refresh();
    assert.equal(secret.current(), "third");
    secret.stop();
  });

  it("stop a start that they cannot serve, with their name", async () => {
    const runtime = createMemoryRuntime();
    await rotate("bad");
    await assert.rejects(watchSecret({ client, secretId, read, runtime }), /^Error: secret ferrygate-test: it is bad$/);
    await assert.rejects(watchSecret({ client, secretId: "other", read, runtime }), /^Error: secret other: /);
  });
});

describe("rotated host keys", () => {
  it("are those of new clients, and clients that are connected go on", async () => {
    const keys = [generateSshKeyPair().private, generateSshKeyPair().private] as const;
    const { services, openSession } = createMemoryPipeline();
    const listen = { host: "127.0.0.1", port: 0 };
    const server = createSftpServer({ openSession, hostKeys: [keys[0]], listen, log: services.runtime.log });
    const { port } = await server.listen();
    const first = await login(port);
    server.useHostKeys([keys[1]]);
    const second = await login(port);
    assert.deepEqual([first.fingerprint, second.fingerprint], keys.map(hostKeyFingerprint).map(digestOf));
    const sftp = promisify((done: (error: Error | undefined, wrapper: unknown) => void) => first.client.sftp(done));
    assert.ok(await sftp());
    for (const { client } of [first, second]) client.end();
    await server.close();
  });
});

function digestOf(fingerprint: string): string {
  return fingerprint.replace(/^SHA256:| .*$/g, "");
}

async function login(port: number): Promise<{ client: ssh2.Client; fingerprint: string }> {
  const client = new ssh2.Client();
  let fingerprint = "";
  client.connect({
    host: "127.0.0.1",
    port,
    username: "tester",
    password: "password",
    hostHash: "sha256",
    hostVerifier: (hash: string) => {
      fingerprint = Buffer.from(hash, "hex").toString("base64").replace(/=+$/, "");
      return true;
    },
  });
  await once(client, "ready");
  return { client, fingerprint };
}
