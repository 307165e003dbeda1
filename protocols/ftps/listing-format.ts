import { formatTimeValue } from "./time-value.ts";

/** What a listing shows of one file or folder. */
export interface ListedEntry {
  readonly name: string;
  readonly type: "file" | "directory";
  readonly size: number;
  readonly modifiedAtMs: number;
}

/** The facts of RFC 3659 §7.5 that the server knows, in the order in which FEAT names them. */
export const factNames = ["type", "size", "modify"] as const;

export type FactName = (typeof factNames)[number];

/** `fact=value;… name` (RFC 3659 §7.2). Folders have no size. */
export function formatFacts(entry: Omit<ListedEntry, "name">, name: string, facts: readonly FactName[]): string {
  const values: Readonly<Record<FactName, string | undefined>> = {
    type: entry.type === "directory" ? "dir" : "file",
    size: entry.type === "directory" ? undefined : `${entry.size}`,
    modify: formatTimeValue(entry.modifiedAtMs),
  };
  const known = facts.filter((fact) => values[fact] !== undefined);
  return `${known.map((fact) => `${fact}=${values[fact]};`).join("")} ${name}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const halfYearMs = 182 * 24 * 60 * 60 * 1000;

/**
 * A line as `ls -l` writes it, in UTC: no RFC defines LIST, and this is the form that every client can read. Modes
 * and link counts are there for the form's sake; permissions are decided by rules.
 */
export function formatListLine(entry: ListedEntry, owner: string, nowMs: number): string {
  const mode = entry.type === "directory" ? "drwxr-x---" : "-rw-r-----";
  const word = owner.replace(/\s/g, "_");
  const size = `${entry.size}`.padStart(12);
  return `${mode} 1 ${word} ${word} ${size} ${listDate(entry.modifiedAtMs, nowMs)} ${entry.name}`;
}

function listDate(timeMs: number, nowMs: number): string {
  const date = new Date(timeMs);
  const day = `${months[date.getUTCMonth()]} ${`${date.getUTCDate()}`.padStart(2)}`;
  const isRecent = timeMs > nowMs - halfYearMs && timeMs <= nowMs;
  return isRecent ? `${day} ${date.toISOString().slice(11, 16)}` : `${day}  ${date.getUTCFullYear()}`;
}
