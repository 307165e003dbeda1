import { parentPort, workerData } from "node:worker_threads";
import { AutomationDatabase } from "./sqlite-automation-database.ts";
import { serveDatabase } from "./sqlite-database-server.ts";

type Method = Exclude<keyof AutomationDatabase, "close">;

/** A call of one method of the database, with its arguments. */
export type AutomationRequest = {
  readonly [M in Method]: { readonly kind: M; readonly with: Parameters<AutomationDatabase[M]> };
}[Method];

const file: string = workerData;

function answer(database: AutomationDatabase, request: AutomationRequest): unknown {
  const method = database[request.kind] as (...parameters: readonly unknown[]) => unknown;
  return method.apply(database, request.with);
}

if (parentPort) serveDatabase(parentPort, () => new AutomationDatabase(file), answer);
