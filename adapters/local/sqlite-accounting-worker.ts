import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { AccountingDatabase } from "./sqlite-accounting-database.ts";
import type { EventSelection } from "./sqlite-event-query.ts";

/** What the thread of a database is asked; it answers in the order of the requests. */
export type DatabaseRequest =
  | { readonly kind: "open" }
  | { readonly kind: "append"; readonly events: readonly string[] }
  | { readonly kind: "select"; readonly selection: EventSelection }
  | { readonly kind: "find"; readonly eventId: string }
  | { readonly kind: "unfinishedTransfers" }
  | { readonly kind: "close" };

export type DatabaseResponse =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };

/** Where the database is, and whether this thread writes. */
export interface DatabaseOptions {
  readonly file: string;
  readonly readOnly: boolean;
}

const { file, readOnly }: DatabaseOptions = workerData;
let opened: AccountingDatabase | undefined;

function answer(request: DatabaseRequest): unknown {
  if (request.kind === "close") return close();
  opened ??= new AccountingDatabase(file, { readOnly });
  switch (request.kind) {
    case "open":
      return undefined;
    case "append":
      return opened.append(request.events);
    case "select":
      return opened.select(request.selection);
    case "find":
      return opened.find(request.eventId);
    case "unfinishedTransfers":
      return opened.unfinishedTransfers();
  }
}

function close(): void {
  opened?.close();
  opened = undefined;
}

function serve(port: MessagePort): void {
  port.on("message", (request: DatabaseRequest) => {
    port.postMessage(responseTo(request));
    if (request.kind === "close") port.close();
  });
}

function responseTo(request: DatabaseRequest): DatabaseResponse {
  try {
    return { ok: true, value: answer(request) };
  } catch (error) {
    reset();
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** After an error the file is opened anew: whatever was wrong with it may be over, or show itself at opening. */
function reset(): void {
  try {
    close();
  } catch {
    opened = undefined;
  }
}

if (parentPort) serve(parentPort);
