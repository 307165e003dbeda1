import type { AccountingEvent } from "./accounting-event.ts";
import { limits } from "./limits.ts";

/** A template that names what no event has. The message is one clause. */
export class EventTemplateError extends Error {
  override readonly name = "EventTemplateError";
}

/** Text in which `{account.name}` and the like stand for parts of an event. */
export interface EventTemplate {
  readonly source: string;
}

const valueName = /\{([A-Za-z][\w.-]*)\}/g;

const roots = ["id", "type", "time", "server", "session", "protocol", "message", "file.name", "rule"];
const accountParts = ["account.name", "account.groups"];
const peerParts = ["peer.address", "peer.port"];
const known: ReadonlySet<string> = new Set([...roots, ...accountParts, ...peerParts]);

/**
 * Reads a template. `{data.NAME}` stands for a member of the event's data, at any depth; braces that hold no name are
 * themselves. @throws EventTemplateError for a name that no event can have.
 */
export function parseEventTemplate(source: string): EventTemplate {
  for (const [, name = ""] of source.matchAll(valueName)) {
    if (known.has(name) || /^data\.[^.]/.test(name)) continue;
    throw new EventTemplateError(`an event has no ${JSON.stringify(name)}; there are ${[...known].join(", ")}, data.…`);
  }
  return { source };
}

/**
 * The template with the event's values in it, in one line. What the event lacks is empty. Line breaks and other
 * control characters become spaces, so that no value can end a header and begin another (RFC 5322 §2.2); the answer
 * has at most limits.emailHeaderLength characters.
 */
export function renderEventTemplate({ source }: EventTemplate, event: AccountingEvent, rule: string): string {
  const values = { ...event, rule, file: { name: fileNameOf(event) } };
  const text = source.replace(valueName, (_, name: string) => textOf(valueAt(values, name.split("."))));
  const line = text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").toWellFormed();
  return [...line].slice(0, limits.emailHeaderLength).join("").trim();
}

function fileNameOf({ data }: AccountingEvent): string | undefined {
  return typeof data.path === "string" ? data.path.slice(data.path.lastIndexOf("/") + 1) : undefined;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => {
    const isMapping = typeof inner === "object" && inner !== null && Object.hasOwn(inner, name);
    return isMapping ? (inner as Readonly<Record<string, unknown>>)[name] : undefined;
  }, value);
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (Array.isArray(value)) return value.map(textOf).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
