import { entryChanges, redacted } from "../../core/configuration-entry.ts";
import { limits } from "../../core/limits.ts";
import type { ConfigurationEntry, EntryOutcome } from "../../ports/configuration-store.ts";
import type { EventContent } from "../session/recorder.ts";

/** Who asked for a change: a client of the API, a new version of the configuration file, `ferrygate apply`. */
export type ChangeSource = "api" | "file" | "apply";

export type Operation = "created" | "changed" | "deleted" | "unchanged";

export function operationOf({ before, after }: EntryOutcome): Operation {
  if (before && after) return before.etag === after.etag ? "unchanged" : "changed";
  return after ? "created" : "deleted";
}

// JSON of other alphabets takes more bytes than it has characters, and the event has more than its data.
const mostCharacters = limits.eventBytes / 4;
const mostFields = 100;

/**
 * The content of `configuration.changed`: `{kind, name, operation, source, fields, before?, after?}` without secrets.
 * An entry too large for an event leaves `before` and `after` out.
 */
export function changeContent(outcome: EntryOutcome, source: ChangeSource): EventContent {
  const { before, after } = outcome;
  const { kind, name } = after ?? before ?? { kind: "account", name: "" };
  const operation = operationOf(outcome);
  const fields = [...new Set(entryChanges(kind, before?.value, after?.value).map(({ field }) => field))];
  const states = { ...(before && { before: shown(before) }), ...(after && { after: shown(after) }) };
  const isSmall = JSON.stringify(states).length <= mostCharacters;
  return {
    type: "configuration.changed",
    message: `${kind.replace("-", " ")} ${name} ${operation}`,
    data: { kind, name, operation, source, fields: fields.slice(0, mostFields), ...(isSmall && states) },
  };
}

function shown({ kind, value }: ConfigurationEntry) {
  return redacted(kind, value);
}
