import type { Attributes } from "./attributes.ts";
import type { ListedEntry, ListedFacts } from "./handles.ts";

/**
 * Every file and folder has this owner and these modes: who may do what is decided by permission rules, which modes
 * cannot express. The ids are those of no system account, so that a mounted folder does not look like root's.
 */
const ownerId = 1000;
const directoryMode = 0o040755;
const fileMode = 0o100644;

const maxSeconds = 2 ** 32 - 1;
/** `ls -l` shows the time of day for about half a year, then the year. */
const recentMs = 182 * 24 * 60 * 60 * 1000;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export function attributesOf({ type, size, modifiedAtMs }: ListedFacts): Attributes {
  const seconds = Math.min(Math.max(0, Math.floor(modifiedAtMs / 1000)), maxSeconds);
  return {
    size,
    owner: { uid: ownerId, gid: ownerId },
    permissions: type === "directory" ? directoryMode : fileMode,
    times: { accessed: seconds, modified: seconds },
  };
}

/** The names behind the ids in {@link attributesOf}; others have none. */
export function nameOfId(id: number, name: string): string {
  return id === ownerId ? name : "";
}

/** The line for one entry in the form that `ls -l` prints and clients parse; times are UTC. */
export function longNameOf(entry: ListedEntry, owner: { user: string; group: string }, nowMs: number): string {
  const mode = entry.type === "directory" ? "drwxr-xr-x" : "-rw-r--r--";
  const [user, group] = [owner.user, owner.group].map((name) => name.replaceAll(" ", "_").padEnd(8));
  const size = `${entry.size}`.padStart(10);
  return `${mode}    1 ${user} ${group} ${size} ${dateOf(entry.modifiedAtMs, nowMs)} ${entry.name}`;
}

function dateOf(timeMs: number, nowMs: number): string {
  const time = new Date(timeMs);
  const day = `${months[time.getUTCMonth()]} ${`${time.getUTCDate()}`.padStart(2)}`;
  const isRecent = timeMs <= nowMs && timeMs > nowMs - recentMs;
  return isRecent ? `${day} ${time.toISOString().slice(11, 16)}` : `${day}  ${time.getUTCFullYear()}`;
}
