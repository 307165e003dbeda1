import { parentPort, workerData } from "node:worker_threads";
import { AccountingDatabase } from "./sqlite-accounting-database.ts";
import { serveDatabase } from "./sqlite-database-server.ts";
import type { EventSelection } from "./sqlite-event-query.ts";

export type AccountingRequest =
  | { readonly kind: "open" }
  | { readonly kind: "append"; readonly events: readonly string[] }
  | { readonly kind: "select"; readonly selection: EventSelection }
  | { readonly kind: "find"; readonly eventId: string }
  | { readonly kind: "unfinishedTransfers" }
  | { readonly kind: "unfinishedSessions" }
  | { readonly kind: "end" }
  | { readonly kind: "readBehind"; readonly position: number; readonly limit: number };

/** Where the database is, and whether this thread writes. */
export interface AccountingThreadOptions {
  readonly file: string;
  readonly readOnly: boolean;
}

const { file, readOnly }: AccountingThreadOptions = workerData;

function answer(database: AccountingDatabase, request: AccountingRequest): unknown {
  switch (request.kind) {
    case "open":
      return undefined;
    case "append":
      return database.append(request.events);
    case "select":
      return database.select(request.selection);
    case "find":
      return database.find(request.eventId);
    case "unfinishedTransfers":
      return database.unfinishedTransfers();
    case "unfinishedSessions":
      return database.unfinishedSessions();
    case "end":
      return database.end();
    case "readBehind":
      return database.readBehind(request.position, request.limit);
  }
}

if (parentPort) serveDatabase(parentPort, () => new AccountingDatabase(file, { readOnly }), answer);
