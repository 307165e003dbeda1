import type { AccountDirectory } from "../../ports/account-directory.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { Claims } from "../../ports/claims.ts";
import type { ContentConversions } from "../../ports/content-conversions.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { Runtime } from "../../ports/runtime.ts";

/** What dispatching stands on. */
export interface DispatchServices {
  readonly objects: ObjectStore;
  readonly accounting: AccountingLog;
  readonly accounts: AccountDirectory;
  readonly claims: Claims;
  readonly conversions: ContentConversions;
  readonly runtime: Runtime;
  /** How events name this server. */
  readonly serverName: string;
}
