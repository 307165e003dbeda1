import { generateKeyPairSync } from "node:crypto";
import { PutSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { hostKeyFingerprint, hostKeyMakers } from "../node/host-keys.ts";
import { createSelfSignedCertificate, createTlsPrivateKey } from "../node/tls-certificate.ts";
import { type SecretMembers, secretMembers } from "./secret-members.ts";

export interface FirstSecretsOptions {
  readonly client: Pick<SecretsManagerClient, "send">;
  /** ARNs of the secrets. */
  readonly hostKeysSecret: string;
  readonly tlsSecret: string;
  readonly tokenKeysSecret: string;
  /** The name that the self-signed certificate is for. */
  readonly hostName: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface FirstSecrets {
  /** `SHA256:… (ED25519)` and so on, of what the secret holds now. */
  readonly hostKeyFingerprints: readonly string[];
}

/**
 * Fills those of the secrets that have no value, as a deployment leaves them, or are `{}`. What is in one already
 * stays.
 */
export async function fillEmptySecrets(options: FirstSecretsOptions): Promise<FirstSecrets> {
  const { client } = options;
  const hostKeys = await filled(client, options.hostKeysSecret, async () => ({
    ed25519: await hostKeyMakers.ed25519(),
    rsa: await hostKeyMakers.rsa(),
  }));
  await filled(client, options.tlsSecret, async () => certificateFor(options));
  await filled(client, options.tokenKeysSecret, async () => ({ current: signingKey() }));
  const pems = Object.values(hostKeys).filter((hostKey) => typeof hostKey === "string");
  return { hostKeyFingerprints: pems.map(hostKeyFingerprint) };
}

async function filled(
  client: FirstSecretsOptions["client"],
  secretId: string,
  make: () => Promise<SecretMembers>,
): Promise<SecretMembers> {
  const present = await secretMembers(client, secretId);
  if (Object.keys(present).length > 0) return present;
  const made = await make();
  await client.send(new PutSecretValueCommand({ SecretId: secretId, SecretString: JSON.stringify(made) }));
  return made;
}

function certificateFor({ hostName, now }: FirstSecretsOptions): SecretMembers {
  const privateKey = createTlsPrivateKey();
  return { certificate: createSelfSignedCertificate(privateKey, [hostName], now()), privateKey };
}

function signingKey(): unknown {
  return generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
}
