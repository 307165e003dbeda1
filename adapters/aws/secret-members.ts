import {
  GetSecretValueCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";

export type SecretMembers = Readonly<Record<string, unknown>>;

/**
 * The JSON object that a secret holds; none of its members where it has no value yet.
 * @throws Error of the SDK, or one that quotes nothing of the secret
 */
export async function secretMembers(
  client: Pick<SecretsManagerClient, "send">,
  secretId: string,
): Promise<SecretMembers> {
  try {
    const { SecretString: text = "{}" } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    return objectOf(text);
  } catch (error) {
    // So a secret that has no value yet is answered.
    if (error instanceof ResourceNotFoundException) return {};
    throw error;
  }
}

function objectOf(text: string): SecretMembers {
  const value = parsed(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("the secret holds no JSON object");
  }
  return value as SecretMembers;
}

/** A parser's own message would quote what it reads. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
