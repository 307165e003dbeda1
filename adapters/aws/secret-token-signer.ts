import { hkdfSync } from "node:crypto";
import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { calculateJwkThumbprint, decodeProtectedHeader, type JWK } from "jose";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { TokenSigner } from "../../ports/session-tokens.ts";
import { type SigningKey, signToken, verifyToken } from "../node/token-signer.ts";

export interface SecretTokenSignerOptions {
  readonly client: Pick<SecretsManagerClient, "send">;
  /** Name or ARN of a secret with `{"current": JWK, "previous": JWK?}`. */
  readonly secretId: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface SecretTokenSigner extends TokenSigner {
  /** Bytes that follow from the current key and the purpose: the same in every process. */
  derivedSecret(purpose: string): Promise<Uint8Array>;
}

/**
 * Signs with the current key of a secret and takes tokens of the previous one too, so that rotating means to write the
 * current key to the place of the previous and a new one to its own. Every process notices within
 * limits.tokenKeysReadMs, or when it is shown a token of a key that it does not know.
 */
export function createSecretTokenSigner(options: SecretTokenSignerOptions): SecretTokenSigner {
  const { now } = options;
  let known: { readonly signingKeys: Promise<readonly [SigningKey, ...SigningKey[]]>; readonly readAtMs: number };
  const keys = (oldestMs: number) => {
    if (!known || now() - known.readAtMs >= oldestMs) known = { signingKeys: readKeys(options), readAtMs: now() };
    const { signingKeys } = known;
    signingKeys.catch(() => {
      if (known.signingKeys === signingKeys) known = { ...known, readAtMs: Number.NEGATIVE_INFINITY };
    });
    return signingKeys;
  };
  return {
    sign: async (session) => signToken((await keys(limits.tokenKeysReadMs))[0], session),
    verify: async (token) => {
      const signingKeys = await keys(limits.tokenKeysReadMs);
      const isKnown = signingKeys.some(({ kid }) => kid === keyIdOf(token));
      return verifyToken(token, isKnown ? signingKeys : await keys(limits.tokenKeysRereadMs), now());
    },
    derivedSecret: async (purpose) => {
      const [{ privateJwk }] = await keys(limits.tokenKeysReadMs);
      const seed = Buffer.from(privateJwk.d ?? "", "base64url");
      return new Uint8Array(hkdfSync("sha256", seed, "ferrygate", purpose, seed.length));
    },
  };
}

function keyIdOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return undefined;
  }
}

/** @throws FileError `unavailable` when there is no answer, or no key in it: nobody's token can be judged then */
async function readKeys({ client, secretId }: SecretTokenSignerOptions) {
  try {
    const { SecretString: text } = await client.send(new GetSecretValueCommand({ SecretId: secretId }));
    const { current, previous } = JSON.parse(text ?? "{}") as Readonly<Record<"current" | "previous", unknown>>;
    const newest = await signingKeyOf(current);
    return [newest, ...(previous === undefined ? [] : [await signingKeyOf(previous)])] as const;
  } catch (cause) {
    throw new FileError("unavailable", "the keys that sign session tokens cannot be read", { cause });
  }
}

async function signingKeyOf(value: unknown): Promise<SigningKey> {
  const privateJwk = value as JWK | undefined;
  const isEd25519 = privateJwk?.kty === "OKP" && privateJwk.crv === "Ed25519" && typeof privateJwk.d === "string";
  if (!isEd25519) throw new Error("the secret holds no Ed25519 key as JWK");
  return { kid: privateJwk.kid ?? (await calculateJwkThumbprint(privateJwk)), privateJwk };
}
