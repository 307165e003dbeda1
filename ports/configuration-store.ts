import type { Account } from "../core/account.ts";
import type { AccountingEvent } from "../core/accounting-event.ts";
import type { EntryKind, JsonObject } from "../core/configuration-entry.ts";

/** One account, group or rule, in the form of the configuration file with every default filled in. */
export interface ConfigurationEntry {
  readonly kind: EntryKind;
  readonly name: string;
  /** With its secrets: whoever shows it redacts it. */
  readonly value: JsonObject;
  /** Changes with the value and with nothing else; without quotation marks. */
  readonly etag: string;
  /** `file` as long as the entry is what the configuration file says. */
  readonly origin: "file" | "api";
  /** ISO 8601 in UTC. */
  readonly modified: string;
}

export interface EntryPage {
  /** In the order of their names. */
  readonly entries: readonly ConfigurationEntry[];
  /** The name behind which the next page begins; absent on the last. */
  readonly next: string | undefined;
}

/** What has to hold of the entry as it is; otherwise nothing changes. */
export interface EntryPrecondition {
  /** It exists with one of these etags; `*` for any. */
  readonly ifMatch?: readonly string[] | "*" | undefined;
  /** It does not exist (`*`), or with none of these etags. */
  readonly ifNoneMatch?: readonly string[] | "*" | undefined;
}

export interface EntryChange {
  readonly kind: EntryKind;
  readonly name: string;
  /**
   * The entry as it is to be; `undefined` removes it. Called with the entry as it is, before anything changes, and
   * again when another change came in between.
   */
  readonly valueFrom: (before: ConfigurationEntry | undefined) => JsonObject | undefined;
  readonly precondition: EntryPrecondition;
  /** Everything is checked and nothing is changed. */
  readonly dryRun: boolean;
}

export interface EntryOutcome {
  readonly before: ConfigurationEntry | undefined;
  readonly after: ConfigurationEntry | undefined;
}

/**
 * Looks at a change that was found good, before it is made. What it throws stops the change.
 * @param accountAfter the accounts as the change would leave them
 * @returns the event that is kept together with the change
 */
export type AcceptChange = (
  outcome: EntryOutcome,
  accountAfter: (name: string) => Account | undefined,
) => AccountingEvent;

/** The accounts, groups and rules in force. A change is in force for the next question. */
export interface ConfigurationStore {
  /** @param page `after` is the `next` of the page before */
  list(kind: EntryKind, page: { readonly limit: number; readonly after?: string | undefined }): Promise<EntryPage>;
  find(kind: EntryKind, name: string): Promise<ConfigurationEntry | undefined>;
  /**
   * Makes one change, whole or not at all, and keeps the event of it until it is on record. A change without an
   * effect writes nothing and asks for no event.
   * @throws FileError `precondition-failed`; `not-found` for the removal of what is not there
   * @throws ConfigurationError `invalid-entry` with every problem of the value; `conflict` where the entry is in use
   */
  change(change: EntryChange, accept: AcceptChange): Promise<EntryOutcome>;
  /** Events of changes that are not known to be on record, oldest first. */
  unrecordedEvents(): Promise<readonly AccountingEvent[]>;
  /** Forgets events that are on record. */
  eventsRecorded(eventIds: readonly string[]): Promise<void>;
}
