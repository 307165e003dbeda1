import type { ExternalAccount } from "../core/external-account.ts";

/** What another system said about an account at its latest login. */
export interface VouchedAccount {
  readonly name: string;
  readonly external: ExternalAccount;
  /** Milliseconds since the epoch; from then on it holds no more. */
  readonly expiresAtMs: number;
}

/** Remembers vouched accounts over restarts. Both methods throw FileError `unavailable`. */
export interface VouchedAccounts {
  /** Those that still hold, at most limits.externalAccounts, the one that logged in last coming last. */
  load(): Promise<readonly VouchedAccount[]>;
  /** Takes the place of what was said about the same name before. */
  keep(account: VouchedAccount): Promise<void>;
}
