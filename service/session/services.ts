import type { AccountDirectory } from "../../ports/account-directory.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { FailedLogins } from "../../ports/failed-logins.ts";
import type { LoginAuthority } from "../../ports/login-authority.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { PasswordHasher } from "../../ports/password-hasher.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { ExternalAccounts } from "./external-accounts.ts";
import type { PasswordTurns } from "./password-turns.ts";
import type { ResumableUploads } from "./resumable-uploads.ts";
import type { UploadQuarantine } from "./upload-quarantine.ts";

/** What the session pipeline stands on; a composition root gives the local or the AWS set. */
export interface SessionServices {
  readonly objects: ObjectStore;
  readonly accounting: AccountingLog;
  readonly accounts: AccountDirectory;
  /** Who is asked about names that are not on file; `accounts` finds those that it accepted. */
  readonly external?: ExternalAccounts | undefined;
  /** Who decides about logins in place of this process; `accounts` tells what those that it let in may do. */
  readonly authority?: LoginAuthority | undefined;
  readonly passwords: PasswordHasher;
  /** Who counts wrong passwords; undefined where another process decides about logins, and counts them. */
  readonly failedLogins?: FailedLogins | undefined;
  /** In which order passwords are looked at; undefined where one process does not see many logins. */
  readonly passwordTurns?: PasswordTurns | undefined;
  /** Where uploads wait that have to be scanned; without it none has to. */
  readonly quarantine?: UploadQuarantine | undefined;
  /** What is kept of uploads that broke off; without it nothing is. */
  readonly resumable?: ResumableUploads | undefined;
  /** Where a scanner of the store itself keeps everybody from what it has not found clean. By default nowhere. */
  readonly isHeldInPlace?: ((objectKey: string) => boolean) | undefined;
  readonly runtime: Runtime;
  /** How events name this server. */
  readonly serverName: string;
}
