import type { Account } from "../../core/account.ts";
import type { Peer, TerminateCause } from "../../core/accounting-event.ts";
import { limits } from "../../core/limits.ts";
import { evaluateLogin } from "../../core/login.ts";
import type { SessionServices } from "./services.ts";

/** What a review needs of a session. */
export interface LiveSession {
  /** Not counted against limits.sessionsPerAccount. */
  readonly isOneRequest: boolean;
  /** Undefined before the login. */
  readonly account: Account | undefined;
  readonly peer: Peer;
  /** False once the token that the session acts with is revoked or has expired. */
  isGranted(): Promise<boolean>;
  refresh(account: Account): void;
  disconnect(cause: TerminateCause, reason: string): Promise<void>;
}

/** The live sessions of this process: counted per account, reviewed against their accounts, ended together. */
export class SessionRegistry {
  readonly #services: SessionServices;
  readonly #sessions = new Set<LiveSession>();
  readonly #stopReviews: () => void;

  constructor(services: SessionServices) {
    this.#services = services;
    this.#stopReviews = services.runtime.every(limits.sessionReviewMs, () => {
      this.review().catch((error: unknown) =>
        services.runtime.log.error("session review failed", { error: `${error}` }),
      );
    });
  }

  get count(): number {
    return this.#sessions.size;
  }

  add(session: LiveSession): void {
    this.#sessions.add(session);
  }

  delete(session: LiveSession): void {
    this.#sessions.delete(session);
  }

  countOf(accountName: string): number {
    let count = 0;
    for (const { account, isOneRequest } of this.#sessions)
      if (account?.name === accountName && !isOneRequest) count += 1;
    return count;
  }

  /**
   * Ends every session whose account is gone, disabled, expired or no longer allows its address, and every one whose
   * API token is gone; the others go on with the permissions that their account has at this moment.
   */
  async review(): Promise<void> {
    for (const session of [...this.#sessions]) await this.#reviewOne(session);
  }

  /** Ends all sessions; resolves when their ends are on record. */
  async endAll(cause: TerminateCause): Promise<void> {
    this.#stopReviews();
    await Promise.all([...this.#sessions].map((session) => session.disconnect(cause, "the server is stopping")));
  }

  async #reviewOne(session: LiveSession): Promise<void> {
    const name = session.account?.name;
    if (name === undefined) return;
    if (!(await session.isGranted())) return session.disconnect("admin-reset", "the API token is no longer good");
    const account = await this.#services.accounts.find(name);
    // The same name on file here and elsewhere is two accounts.
    if (!account || account.external !== session.account?.external) {
      return session.disconnect("admin-reset", "the account was removed");
    }
    const login = evaluateLogin(account, this.#services.runtime.now(), session.peer.address);
    if (login.ok) return session.refresh(account);
    const cause = login.reason === "account-expired" ? "session-timeout" : "admin-reset";
    await session.disconnect(cause, `the account may no longer be used: ${login.reason}`);
  }
}
