import type { Account } from "../../core/account.ts";
import type { Scope } from "../../core/api-token.ts";
import { FileError } from "../../core/errors.ts";
import { parseInstant } from "../../core/instant.ts";
import { limits } from "../../core/limits.ts";
import { evaluateLogin } from "../../core/login.ts";
import type { ApiToken, ApiTokenMint, ApiTokenStore } from "../../ports/api-tokens.ts";
import type { Connection } from "./connection.ts";
import type { ResumeSession } from "./open-session.ts";
import { type EventContent, Recorder } from "./recorder.ts";
import type { SessionServices } from "./services.ts";
import type { Session } from "./session.ts";

export interface ApiTokensOptions {
  readonly services: SessionServices;
  readonly resumeSession: ResumeSession;
  readonly store: ApiTokenStore;
  readonly mint: ApiTokenMint;
}

export interface ApiTokenWish {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** As `parseInstant` reads it; limits.apiTokenMs from the creation on when absent. */
  readonly expires?: string | undefined;
}

/**
 * Tokens that programs log in with, for months. What is done with one is a session that carries the token's id, and
 * begins and ends with the `configuration.changed` of the token: there is no login on record for each request.
 */
export class ApiTokens {
  readonly #options: ApiTokensOptions;
  readonly #stopReviews: () => void;

  constructor(options: ApiTokensOptions) {
    this.#options = options;
    const { runtime } = options.services;
    this.#stopReviews = runtime.every(limits.sessionReviewMs, () => {
      this.review().catch((error: unknown) => runtime.log.error("API tokens not reviewed", { error: `${error}` }));
    });
  }

  /**
   * Makes a token for the session's account; this answer is the only place where it can be read.
   * @throws FileError `invalid-argument` for the expiry, `already-exists` for the name, `permission-denied` for an
   * account that cannot have tokens, `quota-exceeded` for one that has limits.apiTokensPerAccount
   */
  async create(session: Session, wish: ApiTokenWish): Promise<{ readonly token: string; readonly apiToken: ApiToken }> {
    const { services, store, mint } = this.#options;
    const account = assertOnFile(session.account);
    const createdAtMs = services.runtime.now();
    const { token, digest } = mint.create();
    const apiToken: ApiToken = {
      id: services.runtime.newId(),
      accountName: account.name,
      name: wish.name,
      scopes: [...new Set(wish.scopes)],
      digest,
      createdAtMs,
      expiresAtMs: readExpiry(wish.expires, createdAtMs),
    };
    await store.removeExpired(createdAtMs);
    assertAdded(await store.add(apiToken, limits.apiTokensPerAccount));
    try {
      await services.accounting.append(session.eventOf(changeContent(apiToken, "created", "api")));
    } catch (error) {
      await store.remove(apiToken.id);
      throw error;
    }
    return { token, apiToken };
  }

  /** An account's tokens, oldest first; one's own when no name is given. Another's take the role `admin`. */
  async list(session: Session, accountName = session.account?.name ?? ""): Promise<readonly ApiToken[]> {
    const { services, store } = this.#options;
    if (accountName !== session.account?.name) await session.requireRole("admin", "list-api-tokens");
    const nowMs = services.runtime.now();
    return (await store.list(accountName)).filter(({ expiresAtMs }) => nowMs < expiresAtMs);
  }

  /** The token is refused from here on. Another account's takes the role `admin`. @throws FileError `not-found` */
  async revoke(session: Session, id: string): Promise<void> {
    const { services, store } = this.#options;
    const apiToken = await store.find({ id });
    if (!apiToken) throw new FileError("not-found", "there is no such API token");
    if (apiToken.accountName !== session.account?.name) await session.requireRole("admin", "revoke-api-token");
    await services.accounting.append(session.eventOf(changeContent(apiToken, "deleted", "api")));
    await store.remove(id);
  }

  /**
   * The session of this token, for one request. Undefined when the token is not, or no longer, good, or its account may
   * not log in from there.
   */
  async resume(connection: Connection, token: string): Promise<Session | undefined> {
    const { services, store, mint, resumeSession } = this.#options;
    const digest = mint.digestOf(token);
    const apiToken = digest === undefined ? undefined : await store.find({ digest });
    if (!apiToken || !this.#isInTime(apiToken)) return undefined;
    const account = await services.accounts.find(apiToken.accountName);
    if (!isOnFile(account)) return undefined;
    if (!evaluateLogin(account, services.runtime.now(), connection.peer.address).ok) return undefined;
    const { id, scopes, createdAtMs } = apiToken;
    const isGranted = async () => this.#isInTime(apiToken) && (await store.find({ id })) !== undefined;
    return resumeSession(connection, { sessionId: id, account, startedAtMs: createdAtMs, scopes, isGranted });
  }

  /** Removes what has expired, and revokes the tokens of accounts that are gone: another may have their name later. */
  async review(): Promise<void> {
    const { services, store } = this.#options;
    await store.removeExpired(services.runtime.now());
    const recorder = new Recorder(services, { protocol: "system" });
    for (const accountName of await store.accountNames()) {
      if (isOnFile(await services.accounts.find(accountName))) continue;
      for (const apiToken of await store.list(accountName)) {
        await recorder.record(changeContent(apiToken, "deleted", "removed-account"));
        await store.remove(apiToken.id);
      }
    }
  }

  /** Ends the reviews, for a server that stops. */
  close(): void {
    this.#stopReviews();
  }

  #isInTime({ expiresAtMs }: ApiToken): boolean {
    return this.#options.services.runtime.now() < expiresAtMs;
  }
}

function isOnFile(account: Account | undefined): account is Account {
  return account !== undefined && account.external !== true;
}

/** Another system decides about each login of an external account, and cannot be asked when there is none. */
function assertOnFile(account: Account | undefined): Account {
  if (isOnFile(account)) return account;
  throw new FileError("permission-denied", "an account that another system vouches for cannot have API tokens");
}

function assertAdded(outcome: Awaited<ReturnType<ApiTokenStore["add"]>>): void {
  if (outcome === "name-taken") throw new FileError("already-exists", "the account has an API token of this name");
  if (outcome === "added") return;
  throw new FileError("quota-exceeded", `an account has at most ${limits.apiTokensPerAccount} API tokens; revoke some`);
}

function readExpiry(text: string | undefined, nowMs: number): number {
  const latestMs = nowMs + limits.apiTokenMs;
  if (text === undefined) return latestMs;
  const expiresAtMs = parseInstant(text);
  const days = Math.floor(limits.apiTokenMs / 86_400_000);
  if (expiresAtMs !== undefined && expiresAtMs > nowMs && expiresAtMs <= latestMs) return expiresAtMs;
  const message = `expires is to be an ISO 8601 date or date-time that lies ahead, by ${days} days at most`;
  throw new FileError("invalid-argument", message, { field: "expires" });
}

/** In the form of other changes of the configuration. Its id follows from the token, so that a retry adds nothing. */
function changeContent(apiToken: ApiToken, operation: "created" | "deleted", source: string): EventContent {
  const { id, name, accountName, scopes, expiresAtMs } = apiToken;
  const state = { id, account: accountName, name, scopes, expires: new Date(expiresAtMs).toISOString() };
  const states = operation === "created" ? { after: state } : { before: state };
  return {
    type: "configuration.changed",
    id: `${id}.${operation}`,
    message: `API token ${name} of ${accountName} ${operation}`,
    data: { kind: "api-token", name, operation, source, fields: Object.keys(state), ...states },
  };
}
