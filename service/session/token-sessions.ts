import type { Account } from "../../core/account.ts";
import type { TerminateCause } from "../../core/accounting-event.ts";
import type { Credential } from "../../core/credential.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { evaluateLogin } from "../../core/login.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { TokenSession, TokenSessionStore, TokenSigner } from "../../ports/session-tokens.ts";
import type { Connection } from "./connection.ts";
import type { OpenSession, ResumeSession } from "./open-session.ts";
import { Recorder, sessionEndId } from "./recorder.ts";
import type { SessionServices } from "./services.ts";
import type { Session } from "./session.ts";

export interface IssuedToken {
  readonly token: string;
  readonly expiresAtMs: number;
}

export interface TokenSessionsOptions {
  readonly services: SessionServices;
  readonly openSession: OpenSession;
  readonly resumeSession: ResumeSession;
  readonly store: TokenSessionStore;
  readonly signer: TokenSigner;
}

/**
 * Sessions that last from a login to a logout over any number of connections. Each has one start and one end on
 * record; the requests between them carry its id.
 */
export class TokenSessions {
  readonly #options: TokenSessionsOptions;
  readonly #stopEnding: () => void;

  constructor(options: TokenSessionsOptions) {
    this.#options = options;
    const { runtime } = options.services;
    this.#stopEnding = runtime.every(limits.sessionReviewMs, () => {
      this.endExpired().catch((error: unknown) =>
        runtime.log.error("expired sessions could not be ended", { error: `${error}` }),
      );
    });
  }

  /** Logs in. Undefined when the login is refused, which is on record. @throws FileError `unavailable`. */
  async start(connection: Connection, credential: Credential): Promise<IssuedToken | undefined> {
    const session = this.#options.openSession(connection);
    try {
      const accepted = await session.authenticate(credential);
      if (accepted && session.account) return await this.#issue(session, session.account);
    } catch (error) {
      await session.end("protocol-error");
      throw error;
    }
    await session.end("user-request");
    return undefined;
  }

  /**
   * The session of this token, for one request: its `end` ends what the request has open and not the session.
   * Undefined when the token is not, or no longer, good: expired, logged out, or the account has changed.
   */
  async resume(connection: Connection, token: string): Promise<Session | undefined> {
    const { services, store, signer, resumeSession } = this.#options;
    const sessionId = await signer.verify(token);
    const held = sessionId === undefined ? undefined : await store.find(sessionId);
    if (!held || services.runtime.now() >= held.expiresAtMs) return undefined;
    const account = await services.accounts.find(held.accountName);
    if (!account || credentialsVersionOf(services.runtime, account) !== held.credentialsVersion) {
      await this.#end(held, "admin-reset");
      return undefined;
    }
    const login = evaluateLogin(account, services.runtime.now(), connection.peer.address);
    if (!login.ok) {
      // Another address may still be allowed to use the token.
      if (login.reason !== "source-refused") await this.#end(held, "admin-reset");
      return undefined;
    }
    return resumeSession(connection, { sessionId: held.sessionId, account, startedAtMs: held.startedAtMs });
  }

  /** Logs out: the token is refused from here on. False when the session is none of a token. */
  async end(sessionId: string): Promise<boolean> {
    const held = await this.#options.store.find(sessionId);
    if (held) await this.#end(held, "user-request");
    return held !== undefined;
  }

  /** Puts the end of sessions on record whose time is over. */
  async endExpired(): Promise<void> {
    const { services, store } = this.#options;
    for (const held of await store.expired(services.runtime.now())) await this.#end(held, "session-timeout");
  }

  /** Leaves sessions alone from here on, for a server that stops: they go on after its next start. */
  close(): void {
    this.#stopEnding();
  }

  async #issue(session: Session, account: Account): Promise<IssuedToken> {
    const { services, store, signer } = this.#options;
    if ((await store.countOf(account.name)) >= limits.tokenSessionsPerAccount) {
      throw new FileError("unavailable", "the account has too many sessions; end some, or wait until they expire");
    }
    const startedAtMs = services.runtime.now();
    const held: TokenSession = {
      sessionId: session.id,
      accountName: account.name,
      credentialsVersion: credentialsVersionOf(services.runtime, account),
      peer: session.peer,
      startedAtMs,
      expiresAtMs: startedAtMs + limits.tokenSessionMs,
    };
    const token = await signer.sign(held);
    await store.add(held);
    await session.release();
    return { token, expiresAtMs: held.expiresAtMs };
  }

  /** The record first, under an id that a second try repeats, so that no session is left without an end. */
  async #end(held: TokenSession, cause: TerminateCause): Promise<void> {
    const { services, store } = this.#options;
    const { sessionId, peer, accountName, startedAtMs } = held;
    const recorder = new Recorder(services, { protocol: "https", session: sessionId, peer });
    const account = await services.accounts.find(accountName);
    recorder.account = { name: accountName, groups: account?.groups.map(({ name }) => name) ?? [] };
    await recorder.record({
      type: "session.ended",
      id: sessionEndId(sessionId),
      message: `session ended: ${cause}`,
      data: { cause, durationMs: Math.max(0, services.runtime.now() - startedAtMs) },
    });
    await store.remove(sessionId);
  }
}

/** What a token session stands on: it is over when this changes. */
export function credentialsVersionOf(
  { sha256 }: Pick<Runtime, "sha256">,
  { passwordHash, sources, external = false }: Account,
): string {
  const digest = sha256();
  // A PHC string and address blocks: all of it is ASCII.
  const text = JSON.stringify([passwordHash ?? null, sources ?? null, external]);
  digest.update(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  return digest.hex();
}
