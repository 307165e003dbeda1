import { storeQuarantineContract } from "../contract/store-quarantine.contract.ts";
import { createMemoryObjectStore } from "./memory-object-store.ts";
import { createMemoryStoreQuarantine } from "./memory-store-quarantine.ts";

storeQuarantineContract("the quarantine of a store in memory", async (bounds) => {
  const objects = createMemoryObjectStore();
  return { quarantine: createMemoryStoreQuarantine(objects, bounds), objects, dispose: async () => {} };
});
