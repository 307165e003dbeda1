import { readFile } from "node:fs/promises";
import { createSqliteSessionStore } from "../../adapters/local/sqlite-session-store.ts";
import { createTokenSigner, type SigningKeyFile } from "../../adapters/node/token-signer.ts";
import { TokenSessions } from "../../service/session/token-sessions.ts";
import { dataFiles, exists, writePrivateFile } from "../cli/data-directory.ts";
import type { FrontServices, LocalServerOptions } from "./front.ts";

/** The sessions of `POST /v1/sessions`, kept in the data directory. */
export async function openTokenSessions(
  { dataDirectory, runtime }: LocalServerOptions,
  { services, openSession, resumeSession }: FrontServices,
): Promise<{ readonly tokenSessions: TokenSessions; readonly close: () => void }> {
  const files = dataFiles(dataDirectory);
  const signer = await createTokenSigner({ file: privateFile(files.tokenSigningKeys), now: () => runtime.now() });
  const store = createSqliteSessionStore(files.tokenSessions);
  const tokenSessions = new TokenSessions({ services, openSession, resumeSession, store, signer });
  const close = () => {
    tokenSessions.close();
    store.close();
  };
  return { tokenSessions, close };
}

function privateFile(file: string): SigningKeyFile {
  return {
    read: async () => ((await exists(file)) ? readFile(file, "utf8") : undefined),
    write: (text) => writePrivateFile(file, text),
  };
}
