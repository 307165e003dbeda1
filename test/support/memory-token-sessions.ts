import type { TokenSession, TokenSessionStore, TokenSigner } from "../../ports/session-tokens.ts";

export function createMemoryTokenSessionStore(): TokenSessionStore {
  const sessions = new Map<string, TokenSession>();
  return {
    add: async (session) => void sessions.set(session.sessionId, session),
    find: async (sessionId) => sessions.get(sessionId),
    remove: async (sessionId) => void sessions.delete(sessionId),
    countOf: async (name) => [...sessions.values()].filter(({ accountName }) => accountName === name).length,
    expired: async (nowMs) => [...sessions.values()].filter(({ expiresAtMs }) => expiresAtMs <= nowMs),
  };
}

/** Tokens that anybody could make. */
export const memoryTokenSigner: TokenSigner = {
  sign: async ({ sessionId }) => `token.${sessionId}`,
  verify: async (token) => (token.startsWith("token.") ? token.slice("token.".length) : undefined),
};
