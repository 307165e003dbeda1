import { type EventType, eventTypes } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import { parseInstant } from "../../core/instant.ts";
import { limits } from "../../core/limits.ts";
import { canonicalAddress } from "../../core/source-address.ts";
import { parseVirtualPath, rootPath } from "../../core/virtual-path.ts";
import type { EventQuery } from "../../ports/accounting-log.ts";

/** Names and values in the order in which the client gave them; `type` may occur several times. */
export type EventParameters = Iterable<readonly [name: string, value: string]>;

const names = ["since", "until", "type", "account", "peer", "path", "limit", "cursor", "order"] as const;
type Name = (typeof names)[number];
type Given = ReadonlyMap<Name, readonly string[]>;

/**
 * Reads the query of an event search. Nothing is guessed: what is unknown, repeated or empty is refused.
 * @throws FileError `invalid-argument` with the parameter as `field`.
 */
export function parseEventQuery(parameters: EventParameters): EventQuery {
  const given = collect(parameters);
  return {
    since: instant(given, "since"),
    until: instant(given, "until"),
    types: types(given),
    account: single(given, "account"),
    peer: peer(given),
    path: path(given),
    limit: limit(given),
    cursor: single(given, "cursor"),
    order: order(given),
  };
}

function collect(parameters: EventParameters): Given {
  const given = new Map<Name, string[]>();
  for (const [text, value] of parameters) {
    const name = names.find((known) => known === text);
    if (!name) throw invalid(text, `${text} is not a parameter of events; known are ${names.join(", ")}`);
    if (value === "") throw invalid(name, `${name} is empty`);
    given.set(name, [...(given.get(name) ?? []), value]);
  }
  return given;
}

function single(given: Given, name: Name): string | undefined {
  const [value, ...more] = given.get(name) ?? [];
  if (more.length > 0) throw invalid(name, `${name} is given more than once`);
  return value;
}

/** In the form of an event's `time`, so that a log may compare the texts. */
function instant(given: Given, name: Name): string | undefined {
  const text = single(given, name);
  if (text === undefined) return undefined;
  const instantMs = parseInstant(text);
  if (instantMs === undefined) {
    throw invalid(name, `${name} is not an ISO 8601 date or date-time (in a URL, + is written %2B)`);
  }
  return new Date(instantMs).toISOString();
}

function types(given: Given): EventType[] | undefined {
  return given
    .get("type")
    ?.flatMap((list) => list.split(","))
    .map((text) => {
      const type = eventTypes.find((known) => known === text.trim());
      if (!type) throw invalid("type", `${JSON.stringify(text)} is not a type of event`);
      return type;
    });
}

function peer(given: Given): string | undefined {
  const text = single(given, "peer");
  if (text === undefined) return undefined;
  // The zone of a link-local address (`%eth0`) is part of what is on record.
  const [address = "", ...zone] = text.split("%");
  const canonical = canonicalAddress(address);
  if (canonical === undefined) throw invalid("peer", "peer is not an IP address");
  return [canonical, ...zone].join("%");
}

function path(given: Given): string | undefined {
  const raw = single(given, "path");
  if (raw === undefined) return undefined;
  try {
    const canonical = parseVirtualPath(raw);
    return raw.endsWith("/") && canonical !== rootPath ? `${canonical}/` : canonical;
  } catch (error) {
    throw error instanceof FileError ? invalid("path", error.message) : error;
  }
}

function limit(given: Given): number {
  const text = single(given, "limit") ?? `${limits.eventPageDefaultEntries}`;
  const entries = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (entries >= 1 && entries <= limits.eventPageEntries) return entries;
  throw invalid("limit", `limit is not a number from 1 to ${limits.eventPageEntries}`);
}

function order(given: Given): "asc" | "desc" {
  const text = single(given, "order") ?? "asc";
  if (text === "asc" || text === "desc") return text;
  throw invalid("order", "order is neither asc nor desc");
}

function invalid(field: string, message: string): FileError {
  return new FileError("invalid-argument", message, { field });
}
