import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Log } from "../../ports/runtime.ts";
import { noSecretSource } from "../node/configuration/entry-form.ts";
import { findingsOf, messageFor } from "../node/configuration/findings.ts";
import { pgpKeySchema } from "../node/configuration/pgp-key-schema.ts";
import type { PgpKeyMaterial } from "../node/pgp-keys.ts";
import { secretMembers } from "./secret-members.ts";

export interface SecretPgpKeysOptions {
  readonly client: Pick<SecretsManagerClient, "send">;
  /** A secret with `{"NAME": {"publicKey" | "privateKey", "passphrase"?}}`, texts armored. */
  readonly secretId: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Pick<Log, "error">;
}

export interface SecretPgpKeys {
  /** The keys as of the last {@link refresh}. @throws FileError `unavailable` while none could be read */
  current(): readonly PgpKeyMaterial[];
  /** Reads the secret again after limits.secretCheckMs. Where that fails, what was read stays, and the log says why. */
  refresh(): Promise<void>;
}

export function createSecretPgpKeys({ client, secretId, now, log }: SecretPgpKeysOptions): SecretPgpKeys {
  let inForce: readonly PgpKeyMaterial[] | undefined;
  let written = "";
  let readAtMs = Number.NEGATIVE_INFINITY;
  return {
    current: () => {
      if (inForce) return inForce;
      throw new FileError("unavailable", "the OpenPGP keys cannot be read at the moment");
    },
    refresh: async () => {
      if (now() - readAtMs < limits.secretCheckMs) return;
      try {
        const members = await secretMembers(client, secretId);
        readAtMs = now();
        const text = JSON.stringify(members);
        // The same keys stay the same objects: each is unlocked once.
        if (inForce && text === written) return;
        inForce = Object.entries(members).map(([name, member]) => keyOf(name, member));
        written = text;
      } catch (error) {
        log.error("the secret with the OpenPGP keys cannot be used", { secretId, error });
      }
    },
  };
}

const schema = pgpKeySchema(noSecretSource);

/** @throws Error that names the key and quotes nothing of it */
function keyOf(name: string, member: unknown): PgpKeyMaterial {
  const fields = typeof member === "object" && member !== null ? member : {};
  const { data, error } = schema.safeParse({ ...fields, name }, { error: messageFor, reportInput: true });
  if (data) return data;
  const problems = findingsOf(error).map(({ path, message }) => [...path, message].join(": "));
  throw new Error(`the key ${name}: ${problems.join("; ")}`);
}
