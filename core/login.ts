import type { Account } from "./account.ts";
import { parseAddressBlock } from "./source-address.ts";

/** Why an account that proved who it is may not log in all the same. */
export type LoginRefusal = "account-disabled" | "group-disabled" | "account-expired" | "source-refused";

export type LoginEvaluation = { readonly ok: true } | { readonly ok: false; readonly reason: LoginRefusal };

/**
 * Decides whether the account may log in at `nowMs` (milliseconds since the epoch) from `peerAddress`. The reason is
 * the first that applies, in the order of {@link LoginRefusal}. One disabled group is enough to refuse.
 * @throws SourceAddressError when one of the account's sources cannot be read.
 */
export function evaluateLogin(account: Account, nowMs: number, peerAddress: string): LoginEvaluation {
  if (!account.enabled) return refused("account-disabled");
  if (!account.groups.every((group) => group.enabled)) return refused("group-disabled");
  // Written so that an expiry that is not a number refuses.
  const inTime = account.expiresAtMs === undefined || nowMs < account.expiresAtMs;
  if (!inTime) return refused("account-expired");
  if (!acceptsSource(account, peerAddress)) return refused("source-refused");
  return { ok: true };
}

function acceptsSource({ sources }: Account, peerAddress: string): boolean {
  return sources === undefined || sources.some((source) => parseAddressBlock(source).contains(peerAddress));
}

function refused(reason: LoginRefusal): LoginEvaluation {
  return { ok: false, reason };
}
