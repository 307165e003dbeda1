// Made by scripts/client-types.ts from the OpenAPI document. Change the operations, not this file.

import type { RequestContent } from "./request-content.ts";
import type {
  Account,
  AccountingEvent,
  AlertRule,
  ApiToken,
  ChangeReport,
  CreatedApiToken,
  DeadLetter,
  Decision,
  Destination,
  DestinationState,
  Directory,
  DispatchRule,
  Group,
  PendingUpload,
  PendingUploadWithParts,
  Pull,
  PullState,
  QuarantinedFile,
  Receipt,
  TransferProgress,
} from "./schemas.ts";

/** What each operation takes and answers, by its operationId. `answers` has the content of each status. */
export interface Operations {
  /** Says that the process lives */
  readonly getHealth: {
    readonly answers: { readonly 200: { readonly status: "ok" } };
  };
  /** Says whether the server takes requests */
  readonly getReadiness: {
    readonly answers: { readonly 200: { readonly status: "starting" | "ready" | "draining" } };
  };
  /** Numbers about this server, for Prometheus */
  readonly getMetrics: {
    readonly answers: { readonly 200: ReadableStream<Uint8Array> };
  };
  /** Log in: a token for the requests to come */
  readonly startSession: {
    readonly body: { readonly username: string; readonly password: string };
    readonly answers: { readonly 201: { readonly token: string; readonly expiresAt: string } };
  };
  /** Log out: the token is refused from here on */
  readonly endSession: {
    readonly answers: { readonly 204: undefined };
  };
  /** Make an API token for the own account */
  readonly createApiToken: {
    readonly body: {
      readonly name: string;
      readonly scopes: readonly ("files:read" | "files:write" | "events:read" | "management" | "authorize")[];
      readonly expires?: string;
    };
    readonly answers: { readonly 201: CreatedApiToken };
  };
  /** The own API tokens, oldest first */
  readonly listApiTokens: {
    readonly query?: { readonly account?: string };
    readonly answers: { readonly 200: { readonly tokens: readonly ApiToken[] } };
  };
  /** Revoke an API token: it is refused from here on */
  readonly revokeApiToken: {
    readonly parameters: { readonly tokenId: string };
    readonly answers: { readonly 204: undefined };
  };
  /** The content of a file, or the entries of a folder */
  readonly getFile: {
    readonly query: {
      readonly path: string;
      readonly limit?: number;
      readonly cursor?: string;
      readonly format?: "json" | "zip";
    };
    readonly headers?: {
      readonly Range?: string;
      readonly "If-Range"?: string;
      readonly "If-Match"?: string;
      readonly "If-None-Match"?: string;
      readonly "If-Modified-Since"?: string;
      readonly "If-Unmodified-Since"?: string;
    };
    readonly answers: {
      readonly 200: Directory | ReadableStream<Uint8Array>;
      readonly 206: ReadableStream<Uint8Array>;
      readonly 304: undefined;
    };
  };
  /** Upload a file, or make a folder */
  readonly putFile: {
    readonly query: { readonly path: string };
    readonly headers?: {
      readonly "If-None-Match"?: string;
      readonly "If-Match"?: string;
      readonly "Content-Digest"?: string;
      readonly "x-amz-checksum-sha256"?: string;
    };
    readonly body: RequestContent;
    readonly answers: { readonly 201: Receipt | { readonly path: string } };
  };
  /** Delete a file, or a folder */
  readonly deleteFile: {
    readonly query: { readonly path: string; readonly recursive?: boolean };
    readonly headers?: { readonly "If-Match"?: string };
    readonly answers: { readonly 204: undefined };
  };
  /** Rename or copy inside the store */
  readonly moveFile: {
    readonly body: {
      readonly op: "rename" | "copy";
      readonly from: string;
      readonly to: string;
      readonly overwrite?: boolean;
    };
    readonly answers: {
      readonly 200: {
        readonly op: "rename" | "copy";
        readonly from: string;
        readonly to: string;
        readonly bytes?: number;
        readonly etag?: string;
      };
    };
  };
  /** Begin to upload a large file in parts */
  readonly startUpload: {
    readonly headers?: { readonly "If-None-Match"?: string; readonly "If-Match"?: string };
    readonly body: { readonly path: string; readonly bytes?: number; readonly partSizeBytes?: number };
    readonly answers: { readonly 201: PendingUploadWithParts };
  };
  /** The account's uploads that can go on, oldest first */
  readonly listUploads: {
    readonly answers: { readonly 200: { readonly uploads: readonly PendingUpload[] } };
  };
  /** What has arrived of an upload, to go on with it */
  readonly getUpload: {
    readonly parameters: { readonly uploadId: string };
    readonly answers: { readonly 200: PendingUploadWithParts };
  };
  /** Give an upload up */
  readonly deleteUpload: {
    readonly parameters: { readonly uploadId: string };
    readonly answers: { readonly 204: undefined };
  };
  /** Where to send parts without a detour */
  readonly getPartUrls: {
    readonly parameters: { readonly uploadId: string };
    readonly query?: { readonly first?: number; readonly count?: number };
    readonly answers: {
      readonly 200: { readonly urls: readonly { readonly partNumber: number; readonly url: string }[] };
    };
  };
  /** Send one part to its signed URL */
  readonly putUploadPart: {
    readonly parameters: { readonly uploadId: string; readonly partNumber: number };
    readonly query: { readonly expires: number; readonly signature: string };
    readonly headers?: { readonly "Content-Digest"?: string };
    readonly body: RequestContent;
    readonly answers: {
      readonly 200: { readonly partNumber: number; readonly bytes: number };
      readonly 307: undefined;
    };
  };
  /** Put the parts together and publish the file */
  readonly completeUpload: {
    readonly parameters: { readonly uploadId: string };
    readonly headers?: {
      readonly "If-None-Match"?: string;
      readonly "If-Match"?: string;
      readonly "Repr-Digest"?: string;
    };
    readonly answers: { readonly 201: Receipt };
  };
  /** The accounting record: a page as JSON, or everything as NDJSON or CSV */
  readonly readEvents: {
    readonly query?: {
      readonly since?: string;
      readonly until?: string;
      readonly type?: string | readonly string[];
      readonly account?: string;
      readonly peer?: string;
      readonly path?: string;
      readonly limit?: string;
      readonly cursor?: string;
      readonly order?: string;
      readonly format?: "json" | "ndjson" | "csv";
    };
    readonly answers: {
      readonly 200:
        | { readonly events: readonly AccountingEvent[]; readonly cursor?: string }
        | ReadableStream<Uint8Array>;
    };
  };
  /** The accounting record as it grows, as server-sent events */
  readonly followEvents: {
    readonly query?: {
      readonly since?: string;
      readonly type?: string | readonly string[];
      readonly account?: string;
      readonly peer?: string;
      readonly path?: string;
      readonly cursor?: string;
    };
    readonly headers?: { readonly "Last-Event-ID"?: string };
    readonly answers: { readonly 200: ReadableStream<Uint8Array> };
  };
  /** A page of the accounts, in the order of their names */
  readonly listAccounts: {
    readonly query?: { readonly limit?: number; readonly after?: string };
    readonly answers: { readonly 200: { readonly entries: readonly Account[]; readonly next?: string } };
  };
  /** Read an account */
  readonly getAccount: {
    readonly parameters: { readonly name: string };
    readonly headers?: { readonly "If-None-Match"?: string };
    readonly answers: { readonly 200: Account; readonly 304: undefined };
  };
  /** Make an account, or make it what the content says */
  readonly putAccount: {
    readonly parameters: { readonly name: string };
    readonly query?: { readonly dryRun?: boolean };
    readonly headers?: { readonly "If-Match"?: string; readonly "If-None-Match"?: string };
    readonly body: Account;
    readonly answers: { readonly 200: Account | ChangeReport; readonly 201: Account };
  };
  /** Delete an account */
  readonly deleteAccount: {
    readonly parameters: { readonly name: string };
    readonly query?: { readonly dryRun?: boolean };
    readonly headers?: { readonly "If-Match"?: string; readonly "If-None-Match"?: string };
    readonly answers: { readonly 200: ChangeReport; readonly 204: undefined };
  };
  /** A page of the groups, in the order of their names */
  readonly listGroups: {
    readonly query?: { readonly limit?: number; readonly after?: string };
    readonly answers: { readonly 200: { readonly entries: readonly Group[]; readonly next?: string } };
  };
  /** Read a group */
  readonly getGroup: {
    readonly parameters: { readonly name: string };
    readonly headers?: { readonly "If-None-Match"?: string };
    readonly answers: { readonly 200: Group; readonly 304: undefined };
  };
  /** Make a group, or make it what the content says */
  readonly putGroup: {
    readonly parameters: { readonly name: string };
    readonly query?: { readonly dryRun?: boolean };
    readonly headers?: { readonly "If-Match"?: string; readonly "If-None-Match"?: string };
    readonly body: Group;
    readonly answers: { readonly 200: Group | ChangeReport; readonly 201: Group };
  };
  /** Delete a group */
  readonly deleteGroup: {
    readonly parameters: { readonly name: string };
    readonly query?: { readonly dryRun?: boolean };
    readonly headers?: { readonly "If-Match"?: string; readonly "If-None-Match"?: string };
    readonly answers: { readonly 200: ChangeReport; readonly 204: undefined };
  };
  /** A page of the dispatch-rules, in the order of their names */
  readonly listDispatchRules: {
    readonly query?: { readonly limit?: number; readonly after?: string };
    readonly answers: { readonly 200: { readonly entries: readonly DispatchRule[]; readonly next?: string } };
  };
  /** Read a dispatch rule */
  readonly getDispatchRule: {
    readonly parameters: { readonly name: string };
    readonly headers?: { readonly "If-None-Match"?: string };
    readonly answers: { readonly 200: DispatchRule; readonly 304: undefined };
  };
  /** Make a dispatch rule, or make it what the content says */
  readonly putDispatchRule: {
    readonly parameters: { readonly name: string };
    readonly query?: { readonly dryRun?: boolean };
    readonly headers?: { readonly "If-Match"?: string; readonly "If-None-Match"?: string };
    readonly body: DispatchRule;
    readonly answers: { readonly 200: DispatchRule | ChangeReport; readonly 201: DispatchRule };
  };
  /** Delete a dispatch rule */
  readonly deleteDispatchRule: {
    readonly parameters: { readonly name: string };
    readonly query?: { readonly dryRun?: boolean };
    readonly headers?: { readonly "If-Match"?: string; readonly "If-None-Match"?: string };
    readonly answers: { readonly 200: ChangeReport; readonly 204: undefined };
  };
  /** A page of the destinations, in the order of their names */
  readonly listDestinations: {
    readonly query?: { readonly limit?: number; readonly after?: string };
    readonly answers: { readonly 200: { readonly entries: readonly Destination[]; readonly next?: string } };
  };
  /** Read a destination */
  readonly getDestination: {
    readonly parameters: { readonly name: string };
    readonly headers?: { readonly "If-None-Match"?: string };
    readonly answers: { readonly 200: Destination; readonly 304: undefined };
  };
  /** Make a destination, or make it what the content says */
  readonly putDestination: {
    readonly parameters: { readonly name: string };
    readonly query?: { readonly dryRun?: boolean };
    readonly headers?: { readonly "If-Match"?: string; readonly "If-None-Match"?: string };
    readonly body: Destination;
    readonly answers: { readonly 200: Destination | ChangeReport; readonly 201: Destination };
  };
  /** Delete a destination */
  readonly deleteDestination: {
    readonly parameters: { readonly name: string };
    readonly query?: { readonly dryRun?: boolean };
    readonly headers?: { readonly "If-Match"?: string; readonly "If-None-Match"?: string };
    readonly answers: { readonly 200: ChangeReport; readonly 204: undefined };
  };
  /** A page of the pulls, in the order of their names */
  readonly listPulls: {
    readonly query?: { readonly limit?: number; readonly after?: string };
    readonly answers: { readonly 200: { readonly entries: readonly Pull[]; readonly next?: string } };
  };
  /** Read a pull */
  readonly getPull: {
    readonly parameters: { readonly name: string };
    readonly headers?: { readonly "If-None-Match"?: string };
    readonly answers: { readonly 200: Pull; readonly 304: undefined };
  };
  /** Make a pull, or make it what the content says */
  readonly putPull: {
    readonly parameters: { readonly name: string };
    readonly query?: { readonly dryRun?: boolean };
    readonly headers?: { readonly "If-Match"?: string; readonly "If-None-Match"?: string };
    readonly body: Pull;
    readonly answers: { readonly 200: Pull | ChangeReport; readonly 201: Pull };
  };
  /** Delete a pull */
  readonly deletePull: {
    readonly parameters: { readonly name: string };
    readonly query?: { readonly dryRun?: boolean };
    readonly headers?: { readonly "If-Match"?: string; readonly "If-None-Match"?: string };
    readonly answers: { readonly 200: ChangeReport; readonly 204: undefined };
  };
  /** A page of the alert-rules, in the order of their names */
  readonly listAlertRules: {
    readonly query?: { readonly limit?: number; readonly after?: string };
    readonly answers: { readonly 200: { readonly entries: readonly AlertRule[]; readonly next?: string } };
  };
  /** Read an alert rule */
  readonly getAlertRule: {
    readonly parameters: { readonly name: string };
    readonly headers?: { readonly "If-None-Match"?: string };
    readonly answers: { readonly 200: AlertRule; readonly 304: undefined };
  };
  /** Make an alert rule, or make it what the content says */
  readonly putAlertRule: {
    readonly parameters: { readonly name: string };
    readonly query?: { readonly dryRun?: boolean };
    readonly headers?: { readonly "If-Match"?: string; readonly "If-None-Match"?: string };
    readonly body: AlertRule;
    readonly answers: { readonly 200: AlertRule | ChangeReport; readonly 201: AlertRule };
  };
  /** Delete an alert rule */
  readonly deleteAlertRule: {
    readonly parameters: { readonly name: string };
    readonly query?: { readonly dryRun?: boolean };
    readonly headers?: { readonly "If-Match"?: string; readonly "If-None-Match"?: string };
    readonly answers: { readonly 200: ChangeReport; readonly 204: undefined };
  };
  /** What would be decided about an action, and by which rule */
  readonly authorize: {
    readonly body: { readonly account?: string; readonly action: string; readonly path: string };
    readonly answers: { readonly 200: Decision };
  };
  /** Events that a rule could not deal with, with the reason */
  readonly listDeadLetters: {
    readonly query?: { readonly limit?: number; readonly cursor?: string };
    readonly answers: { readonly 200: { readonly deadLetters: readonly DeadLetter[]; readonly cursor?: string } };
  };
  /** Tries a dead letter again, once, by the rules in force */
  readonly replayDeadLetter: {
    readonly parameters: { readonly id: string };
    readonly answers: { readonly 200: { readonly ok: boolean; readonly queued?: true; readonly reason?: string } };
  };
  /** What is pushed and pulled at this moment, what waits, and how pulls went last */
  readonly readTransfers: {
    readonly answers: {
      readonly 200: {
        readonly destinations: readonly DestinationState[];
        readonly transfers: readonly TransferProgress[];
        readonly pulls: readonly PullState[];
      };
    };
  };
  /** Lets a pull look now */
  readonly runPull: {
    readonly parameters: { readonly name: string };
    readonly answers: { readonly 202: undefined };
  };
  /** Files that wait for the scanner, are infected or could not be scanned, oldest first */
  readonly listQuarantine: {
    readonly query?: { readonly limit?: number; readonly cursor?: string };
    readonly answers: { readonly 200: { readonly files: readonly QuarantinedFile[]; readonly cursor?: string } };
  };
  /** One file in quarantine */
  readonly readQuarantined: {
    readonly parameters: { readonly id: string };
    readonly answers: { readonly 200: QuarantinedFile };
  };
  /** Delete a file in quarantine for good */
  readonly deleteQuarantined: {
    readonly parameters: { readonly id: string };
    readonly answers: { readonly 204: undefined };
  };
  /** The content of a file in quarantine, which may be malware */
  readonly downloadQuarantined: {
    readonly parameters: { readonly id: string };
    readonly headers?: { readonly Range?: string };
    readonly answers: {
      readonly 200: ReadableStream<Uint8Array>;
      readonly 206: ReadableStream<Uint8Array>;
      readonly 304: undefined;
    };
  };
  /** Let a file through, whatever the scanner says */
  readonly releaseQuarantined: {
    readonly parameters: { readonly id: string };
    readonly answers: { readonly 204: undefined };
  };
  /** This description, as an OpenAPI document */
  readonly getOpenApi: {
    readonly answers: { readonly 200: { readonly [name: string]: unknown } };
  };
  /** This description, for people */
  readonly getDocumentation: {
    readonly answers: { readonly 200: ReadableStream<Uint8Array> };
  };
}

