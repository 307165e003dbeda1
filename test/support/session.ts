import assert from "node:assert/strict";
import type { Account } from "../../core/account.ts";
import type { SessionServices } from "../../service/session/services.ts";
import { createMemoryPipeline, testAccount } from "./memory-ports.ts";

/** A session over ports in memory, logged in as the first of the accounts. */
export async function loggedIn(accounts: readonly Account[] = [testAccount()], changes?: Partial<SessionServices>) {
  const pipeline = createMemoryPipeline(accounts, changes);
  const disconnects: string[] = [];
  const session = pipeline.openSession({
    protocol: "sftp",
    peer: { address: "192.0.2.7", port: 40_000 },
    disconnect: (reason) => disconnects.push(reason),
  });
  const username = accounts[0]?.name ?? "";
  assert.equal(await session.authenticate({ kind: "password", username, password: "password" }), true);
  return {
    ...pipeline,
    session,
    disconnects,
    types: () => pipeline.services.accounting.events.map(({ type }) => type),
  };
}
