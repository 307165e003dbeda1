import type { ApiToken, ApiTokenStore } from "../../ports/api-tokens.ts";

export function createMemoryApiTokenStore(): ApiTokenStore {
  const tokens = new Map<string, ApiToken>();
  const listed = (name: string) =>
    [...tokens.values()]
      .filter(({ accountName }) => accountName === name)
      .sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  return {
    add: async (token, most) => {
      const others = listed(token.accountName);
      if (others.some(({ name }) => name === token.name)) return "name-taken";
      if (others.length >= most) return "too-many";
      tokens.set(token.id, token);
      return "added";
    },
    find: async (reference) =>
      "id" in reference
        ? tokens.get(reference.id)
        : [...tokens.values()].find(({ digest }) => digest === reference.digest),
    list: async (accountName) => listed(accountName),
    remove: async (id) => void tokens.delete(id),
    removeExpired: async (nowMs) => {
      for (const { id, expiresAtMs } of tokens.values()) if (expiresAtMs <= nowMs) tokens.delete(id);
    },
    accountNames: async () => [...new Set([...tokens.values()].map(({ accountName }) => accountName))],
  };
}
