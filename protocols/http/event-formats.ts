import type { AccountingEvent } from "../../core/accounting-event.ts";

/** The record as text, in pieces: `head`, and one piece for each event. */
export interface EventFormat {
  readonly mediaType: string;
  /** With the parameters of the media type. */
  readonly contentType: string;
  readonly head: string;
  readonly piece: (event: AccountingEvent) => string;
}

type Column = readonly [name: string, value: (event: AccountingEvent) => unknown];

/** The fields of `data` that most events have; `data` holds all of them as JSON. */
const columns: readonly Column[] = [
  ["id", ({ id }) => id],
  ["time", ({ time }) => time],
  ["type", ({ type }) => type],
  ["server", ({ server }) => server],
  ["account", ({ account }) => account?.name],
  ["groups", ({ account }) => account?.groups.join(" ")],
  ["session", ({ session }) => session],
  ["protocol", ({ protocol }) => protocol],
  ["peerAddress", ({ peer }) => peer?.address],
  ["peerPort", ({ peer }) => peer?.port],
  ["path", ({ data }) => data.path],
  ["direction", ({ data }) => data.direction],
  ["bytes", ({ data }) => data.bytes],
  ["sha256", ({ data }) => data.sha256],
  ["message", ({ message }) => message],
  ["data", ({ data }) => JSON.stringify(data)],
];

export const eventFormats: Readonly<Record<"csv" | "ndjson", EventFormat>> = {
  csv: {
    mediaType: "text/csv",
    contentType: "text/csv; charset=utf-8; header=present",
    head: csvLine(columns.map(([name]) => name)),
    piece: (event) => csvLine(columns.map(([, value]) => value(event))),
  },
  ndjson: {
    mediaType: "application/x-ndjson",
    contentType: "application/x-ndjson",
    head: "",
    piece: (event) => `${JSON.stringify(event)}\n`,
  },
};

/** RFC 4180. */
function csvLine(values: readonly unknown[]): string {
  return `${values.map(cell).join(",")}\r\n`;
}

/** A client chooses its name and its paths, and a spreadsheet would compute what begins like a formula. */
function cell(value: unknown): string {
  if (value === undefined || value === null) return "";
  const text = String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
