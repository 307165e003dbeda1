// Made by scripts/client-types.ts from the OpenAPI document. Change the operations, not this file.

export interface Account {
  readonly name: string;
  readonly groups?: readonly string[];
  readonly password?: string | { readonly set: true } | { readonly clear: string };
  readonly publicKeys?: readonly string[];
  readonly roles?: readonly ("admin" | "auditor" | "operator")[];
  readonly enabled?: boolean;
  readonly expires?: string;
  readonly sources?: readonly string[];
  readonly home?: string;
  readonly folders?: { readonly [name: string]: string };
  readonly permissions?: readonly (readonly string[])[];
  readonly scan?: "required" | readonly string[];
  readonly resumableUploads?: boolean;
}

export interface AccountingEvent {
  readonly id: string;
  readonly type:
    | "session.started"
    | "session.ended"
    | "authentication.succeeded"
    | "authentication.failed"
    | "access.denied"
    | "transfer.started"
    | "transfer.completed"
    | "transfer.aborted"
    | "file.deleted"
    | "file.renamed"
    | "file.copied"
    | "directory.created"
    | "directory.deleted"
    | "directory.listed"
    | "attributes.changed"
    | "dispatch.completed"
    | "dispatch.failed"
    | "dispatch.skipped"
    | "pull.completed"
    | "pull.failed"
    | "pull.recovered"
    | "alert.sent"
    | "alert.failed"
    | "scan.clean"
    | "scan.infected"
    | "scan.failed"
    | "scan.released"
    | "scan.refused"
    | "configuration.changed"
    | "file.missing"
    | "account.expiring"
    | "certificate.expiring"
    | "server.started"
    | "server.stopping";
  readonly time: string;
  readonly server: string;
  readonly account?: { readonly name: string; readonly groups: readonly string[] };
  readonly session?: string;
  readonly protocol: "sftp" | "ftps" | "https" | "system";
  readonly peer?: { readonly address: string; readonly port: number };
  readonly message: string;
  readonly data: { readonly [name: string]: unknown };
}

export interface AlertRule {
  readonly name: string;
  readonly enabled?: boolean;
  readonly when?: {
    readonly types: readonly (
      | "session.started"
      | "session.ended"
      | "authentication.succeeded"
      | "authentication.failed"
      | "access.denied"
      | "transfer.started"
      | "transfer.completed"
      | "transfer.aborted"
      | "file.deleted"
      | "file.renamed"
      | "file.copied"
      | "directory.created"
      | "directory.deleted"
      | "directory.listed"
      | "attributes.changed"
      | "dispatch.completed"
      | "dispatch.failed"
      | "dispatch.skipped"
      | "pull.completed"
      | "pull.failed"
      | "pull.recovered"
      | "alert.sent"
      | "alert.failed"
      | "scan.clean"
      | "scan.infected"
      | "scan.failed"
      | "scan.released"
      | "scan.refused"
      | "configuration.changed"
      | "file.missing"
      | "account.expiring"
      | "certificate.expiring"
      | "server.started"
      | "server.stopping"
      | "!session.started"
      | "!session.ended"
      | "!authentication.succeeded"
      | "!authentication.failed"
      | "!access.denied"
      | "!transfer.started"
      | "!transfer.completed"
      | "!transfer.aborted"
      | "!file.deleted"
      | "!file.renamed"
      | "!file.copied"
      | "!directory.created"
      | "!directory.deleted"
      | "!directory.listed"
      | "!attributes.changed"
      | "!dispatch.completed"
      | "!dispatch.failed"
      | "!dispatch.skipped"
      | "!pull.completed"
      | "!pull.failed"
      | "!pull.recovered"
      | "!alert.sent"
      | "!alert.failed"
      | "!scan.clean"
      | "!scan.infected"
      | "!scan.failed"
      | "!scan.released"
      | "!scan.refused"
      | "!configuration.changed"
      | "!file.missing"
      | "!account.expiring"
      | "!certificate.expiring"
      | "!server.started"
      | "!server.stopping"
    )[];
    readonly accounts?: readonly string[];
    readonly groups?: readonly string[];
    readonly protocols?: readonly ("sftp" | "ftps" | "https" | "system" | "!sftp" | "!ftps" | "!https" | "!system")[];
    readonly peers?: readonly string[];
    readonly path?: string;
    readonly data?: { readonly [name: string]: string | readonly string[] };
  };
  readonly expect?: {
    readonly account: string;
    readonly path: string;
    readonly by: string;
    readonly timeZone?: string;
    readonly days?: readonly ("sun" | "mon" | "tue" | "wed" | "thu" | "fri" | "sat")[];
  };
  readonly email?: {
    readonly to: readonly string[];
    readonly cc?: readonly string[];
    readonly bcc?: readonly string[];
    readonly readable?: boolean;
    readonly subject: string;
  };
  readonly webhook?: {
    readonly url: string;
    readonly secret?: string | { readonly set: true };
    readonly allowPrivate?: boolean;
  };
}

