import { createHash } from "node:crypto";
import type { EntryKind } from "../../../core/configuration-entry.ts";
import type { ConfigurationEntry } from "../../../ports/configuration-store.ts";

export interface EntryName {
  readonly kind: EntryKind;
  readonly name: string;
}

/** `value` is JSON text in which equal values are equal texts. */
export interface EntryText extends EntryName {
  readonly value: string;
}

/** An entry as a store keeps it. */
export interface EntryRow extends EntryText {
  readonly modified: string;
  /** Whether it is what the configuration file says. */
  readonly seeded: boolean;
}

const etagLength = 22;

/** A row of the store as an entry. Its etag is a part of the SHA-256 of its value: 22 characters, 132 bits. */
export function entryOf({ kind, name, value, modified, seeded }: EntryRow): ConfigurationEntry {
  const etag = createHash("sha256").update(value).digest("base64url").slice(0, etagLength);
  return { kind, name, value: JSON.parse(value), etag, origin: seeded ? "file" : "api", modified };
}
