/** A session that goes on from request to request, known to its client by a token. */
export interface TokenSession {
  /** The session's id in the accounting record. */
  readonly sessionId: string;
  readonly accountName: string;
  /** Changes when the account's password or source addresses change: the session is over then. */
  readonly credentialsVersion: string;
  /** Where the client logged in from. */
  readonly peer: { readonly address: string; readonly port: number };
  readonly startedAtMs: number;
  readonly expiresAtMs: number;
}

/** The sessions whose tokens are good. They survive a restart, and so does their end. */
export interface TokenSessionStore {
  /** Durable when it resolves. */
  add(session: TokenSession): Promise<void>;
  find(sessionId: string): Promise<TokenSession | undefined>;
  /** Durable when it resolves; harmless when there is no such session. */
  remove(sessionId: string): Promise<void>;
  countOf(accountName: string): Promise<number>;
  /** Those whose time is over at `nowMs`, milliseconds since the epoch, at most 1,000 of them. */
  expired(nowMs: number): Promise<readonly TokenSession[]>;
}

/** Makes tokens that nobody else can make, and recognizes them. */
export interface TokenSigner {
  /** The token of a session, good until its expiry. */
  sign(session: TokenSession): Promise<string>;
  /** The id of the session that the token was made for; undefined for what is expired or was not made here. */
  verify(token: string): Promise<string | undefined>;
}
