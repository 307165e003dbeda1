import { createHmac, randomBytes } from "node:crypto";
import { InvokeCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import type { Account } from "../../core/account.ts";
import type { Credential } from "../../core/credential.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { evaluateLogin } from "../../core/login.ts";
import type { AccountDirectory } from "../../ports/account-directory.ts";
import type { AuthenticationResult, LoginAuthority, LoginOrigin } from "../../ports/login-authority.ts";
import {
  type AuthenticationCall,
  type AuthenticationCallAnswer,
  type CalledCredential,
  fromCalledAccount,
} from "./authentication-call.ts";

export interface LambdaAuthenticationOptions {
  readonly client: LambdaClient;
  readonly functionName: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface LambdaAuthentication {
  readonly authority: LoginAuthority;
  readonly accounts: AccountDirectory;
}

/**
 * Logins as the custom-auth function decides about them; no password hash and no key of an account comes here. A login
 * that was accepted is good for limits.rememberedLoginMs for the same credential from the same address; a refusal is
 * never remembered.
 */
export function createLambdaAuthentication(options: LambdaAuthenticationOptions): LambdaAuthentication {
  const { now } = options;
  const logins = new Remembered<Account>({ forMs: limits.rememberedLoginMs, most: limits.rememberedLogins, now });
  const accounts = new Remembered<Promise<Account | undefined>>({
    forMs: limits.rememberedAccountMs,
    most: limits.rememberedLogins,
    now,
  });
  const secret = randomBytes(32);
  return {
    authority: {
      authenticate: async (credential, origin) => {
        const name = digestOf(secret, credential, origin);
        const known = logins.find(name);
        if (known && evaluateLogin(known, now(), origin.peer.address).ok) return { ok: true, account: known };
        const result = await askLogin(options, credential, origin);
        if (result.ok) logins.keep(name, result.account);
        return result;
      },
      publicKeyRefusal: async ({ username, blob }, origin) => {
        const answer = await call(options, { v: 1, ask: "offer", username, blob, ...clientOf(origin) });
        return answer.ok ? undefined : answer.reason;
      },
    },
    accounts: {
      find: (name) => {
        const known = accounts.find(name);
        if (known !== undefined) return known;
        const asked = askAccount(options, name);
        accounts.keep(name, asked);
        asked.catch(() => accounts.forget(name));
        return asked;
      },
    },
  };
}

async function askLogin(
  options: LambdaAuthenticationOptions,
  credential: Credential,
  origin: LoginOrigin,
): Promise<AuthenticationResult> {
  const { username } = credential;
  const answer = await call(options, {
    v: 1,
    ask: "login",
    username,
    credential: calledCredentialOf(credential),
    ...clientOf(origin),
  });
  const account = answer.account && fromCalledAccount(answer.account);
  if (!answer.ok) return { ok: false, reason: answer.reason, account, details: answer.details };
  if (account?.name !== username) throw undecided("it accepted a login without the account");
  return { ok: true, account };
}

async function askAccount(options: LambdaAuthenticationOptions, username: string): Promise<Account | undefined> {
  const answer = await call(options, { v: 1, ask: "account", username });
  if (answer.ok && !answer.account) throw undecided("it told of no account");
  return answer.ok && answer.account ? fromCalledAccount(answer.account) : undefined;
}

function clientOf({ peer, protocol }: LoginOrigin): Pick<AuthenticationCall & { ask: "login" }, "peer" | "protocol"> {
  if (protocol === "system") throw new FileError("invalid-argument", "the system does not log in");
  return { peer, protocol };
}

function calledCredentialOf(credential: Credential): CalledCredential {
  switch (credential.kind) {
    case "password":
      return { kind: credential.kind, password: credential.password };
    case "public-key": {
      const { algorithm, blob } = credential.provenKey;
      return { kind: credential.kind, provenKey: { algorithm, blob } };
    }
    case "client-certificate": {
      const { commonName, sha256, pem } = credential.provenCertificate;
      return { kind: credential.kind, provenCertificate: { commonName, sha256, pem } };
    }
  }
}

/** What names a login among those that are remembered: nobody can tell the password from it. */
function digestOf(secret: Buffer, credential: Credential, { peer, protocol }: LoginOrigin): string {
  const login = [credential.username, calledCredentialOf(credential), peer.address, protocol];
  return createHmac("sha256", secret).update(JSON.stringify(login)).digest("base64");
}

async function call(
  { client, functionName }: LambdaAuthenticationOptions,
  question: AuthenticationCall,
): Promise<AuthenticationCallAnswer> {
  const answer = await invoke(client, functionName, JSON.stringify(question));
  const isAnswer = typeof answer === "object" && answer !== null && "ok" in answer && typeof answer.ok === "boolean";
  if (!isAnswer) throw undecided("it answered something else");
  return answer as AuthenticationCallAnswer;
}

async function invoke(client: LambdaClient, functionName: string, payload: string): Promise<unknown> {
  const command = new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(payload) });
  try {
    const abortSignal = AbortSignal.timeout(limits.authenticationCallMs);
    const { FunctionError, Payload } = await client.send(command, { abortSignal });
    if (FunctionError !== undefined) throw new Error(`it failed: ${FunctionError}`);
    return JSON.parse(Payload?.transformToString() ?? "null");
  } catch (cause) {
    throw undecided(cause);
  }
}

function undecided(cause: unknown): FileError {
  return new FileError("unavailable", "logins cannot be decided at the moment", { cause });
}

interface RememberedOptions {
  readonly forMs: number;
  readonly most: number;
  readonly now: () => number;
}

/** Values that are good for a while; the oldest goes first where there are too many. */
class Remembered<Value> {
  readonly #options: RememberedOptions;
  readonly #values = new Map<string, { readonly value: Value; readonly untilMs: number }>();

  constructor(options: RememberedOptions) {
    this.#options = options;
  }

  find(name: string): Value | undefined {
    const known = this.#values.get(name);
    if (known && known.untilMs > this.#options.now()) return known.value;
    this.#values.delete(name);
    return undefined;
  }

  keep(name: string, value: Value): void {
    const { forMs, most, now } = this.#options;
    this.#values.delete(name);
    this.#values.set(name, { value, untilMs: now() + forMs });
    const [oldest] = this.#values.keys();
    if (this.#values.size > most && oldest !== undefined) this.#values.delete(oldest);
  }

  forget(name: string): void {
    this.#values.delete(name);
  }
}
