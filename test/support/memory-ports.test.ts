import { eventFeedContract } from "../contract/event-feed.contract.ts";
import { createMemoryAccountingLog } from "./memory-ports.ts";

eventFeedContract("the accounting log in memory", async () => {
  const log = createMemoryAccountingLog();
  return { log, reopen: async () => log, dispose: async () => {} };
});
