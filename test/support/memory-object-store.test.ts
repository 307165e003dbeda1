import { objectStoreContract } from "../contract/object-store.contract.ts";
import { createMemoryObjectStore } from "./memory-object-store.ts";

objectStoreContract("the store of the tests", async () => {
  const store = createMemoryObjectStore();
  return { store, reopen: async () => store, dispose: async () => {}, exactNames: true, listsExactTimes: true };
});
