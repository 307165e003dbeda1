import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { CreateSecretCommand, GetSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import type { CloudFormationCustomResourceEvent } from "aws-lambda";
import { createSecretsClient } from "../../../adapters/aws/clients.ts";
import { hostKeyFingerprint, hostKeyMakers } from "../../../adapters/node/host-keys.ts";
import { readHostKeysSecret, readTlsSecret } from "../../../gateway/gateway-secrets.ts";
import { awsOrSkip, startAwsServices } from "../../support/aws-services.ts";

test("a deployment fills empty secrets, tells the fingerprints, and leaves others alone", {
  skip: awsOrSkip(),
}, async (t) => {
  const services = await startAwsServices();
  t.after(() => services.stop());
  const client = createSecretsClient();
  t.after(() => client.destroy());
  const answers: Record<string, unknown>[] = [];
  const cloudFormation = createServer(async (request, response) => {
    answers.push({ contentType: request.headers["content-type"], ...JSON.parse(await text(request)) });
    response.end();
  });
  await new Promise<void>((resolve) => cloudFormation.listen(0, "127.0.0.1", resolve));
  t.after(() => cloudFormation.close());
  const { port } = cloudFormation.address() as AddressInfo;
  const own = { ed25519: await hostKeyMakers.ed25519() };
  const secrets = { HostKeysSecret: "host-keys", TlsSecret: "tls", TokenKeysSecret: "token-keys" };
  const create = async (name: string, value: unknown) =>
    client.send(new CreateSecretCommand({ Name: name, SecretString: JSON.stringify(value) }));
  const secretText = async (name: string) =>
    (await client.send(new GetSecretValueCommand({ SecretId: name }))).SecretString ?? "";
  await create(secrets.TlsSecret, {});
  await create(secrets.TokenKeysSecret, {});
  await client.send(new CreateSecretCommand({ Name: secrets.HostKeysSecret }));
  await create("own-host-keys", own);
  // The client of the function is made when its module is loaded, so the services come first.
  const { handler } = await import("../../../lambdas/first-secrets.ts");
  const call = async (RequestType: string, properties: Record<string, string>) => {
    const event = {
      RequestType,
      ResponseURL: `http://127.0.0.1:${port}/`,
      StackId: "stack",
      RequestId: "request",
      LogicalResourceId: "Secrets",
      ResourceProperties: { ...secrets, HostName: "files.example.com", ...properties },
    } as unknown as CloudFormationCustomResourceEvent;
    await handler(event);
    return answers.at(-1) ?? {};
  };

  const first = await call("Create", {});
  const hostKeys = readHostKeysSecret(await secretText("host-keys"));
  assert.equal(first.Status, "SUCCESS");
  assert.deepEqual(first.Data, { HostKeyFingerprints: hostKeys.map(hostKeyFingerprint).join(", ") });
  assert.equal(hostKeys.length, 2);
  assert.match(readTlsSecret(await secretText("tls")).certificate.toString(), /BEGIN CERTIFICATE/);
  assert.equal(JSON.parse(await secretText("token-keys")).current.crv, "Ed25519");

  const second = await call("Update", {});
  assert.deepEqual(second.Data, first.Data, "a second time changes nothing");
  const imported = await call("Update", { HostKeysSecret: "own-host-keys" });
  assert.deepEqual(imported.Data, { HostKeyFingerprints: hostKeyFingerprint(own.ed25519) });
  assert.deepEqual(JSON.parse(await secretText("own-host-keys")), own);

  const gone = await call("Delete", {});
  assert.equal(gone.Status, "SUCCESS");
  assert.deepEqual(readHostKeysSecret(await secretText("host-keys")), hostKeys);
  const failed = await call("Create", { TlsSecret: "no-such-secret" });
  assert.equal(failed.Status, "FAILED");
  assert.equal(failed.PhysicalResourceId, "secrets");
});
