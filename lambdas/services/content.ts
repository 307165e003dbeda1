import type { Context } from "aws-lambda";
import { createSecretsClient } from "../../adapters/aws/clients.ts";
import { createSecretPgpKeys, type SecretPgpKeys } from "../../adapters/aws/secret-pgp-keys.ts";
import { archives } from "../../adapters/node/archives.ts";
import { contentConversions } from "../../adapters/node/content-conversions.ts";
import { openPgpWhenUsed } from "../../adapters/node/openpgp-when-used.ts";
import { limits } from "../../core/limits.ts";
import type { DispatchServices } from "../../service/dispatch/dispatch-services.ts";
import { untilShortlyBefore } from "./invocation.ts";
import { runtime } from "./operator-log.ts";

export interface ContentEnvironment {
  readonly pgpKeysSecret?: string | undefined;
}

/** What makes one file of another, and what is shortly before the end of a call given up. */
export interface FunctionContent {
  readonly services: Pick<DispatchServices, "archives" | "conversions" | "pgp" | "conversionBounds">;
  /** Each call begins with it. */
  begin(call: Context): Promise<void>;
}

export function openContent({ pgpKeysSecret }: ContentEnvironment): FunctionContent {
  const pgpKeys = openPgpKeys(pgpKeysSecret);
  let endMs = Number.POSITIVE_INFINITY;
  return {
    services: {
      archives,
      conversions: contentConversions,
      pgp: pgpKeys && openPgpWhenUsed(() => pgpKeys.current()),
      conversionBounds: { mostBytes: limits.functionContentBytes, endMs: () => endMs },
    },
    begin: async (call) => {
      endMs = untilShortlyBefore(call);
      await pgpKeys?.refresh();
    },
  };
}

function openPgpKeys(secretId: string | undefined): SecretPgpKeys | undefined {
  if (secretId === undefined) return undefined;
  return createSecretPgpKeys({ client: createSecretsClient(), secretId, now: () => runtime.now(), log: runtime.log });
}
