import { limits } from "../../core/limits.ts";
import type { AlertOutbox } from "../../ports/alert-outbox.ts";
import type { AlertRequest } from "./sqlite-alert-worker.ts";
import { DatabaseThread } from "./sqlite-database-thread.ts";

/**
 * Opens the outbox in one SQLite file, of which this process has to be the only user; its folder has to exist.
 * @throws Error when the file cannot be used; the message is for the operator.
 */
export async function openSqliteAlertOutbox(options: {
  readonly file: string;
  readonly now: () => number;
}): Promise<AlertOutbox> {
  const { file, now } = options;
  const workerFile = new URL("./sqlite-alert-worker.ts", import.meta.url);
  const thread = new DatabaseThread<AlertRequest>({ workerFile, workerData: file, name: "the outbox of alerts" });
  try {
    await thread.call({ kind: "forget", with: [now() - limits.alertRetentionMs] });
  } catch (error) {
    await thread.close();
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`the outbox of alerts ${file} cannot be used: ${reason}`);
  }
  return {
    add: (deliveries) => thread.call({ kind: "add", with: [deliveries] }),
    lanes: () => thread.call({ kind: "lanes", with: [] }),
    pending: (lane, limit) => thread.call({ kind: "pending", with: [lane, limit] }),
    settle: (lane, position) => thread.call({ kind: "settle", with: [lane, position, now()] }),
    withdraw: (lane, position) => thread.call({ kind: "withdraw", with: [lane, position] }),
    close: () => thread.close(),
  };
}
