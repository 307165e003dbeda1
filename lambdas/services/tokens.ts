import { createSecretsClient } from "../../adapters/aws/clients.ts";
import { createDynamoApiTokenStore } from "../../adapters/aws/dynamo-api-tokens.ts";
import { createDynamoTokenSessionStore } from "../../adapters/aws/dynamo-sessions.ts";
import type { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { createSecretTokenSigner } from "../../adapters/aws/secret-token-signer.ts";
import { apiTokenMint } from "../../adapters/node/api-token-mint.ts";
import { runtime } from "./operator-log.ts";

/** Tokens of sessions and API tokens, as every function of the product sees them. */
export function openTokens(table: DynamoTable, secretId: string) {
  return {
    sessions: createDynamoTokenSessionStore(table),
    signer: createSecretTokenSigner({ client: createSecretsClient(), secretId, now: () => runtime.now() }),
    apiTokens: createDynamoApiTokenStore(table),
    mint: apiTokenMint,
  };
}
