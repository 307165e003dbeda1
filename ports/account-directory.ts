import type { Account } from "../core/account.ts";

/** Who is on file. Answers reflect changes within limits.sessionReviewMs. */
export interface AccountDirectory {
  /** The account with exactly this name, with its groups; undefined when there is none. */
  find(name: string): Promise<Account | undefined>;
}
