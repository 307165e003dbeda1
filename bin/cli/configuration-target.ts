import type { EntryKind, FieldChange, JsonObject } from "../../core/configuration-entry.ts";

export interface TargetEntry {
  readonly name: string;
  readonly value: JsonObject;
}

/** Accounts, groups and rules that a configuration file is held against: a data directory, or a server's API. */
export interface ConfigurationTarget {
  /** What words of the operator call it. */
  readonly name: string;
  /** Every entry of the kind, with every default. */
  entries(kind: EntryKind): Promise<readonly TargetEntry[]>;
  /** What differs between an entry and the one of the file. */
  changes(kind: EntryKind, current: TargetEntry, wanted: TargetEntry): Promise<readonly FieldChange[]>;
  /** @throws Error with a message for the operator */
  put(kind: EntryKind, wanted: TargetEntry): Promise<void>;
  /** @throws Error with a message for the operator */
  remove(kind: EntryKind, name: string): Promise<void>;
  close(): Promise<void>;
}