export interface ApiToken {
  readonly id: string;
  readonly account: string;
  readonly name: string;
  readonly scopes: readonly ("files:read" | "files:write" | "events:read" | "management" | "authorize")[];
  readonly created: string;
  readonly expires: string;
}

export interface ChangeReport {
  readonly operation: "created" | "changed" | "deleted" | "unchanged";
  readonly changes: readonly { readonly field: string; readonly before?: unknown; readonly after?: unknown }[];
}

export interface CreatedApiToken {
  readonly id: string;
  readonly account: string;
  readonly name: string;
  readonly scopes: readonly ("files:read" | "files:write" | "events:read" | "management" | "authorize")[];
  readonly created: string;
  readonly expires: string;
  readonly token: string;
}

export interface DeadLetter {
  readonly id: string;
  readonly consumer: string;
  readonly event: AccountingEvent;
  readonly reason: string;
  readonly attempts: number;
  readonly failedAt: string;
}

export interface Decision {
  readonly effect: "allow" | "deny";
  readonly rule: string;
  readonly account: string;
  readonly action:
    | "read"
    | "stat"
    | "list"
    | "traverse"
    | "write"
    | "create-folder"
    | "rename"
    | "delete-file"
    | "delete-folder"
    | "set-attributes";
  readonly path: string;
  readonly objectKey: string;
}

export interface Destination {
  readonly name: string;
  readonly enabled?: boolean;
  readonly url: string;
  readonly user?: string;
  readonly password?: string | { readonly set: true };
  readonly privateKey?: string | { readonly set: true };
  readonly passphrase?: string | { readonly set: true };
  readonly hostKeys?: readonly string[];
  readonly ca?: string;
  readonly fingerprints?: readonly string[];
  readonly tls?: "explicit" | "implicit";
  readonly region?: string;
  readonly endpoint?: string;
  readonly concurrency?: number;
  readonly bytesPerSecond?: number;
  readonly timeoutSeconds?: number;
  readonly tries?: number;
}

export interface DestinationState {
  readonly name: string;
  readonly url: string;
  readonly enabled: boolean;
  readonly waiting: number;
  readonly failure?: { readonly at: string; readonly reason: string };
}

export interface Directory {
  readonly entries: readonly {
    readonly name: string;
    readonly type: "file" | "directory";
    readonly size: number;
    readonly modified: string;
  }[];
  readonly next?: string;
}

export interface DispatchRule {
  readonly name: string;
  readonly enabled?: boolean;
  readonly when?: {
    readonly types?: readonly (
      | "transfer.completed"
      | "file.renamed"
      | "file.copied"
      | "scan.clean"
      | "scan.released"
      | "!transfer.completed"
      | "!file.renamed"
      | "!file.copied"
      | "!scan.clean"
      | "!scan.released"
    )[];
    readonly accounts?: readonly string[];
    readonly groups?: readonly string[];
    readonly protocols?: readonly ("sftp" | "ftps" | "https" | "system" | "!sftp" | "!ftps" | "!https" | "!system")[];
    readonly peers?: readonly string[];
    readonly path?: string;
    readonly data?: { readonly [name: string]: string | readonly string[] };
  };
  readonly do: readonly {
    readonly move?: string;
    readonly copy?: string;
    readonly push?: { readonly destination: string; readonly path?: string };
    readonly rename?: string;
    readonly checksum?: "sha256";
    readonly compress?: "gzip" | "zip" | "tar" | "tar.gz";
    readonly extract?: "gzip" | "zip" | "tar" | "tar.gz";
    readonly encrypt?: { readonly recipients: readonly string[]; readonly sign?: string; readonly armor?: boolean };
    readonly decrypt?: { readonly with: readonly string[]; readonly signedBy?: readonly string[] };
    readonly verify?: { readonly signedBy: readonly string[]; readonly signature?: "embedded" | "detached" };
    readonly scan?: true;
    readonly email?: {
      readonly to: readonly string[];
      readonly cc?: readonly string[];
      readonly bcc?: readonly string[];
      readonly readable?: boolean;
      readonly subject?: string;
    };
    readonly webhook?: {
      readonly url: string;
      readonly secret?: string | { readonly set: true };
      readonly allowPrivate?: boolean;
    };
    readonly delete?: true;
    readonly ignore?: true;
    readonly to?: string;
    readonly account?: string;
    readonly overwrite?: "fail" | "replace" | "skip" | "number";
  }[];
  readonly otherwise?: readonly {
    readonly move?: string;
    readonly copy?: string;
    readonly push?: { readonly destination: string; readonly path?: string };
    readonly rename?: string;
    readonly checksum?: "sha256";
    readonly compress?: "gzip" | "zip" | "tar" | "tar.gz";
    readonly extract?: "gzip" | "zip" | "tar" | "tar.gz";
    readonly encrypt?: { readonly recipients: readonly string[]; readonly sign?: string; readonly armor?: boolean };
    readonly decrypt?: { readonly with: readonly string[]; readonly signedBy?: readonly string[] };
    readonly verify?: { readonly signedBy: readonly string[]; readonly signature?: "embedded" | "detached" };
    readonly scan?: true;
    readonly email?: {
      readonly to: readonly string[];
      readonly cc?: readonly string[];
      readonly bcc?: readonly string[];
      readonly readable?: boolean;
      readonly subject?: string;
    };
    readonly webhook?: {
      readonly url: string;
      readonly secret?: string | { readonly set: true };
      readonly allowPrivate?: boolean;
    };
    readonly delete?: true;
    readonly ignore?: true;
    readonly to?: string;
    readonly account?: string;
    readonly overwrite?: "fail" | "replace" | "skip" | "number";
  }[];
  readonly continue?: boolean;
}