/** Where each operation is. */
export const routes = {
  getHealth: { method: "GET", path: "/health" },
  getReadiness: { method: "GET", path: "/ready" },
  getMetrics: { method: "GET", path: "/metrics" },
  startSession: { method: "POST", path: "/v1/sessions" },
  endSession: { method: "DELETE", path: "/v1/sessions/current" },
  createApiToken: { method: "POST", path: "/v1/api-tokens" },
  listApiTokens: { method: "GET", path: "/v1/api-tokens" },
  revokeApiToken: { method: "DELETE", path: "/v1/api-tokens/{tokenId}" },
  getFile: { method: "GET", path: "/v1/files" },
  putFile: { method: "PUT", path: "/v1/files" },
  deleteFile: { method: "DELETE", path: "/v1/files" },
  moveFile: { method: "POST", path: "/v1/operations" },
  startUpload: { method: "POST", path: "/v1/uploads" },
  listUploads: { method: "GET", path: "/v1/uploads" },
  getUpload: { method: "GET", path: "/v1/uploads/{uploadId}" },
  deleteUpload: { method: "DELETE", path: "/v1/uploads/{uploadId}" },
  getPartUrls: { method: "GET", path: "/v1/uploads/{uploadId}/part-urls" },
  putUploadPart: { method: "PUT", path: "/v1/uploads/{uploadId}/parts/{partNumber}" },
  completeUpload: { method: "POST", path: "/v1/uploads/{uploadId}/complete" },
  readEvents: { method: "GET", path: "/v1/events" },
  followEvents: { method: "GET", path: "/v1/events/stream" },
  listAccounts: { method: "GET", path: "/v1/accounts" },
  getAccount: { method: "GET", path: "/v1/accounts/{name}" },
  putAccount: { method: "PUT", path: "/v1/accounts/{name}" },
  deleteAccount: { method: "DELETE", path: "/v1/accounts/{name}" },
  listGroups: { method: "GET", path: "/v1/groups" },
  getGroup: { method: "GET", path: "/v1/groups/{name}" },
  putGroup: { method: "PUT", path: "/v1/groups/{name}" },
  deleteGroup: { method: "DELETE", path: "/v1/groups/{name}" },
  listDispatchRules: { method: "GET", path: "/v1/dispatch-rules" },
  getDispatchRule: { method: "GET", path: "/v1/dispatch-rules/{name}" },
  putDispatchRule: { method: "PUT", path: "/v1/dispatch-rules/{name}" },
  deleteDispatchRule: { method: "DELETE", path: "/v1/dispatch-rules/{name}" },
  listDestinations: { method: "GET", path: "/v1/destinations" },
  getDestination: { method: "GET", path: "/v1/destinations/{name}" },
  putDestination: { method: "PUT", path: "/v1/destinations/{name}" },
  deleteDestination: { method: "DELETE", path: "/v1/destinations/{name}" },
  listPulls: { method: "GET", path: "/v1/pulls" },
  getPull: { method: "GET", path: "/v1/pulls/{name}" },
  putPull: { method: "PUT", path: "/v1/pulls/{name}" },
  deletePull: { method: "DELETE", path: "/v1/pulls/{name}" },
  listAlertRules: { method: "GET", path: "/v1/alert-rules" },
  getAlertRule: { method: "GET", path: "/v1/alert-rules/{name}" },
  putAlertRule: { method: "PUT", path: "/v1/alert-rules/{name}" },
  deleteAlertRule: { method: "DELETE", path: "/v1/alert-rules/{name}" },
  authorize: { method: "POST", path: "/v1/authorize" },
  listDeadLetters: { method: "GET", path: "/v1/dead-letters" },
  replayDeadLetter: { method: "POST", path: "/v1/dead-letters/{id}/replay" },
  readTransfers: { method: "GET", path: "/v1/transfers" },
  runPull: { method: "POST", path: "/v1/pulls/{name}/run" },
  listQuarantine: { method: "GET", path: "/v1/quarantine" },
  readQuarantined: { method: "GET", path: "/v1/quarantine/{id}" },
  deleteQuarantined: { method: "DELETE", path: "/v1/quarantine/{id}" },
  downloadQuarantined: { method: "GET", path: "/v1/quarantine/{id}/content" },
  releaseQuarantined: { method: "POST", path: "/v1/quarantine/{id}/release" },
  getOpenApi: { method: "GET", path: "/openapi.json" },
  getDocumentation: { method: "GET", path: "/docs" },
} as const satisfies Readonly<Record<keyof Operations, { readonly method: string; readonly path: string }>>;
