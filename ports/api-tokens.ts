import type { Scope } from "../core/api-token.ts";

/** An API token as the server knows it: without the secret, of which only the digest is kept. */
export interface ApiToken {
  /** Also the id of its session in the accounting record. */
  readonly id: string;
  readonly accountName: string;
  /** Unique among the account's tokens. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** SHA-256 of the token, in lower-case hex. */
  readonly digest: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** The API tokens that may be used. They survive a restart, and so does their end. */
export interface ApiTokenStore {
  /**
   * Keeps a token unless the account has `most` tokens already, or one of this name. It looks and keeps in one step,
   * and what it kept is durable when it resolves.
   */
  add(token: ApiToken, most: number): Promise<"added" | "name-taken" | "too-many">;
  find(reference: { readonly id: string } | { readonly digest: string }): Promise<ApiToken | undefined>;
  /** The account's tokens, oldest first. */
  list(accountName: string): Promise<readonly ApiToken[]>;
  /** Durable when it resolves; harmless when there is no such token. */
  remove(id: string): Promise<void>;
  /** Removes those whose time is over at `nowMs`, milliseconds since the epoch. */
  removeExpired(nowMs: number): Promise<void>;
  /** Whose tokens there are. */
  accountNames(): Promise<readonly string[]>;
}

/** Makes tokens that nobody can guess. */
export interface ApiTokenMint {
  /** A new token, and what is kept of it. */
  create(): { readonly token: string; readonly digest: string };
  /** What is kept of this token; undefined for what does not have the form of one. */
  digestOf(token: string): string | undefined;
}
