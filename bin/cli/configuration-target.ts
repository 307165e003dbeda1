import type { Provisions } from "../../adapters/node/configuration/entry-checks.ts";
import type { EntryKind, FieldChange, JsonObject } from "../../core/configuration-entry.ts";
import type { FieldProblem } from "../../core/configuration-error.ts";

export type EntriesByKind = ReadonlyMap<EntryKind, readonly TargetEntry[]>;

export interface TargetEntry {
  readonly name: string;
  readonly value: JsonObject;
}

export interface ProposedChange {
  readonly kind: EntryKind;
  readonly name: string;
  /** Undefined removes the entry. */
  readonly wanted: TargetEntry | undefined;
}

/** Accounts, groups and rules that a configuration file is held against: a data directory, or a server's API. */
export interface ConfigurationTarget {
  /** What words of the operator call it. */
  readonly name: string;
  /** Every entry of the kind, with every default. */
  entries(kind: EntryKind): Promise<readonly TargetEntry[]>;
  /** What differs between an entry and the one of the file. */
  changes(kind: EntryKind, current: TargetEntry, wanted: TargetEntry): Promise<readonly FieldChange[]>;
  /** What entries need that is no entry; undefined where only the target knows. */
  readonly provisions: Provisions | undefined;
  /**
   * Why the target would refuse the change as things are, where it knows more than whoever asks; nothing is changed.
   * @param has whether the target has such an entry now
   */
  refusals(change: ProposedChange, has: (kind: EntryKind, name: string) => boolean): Promise<readonly FieldProblem[]>;
  /** @throws Error with a message for the operator */
  put(kind: EntryKind, wanted: TargetEntry): Promise<void>;
  /** @throws Error with a message for the operator */
  remove(kind: EntryKind, name: string): Promise<void>;
  close(): Promise<void>;
}
