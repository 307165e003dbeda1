import { createHash } from "node:crypto";
import type { ConfigurationEntry } from "../../../ports/configuration-store.ts";
import type { EntryRow } from "../sqlite-configuration.ts";

const etagLength = 22;

/** A row of the store as an entry. Its etag is a part of the SHA-256 of its value: 22 characters, 132 bits. */
export function entryOf({ kind, name, value, modified, seeded }: EntryRow): ConfigurationEntry {
  const etag = createHash("sha256").update(value).digest("base64url").slice(0, etagLength);
  return { kind, name, value: JSON.parse(value), etag, origin: seeded ? "file" : "api", modified };
}
