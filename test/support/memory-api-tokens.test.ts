import { apiTokenStoreContract } from "../contract/api-token-store.contract.ts";
import { createMemoryApiTokenStore } from "./memory-api-tokens.ts";

apiTokenStoreContract("the API tokens in memory", async () => {
  const store = createMemoryApiTokenStore();
  return { store, reopen: async () => store, dispose: async () => {} };
});
