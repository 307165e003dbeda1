import { GetSecretValueCommand, type SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { limits } from "../core/limits.ts";
import type { Runtime } from "../ports/runtime.ts";

export interface WatchedSecretOptions<Value> {
  readonly client: SecretsManagerClient;
  /** Name or ARN. */
  readonly secretId: string;
  /** @throws Error whose message says what is wrong, and nothing of the secret */
  readonly read: (text: string) => Value;
  /** Called with a rotated value before it is in force; what it throws keeps the one before in force. */
  readonly rotated?: (value: Value) => void;
  readonly runtime: Pick<Runtime, "every" | "log">;
}

export interface WatchedSecret<Value> {
  /** The latest value that could be used. */
  current(): Value;
  /** Looks now; a failure is logged and leaves the value before in force. */
  refresh(): Promise<void>;
  stop(): void;
}

/**
 * Reads a secret and looks every limits.secretCheckMs whether it was rotated, so that a rotation needs no restart.
 * @throws Error in words for the operator when it cannot be used at the start
 */
export async function watchSecret<Value>(options: WatchedSecretOptions<Value>): Promise<WatchedSecret<Value>> {
  const { secretId, read, rotated, runtime } = options;
  const first = await fetchSecret(options).catch((error: unknown) => {
    throw new Error(`secret ${secretId}: ${messageOf(error)}`, { cause: error });
  });
  let { version } = first;
  let inForce = readable(secretId, () => read(first.text));
  const refresh = async () => {
    try {
      const latest = await fetchSecret(options);
      if (latest.version === version) return;
      version = latest.version;
      const value = readable(secretId, () => read(latest.text));
      rotated?.(value);
      inForce = value;
      runtime.log.info("a rotated secret is in force", { secretId, version });
    } catch (error) {
      runtime.log.error("a secret cannot be read again; what it was stays in force", { secretId, error });
    }
  };
  const stop = runtime.every(limits.secretCheckMs, () => void refresh());
  return { current: () => inForce, refresh, stop };
}

function readable<Value>(secretId: string, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    throw new Error(`secret ${secretId}: ${messageOf(error)}`);
  }
}

async function fetchSecret<Value>({ client, secretId }: WatchedSecretOptions<Value>) {
  const { SecretString: text, VersionId: version } = await client.send(
    new GetSecretValueCommand({ SecretId: secretId }),
  );
  if (text === undefined) throw new Error("it holds no text");
  return { text, version };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
