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
  "alert.sent",
  "alert.failed",
  "scan.clean",
  "scan.infected",
  "scan.failed",
  "configuration.changed",
  "file.missing",
  "account.expiring",
  "certificate.expiring",
  "server.started",
  "server.stopping",
] as const;

export type EventType = (typeof eventTypes)[number];

export type Protocol = "sftp" | "ftps" | "https" | "system";

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

/** Why a session ended, in the words of RFC 2866 §5.10. */
export type TerminateCause =
  | "user-request"
  | "lost-carrier"
  | "idle-timeout"
  | "session-timeout"
  | "admin-reset"
  | "admin-reboot"
  | "protocol-error";
