import assert from "node:assert/strict";
import { test } from "node:test";
import { CreateSecretCommand, PutSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { exportJWK, generateKeyPair, type JWK } from "jose";
import { createSecretsClient } from "../../../adapters/aws/clients.ts";
import { createSecretTokenSigner } from "../../../adapters/aws/secret-token-signer.ts";
import { limits } from "../../../core/limits.ts";
import type { TokenSession } from "../../../ports/session-tokens.ts";
import { awsOrSkip, startAwsServices } from "../../support/aws-services.ts";

const sessionAt = (startedAtMs: number): TokenSession => ({
  sessionId: "session-1",
  accountName: "acme",
  credentialsVersion: "1",
  peer: { address: "203.0.113.7", port: 1 },
  startedAtMs,
  expiresAtMs: startedAtMs + limits.tokenSessionMs,
});

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  return exportJWK(privateKey);
}

test("keys of a secret sign tokens for every process, through a rotation", { skip: awsOrSkip() }, async (t) => {
  const services = await startAwsServices();
  t.after(() => services.stop());
  const client = createSecretsClient();
  t.after(() => client.destroy());
  let nowMs = Date.parse("2026-11-26T12:00:00Z");
  const secretId = `token-keys-${process.pid}-${Date.now()}`;
  const first = await newKey();
  await client.send(new CreateSecretCommand({ Name: secretId, SecretString: "{}" }));
  const write = (value: unknown) =>
    client.send(new PutSecretValueCommand({ SecretId: secretId, SecretString: JSON.stringify(value) }));
  const start = () => createSecretTokenSigner({ client, secretId, now: () => nowMs });

  const early = start();
  await assert.rejects(early.sign(sessionAt(nowMs)), /cannot be read/);
  await write({ current: first });
  const token = await early.sign(sessionAt(nowMs));
  const other = start();
  assert.equal(await other.verify(token), "session-1");
  assert.equal(await other.verify(`${token.slice(0, -2)}AA`), undefined);
  assert.equal(await other.verify("nonsense"), undefined);
  assert.deepEqual(await early.derivedSecret("a"), await other.derivedSecret("a"));
  assert.notDeepEqual(await early.derivedSecret("a"), await early.derivedSecret("b"));

  await write({ current: await newKey(), previous: first });
  nowMs += limits.tokenKeysRereadMs;
  const later = await start().sign(sessionAt(nowMs));
  assert.equal(await other.verify(later), "session-1", "a token of a new key is a reason to look");
  assert.equal(await other.verify(token), "session-1", "the previous key is good");

  await write({ current: await newKey() });
  nowMs += limits.tokenKeysReadMs;
  assert.equal(await other.verify(token), undefined);
});
