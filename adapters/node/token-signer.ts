import {
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTPayload,
  errors as joseErrors,
  jwtVerify,
  SignJWT,
} from "jose";
import { limits } from "../../core/limits.ts";
import type { TokenSession, TokenSigner } from "../../ports/session-tokens.ts";

/** Where the private keys rest: a file that only the server can read. */
export interface SigningKeyFile {
  read(): Promise<string | undefined>;
  /** Durable when it resolves. */
  write(text: string): Promise<void>;
}

export interface TokenSignerOptions {
  readonly file: SigningKeyFile;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** An Ed25519 key with its private part (RFC 8037). */
export interface SigningKey {
  readonly kid: string;
  readonly privateJwk: JWK;
}

interface FiledKey extends SigningKey {
  readonly createdAtMs: number;
}

const algorithm = "EdDSA";
const issuer = "ferrygate";

/**
 * Signs JSON Web Tokens (RFC 7519) with Ed25519 (RFC 8037). Of the keys in the file, newest last, the newest signs;
 * once it is older than limits.tokenSigningMs another is made. A key that no longer signs verifies until the last token
 * that it can have signed is expired, and is then deleted.
 */
export async function createTokenSigner({ file, now }: TokenSignerOptions): Promise<TokenSigner> {
  let signingKeys = parsed(await file.read());
  let rotation: Promise<void> = Promise.resolve();
  const rotate = async () => {
    const newest = signingKeys.at(-1);
    if (newest && now() - newest.createdAtMs <= limits.tokenSigningMs) return;
    const kept = [...unexpired(signingKeys, now()), await createSigningKey(now())];
    await file.write(`${JSON.stringify(kept, undefined, 2)}\n`);
    signingKeys = kept;
  };
  const current = async () => {
    rotation = rotation.catch(() => {}).then(rotate);
    await rotation;
    return signingKeys.at(-1) as FiledKey;
  };
  await current();
  return {
    sign: async (session) => signToken(await current(), session),
    verify: (token) => verifyToken(token, signingKeys, now()),
  };
}

/** The token of a session, good until its expiry. */
export async function signToken({ kid, privateJwk }: SigningKey, session: TokenSession): Promise<string> {
  return new SignJWT()
    .setProtectedHeader({ alg: algorithm, typ: "JWT", kid })
    .setIssuer(issuer)
    .setSubject(session.accountName)
    .setJti(session.sessionId)
    .setIssuedAt(Math.floor(session.startedAtMs / 1000))
    .setExpirationTime(Math.ceil(session.expiresAtMs / 1000))
    .sign(await importJWK(privateJwk, algorithm));
}

/**
 * The id of the session that the token was made for with one of the keys; undefined for any other, and when expired.
 */
export async function verifyToken(
  token: string,
  signingKeys: readonly SigningKey[],
  nowMs: number,
): Promise<string | undefined> {
  const payload = await verified(token, signingKeys, new Date(nowMs));
  return payload?.jti;
}

async function verified(
  token: string,
  signingKeys: readonly SigningKey[],
  currentDate: Date,
): Promise<JWTPayload | undefined> {
  const publicKeyOf = async ({ kid }: { kid?: string }) => {
    const found = signingKeys.find((candidate) => candidate.kid === kid);
    if (!found) throw new joseErrors.JWKSNoMatchingKey();
    const { d: _private, ...publicJwk } = found.privateJwk;
    return importJWK(publicJwk, algorithm);
  };
  try {
    const { payload } = await jwtVerify(token, publicKeyOf, { algorithms: [algorithm], issuer, currentDate });
    return payload;
  } catch (error) {
    if (error instanceof joseErrors.JOSEError) return undefined;
    throw error;
  }
}

async function createSigningKey(createdAtMs: number): Promise<FiledKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { kid: crypto.randomUUID(), createdAtMs, privateJwk: await exportJWK(privateKey) };
}

/** Each signs until the next is made, so its last token expires limits.tokenSessionMs after that. */
function unexpired(signingKeys: readonly FiledKey[], nowMs: number): readonly FiledKey[] {
  return signingKeys.filter(
    (_, index) => nowMs - (signingKeys[index + 1]?.createdAtMs ?? nowMs) <= limits.tokenSessionMs,
  );
}

function parsed(text: string | undefined): readonly FiledKey[] {
  return text === undefined ? [] : (JSON.parse(text) as readonly FiledKey[]);
}
