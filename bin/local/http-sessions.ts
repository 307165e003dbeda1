import { readFile } from "node:fs/promises";
import { createSqliteApiTokenStore } from "../../adapters/local/sqlite-api-token-store.ts";
import { createSqliteSessionStore } from "../../adapters/local/sqlite-session-store.ts";
import { apiTokenMint } from "../../adapters/node/api-token-mint.ts";
import { createTokenSigner, type SigningKeyFile } from "../../adapters/node/token-signer.ts";
import { ApiTokens } from "../../service/session/api-tokens.ts";
import { TokenSessions } from "../../service/session/token-sessions.ts";
import { dataFiles, exists, writePrivateFile } from "../cli/data-directory.ts";
import type { FrontServices, LocalServerOptions } from "./front.ts";

/** The sessions of `POST /v1/sessions` and the API tokens, kept in the data directory. */
export async function openSessions(
  { dataDirectory, runtime }: LocalServerOptions,
  { services, openSession, resumeSession }: FrontServices,
): Promise<{ readonly tokenSessions: TokenSessions; readonly apiTokens: ApiTokens; readonly close: () => void }> {
  const files = dataFiles(dataDirectory);
  const signer = await createTokenSigner({ file: privateFile(files.tokenSigningKeys), now: () => runtime.now() });
  const store = createSqliteSessionStore(files.tokenSessions);
  const tokenSessions = new TokenSessions({ services, openSession, resumeSession, store, signer });
  const apiTokenStore = createSqliteApiTokenStore(files.apiTokens);
  const apiTokens = new ApiTokens({ services, resumeSession, store: apiTokenStore, mint: apiTokenMint });
  const close = () => {
    tokenSessions.close();
    store.close();
    apiTokens.close();
    apiTokenStore.close();
  };
  return { tokenSessions, apiTokens, close };
}

/** Whether a client has a token for the session, before anything else of it is open. */
export function heldSessions({ dataDirectory }: LocalServerOptions): (sessionId: string) => Promise<boolean> {
  const file = dataFiles(dataDirectory).tokenSessions;
  return async (sessionId) => {
    if (!(await exists(file))) return false;
    const store = createSqliteSessionStore(file);
    try {
      return (await store.find(sessionId)) !== undefined;
    } finally {
      store.close();
    }
  };
}

function privateFile(file: string): SigningKeyFile {
  return {
    read: async () => ((await exists(file)) ? readFile(file, "utf8") : undefined),
    write: (text) => writePrivateFile(file, text),
  };
}
