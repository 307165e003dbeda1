import { FileError } from "../../core/errors.ts";
import type { Pull } from "../../core/pull.ts";
import type { AccountDirectory } from "../../ports/account-directory.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { Claims } from "../../ports/claims.ts";
import type { CronCalendar } from "../../ports/cron-calendar.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { PullMemory } from "../../ports/pull-memory.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { UploadQuarantine } from "../session/upload-quarantine.ts";
import type { Destinations } from "./destination-access.ts";

/** What fetching stands on. */
export interface PullServices {
  /** Those in force. */
  readonly pulls: () => readonly Pull[];
  readonly destinations: Destinations;
  readonly memory: PullMemory;
  readonly claims: Claims;
  readonly calendar: CronCalendar;
  readonly objects: ObjectStore;
  /** Where files wait that have to be scanned; without it none has to. */
  readonly quarantine?: UploadQuarantine | undefined;
  readonly accounting: AccountingLog;
  readonly accounts: AccountDirectory;
  readonly runtime: Runtime;
  /** How events name this server. */
  readonly serverName: string;
}

/** What tells pulls that look from those that do not. */
export interface KnownPulls {
  readonly pulls: () => readonly Pull[];
  readonly destinations: Pick<Destinations, "find">;
}

/** Whether a pull looks when its schedule says so. */
export function isInForce({ destinations }: Pick<KnownPulls, "destinations">, pull: Pull): boolean {
  return pull.enabled && destinations.find(pull.destination)?.enabled !== false;
}

/** One that can look now. @throws FileError `not-found`; `precondition-failed` for one that is out of force */
export function pullInForce(known: KnownPulls, name: string): Pull {
  const pull = known.pulls().find((one) => one.name === name);
  if (!pull) throw new FileError("not-found", `there is no pull ${name}`);
  if (!isInForce(known, pull)) throw new FileError("precondition-failed", `the pull ${name} is not enabled`);
  return pull;
}
