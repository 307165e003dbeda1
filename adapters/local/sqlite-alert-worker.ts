import { parentPort, workerData } from "node:worker_threads";
import { AlertDatabase } from "./sqlite-alert-database.ts";
import { serveDatabase } from "./sqlite-database-server.ts";

type Method = Exclude<keyof AlertDatabase, "close">;

/** A call of one method of the database, with its arguments. */
export type AlertRequest = {
  readonly [M in Method]: { readonly kind: M; readonly with: Parameters<AlertDatabase[M]> };
}[Method];

const file: string = workerData;

function answer(database: AlertDatabase, request: AlertRequest): unknown {
  const method = database[request.kind] as (...parameters: readonly unknown[]) => unknown;
  return method.apply(database, request.with);
}

if (parentPort) serveDatabase(parentPort, () => new AlertDatabase(file), answer);
