/** Every type of accounting event, in the order of the public contract. */
export const eventTypes = [
  "session.started",
  "session.ended",
  "authentication.succeeded",
  "authentication.failed",
  "access.denied",
  "transfer.started",
  "transfer.completed",
  "transfer.aborted",
  "file.deleted",
  "file.renamed",
  "file.copied",
  "directory.created",
  "directory.deleted",
  "directory.listed",
  "attributes.changed",
  "dispatch.completed",
  "dispatch.failed",
  "dispatch.skipped",
  "pull.completed",
  "pull.failed",
  "pull.recovered",
  "alert.sent",
  "alert.failed",
  "scan.clean",
  "scan.infected",
  "scan.failed",
  "scan.released",
  "scan.refused",
  "configuration.changed",
  "file.missing",
  "account.expiring",
  "certificate.expiring",
  "server.started",
  "server.stopping",
] as const;

export type EventType = (typeof eventTypes)[number];

const protocols = ["sftp", "ftps", "https", "system"] as const;

export type Protocol = (typeof protocols)[number];

export interface Peer {
  readonly address: string;
  readonly port: number;
}

/** One thing that happened, once. `data` never holds a secret. Times are ISO 8601 in UTC with milliseconds. */
export interface AccountingEvent {
  /** Unique for ever; derived from its cause where a retry could make the event again. */
  readonly id: string;
  readonly type: EventType;
  readonly time: string;
  readonly server: string;
  readonly account?: { readonly name: string; readonly groups: readonly string[] };
  readonly session?: string;
  readonly protocol: Protocol;
  readonly peer?: Peer;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The event that a value read from JSON is; undefined for anything else. Members that are no part of it stay in it. */
export function asAccountingEvent(value: unknown): AccountingEvent | undefined {
  if (!isObject(value) || !isObject(value.data)) return undefined;
  const texts = [value.id, value.server, value.message];
  const isComplete =
    texts.every((text) => typeof text === "string" && text !== "") &&
    eventTypes.some((type) => type === value.type) &&
    protocols.some((protocol) => protocol === value.protocol) &&
    typeof value.time === "string" &&
    isoTime.test(value.time);
  return isComplete && hasAccount(value) && hasPeer(value) ? (value as unknown as AccountingEvent) : undefined;
}

const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function hasAccount({ account, session }: Readonly<Record<string, unknown>>): boolean {
  if (session !== undefined && typeof session !== "string") return false;
  if (account === undefined) return true;
  return isObject(account) && typeof account.name === "string" && Array.isArray(account.groups);
}

function hasPeer({ peer }: Readonly<Record<string, unknown>>): boolean {
  return peer === undefined || (isObject(peer) && typeof peer.address === "string" && typeof peer.port === "number");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Why a session ended, in the words of RFC 2866 §5.10. */
export type TerminateCause =
  | "user-request"
  | "lost-carrier"
  | "idle-timeout"
  | "session-timeout"
  | "admin-reset"
  | "admin-reboot"
  | "nas-reboot"
  | "protocol-error";