export interface Group {
  readonly name: string;
  readonly enabled?: boolean;
  readonly permissions?: readonly (readonly string[])[];
  readonly scan?: "required" | readonly string[];
  readonly resumableUploads?: boolean;
}

export interface PendingUpload {
  readonly uploadId: string;
  readonly path: string;
  readonly bytes?: number;
  readonly partSizeBytes: number;
  readonly expiresAt: string;
  readonly partUrl: string;
}

export interface PendingUploadWithParts {
  readonly uploadId: string;
  readonly path: string;
  readonly bytes?: number;
  readonly partSizeBytes: number;
  readonly expiresAt: string;
  readonly partUrl: string;
  readonly parts: readonly { readonly partNumber: number; readonly bytes: number }[];
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code:
    | "invalid-path"
    | "invalid-argument"
    | "malformed-request"
    | "content-incomplete"
    | "authentication-required"
    | "authentication-failed"
    | "permission-denied"
    | "not-found"
    | "unknown-route"
    | "method-not-allowed"
    | "request-timeout"
    | "already-exists"
    | "directory-not-empty"
    | "not-a-file"
    | "not-a-directory"
    | "conflict"
    | "precondition-failed"
    | "too-large"
    | "unsupported-media-type"
    | "range-not-satisfiable"
    | "invalid-entry"
    | "integrity"
    | "unsupported"
    | "too-many-requests"
    | "header-too-large"
    | "internal"
    | "unavailable"
    | "quota-exceeded";
  readonly detail: string;
  readonly field?: string;
  readonly rule?: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

export interface Pull {
  readonly name: string;
  readonly enabled?: boolean;
  readonly destination: string;
  readonly from: string;
  readonly files?: string;
  readonly account: string;
  readonly to: string;
  readonly overwrite?: "fail" | "replace" | "skip" | "number";
  readonly schedule: string;
  readonly timeZone?: string;
  readonly stableSeconds?: number;
  readonly after?: "keep" | "delete" | { readonly move: string };
  readonly failureFolder?: string;
}

export interface PullRun {
  readonly startedAt: string;
  readonly endedAt: string;
  readonly files: number;
  readonly fetched: number;
  readonly known: number;
  readonly unstable: number;
  readonly failed: number;
  readonly failure?: string;
  readonly trouble?: { readonly since: string; readonly reportedAt: string; readonly paths: readonly string[] };
}

export interface PullState {
  readonly name: string;
  readonly destination: string;
  readonly isRunning: boolean;
  readonly nextRunAt?: string;
  readonly lastRun?: PullRun;
}

export interface QuarantinedFile {
  readonly id: string;
  readonly account?: string;
  readonly path: string;
  readonly bytes: number;
  readonly sha256?: string;
  readonly heldAt: string;
  readonly state: "waiting" | "infected" | "failed";
  readonly since: string;
  readonly reason?: string;
  readonly repeats?: { readonly count: number; readonly id: string; readonly heldAt: string };
}

export interface Receipt {
  readonly transferId: string;
  readonly bytes: number;
  readonly sha256?: string;
  readonly etag: string;
}

export interface TransferProgress {
  readonly direction: "push" | "pull";
  readonly destination: string;
  readonly account: string;
  readonly path: string;
  readonly remotePath: string;
  readonly bytes?: number;
  readonly movedBytes: number;
  readonly startedAt: string;
  readonly attempts: number;
}
export type ProblemCode = Problem["code"];
