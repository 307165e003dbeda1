import { randomUUID } from "node:crypto";
import { CreateSecretCommand } from "@aws-sdk/client-secrets-manager";
import { VerifyEmailIdentityCommand } from "@aws-sdk/client-ses";
import { exportJWK, generateKeyPair } from "jose";
import { createSecretsClient, createSesClient } from "../../adapters/aws/clients.ts";
import { environmentNames } from "../../adapters/aws/env.ts";
import { createPasswordHasher } from "../../adapters/node/password-hasher.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { EntryKind, JsonObject } from "../../core/configuration-entry.ts";
import { openConfiguration } from "../../lambdas/services/configuration.ts";
import type { ConfigurationStore } from "../../ports/configuration-store.ts";
import { createTestBucket, type TestBucket } from "../support/aws-bucket.ts";
import { createEventFlow, type EventFlow } from "../support/aws-event-flow.ts";
import { startAwsServices } from "../support/aws-services.ts";
import { createTestTable, type TestTable } from "../support/aws-table.ts";
import { password } from "../support/product.ts";

export const mailFrom = "ferrygate@example.com";
export const transferRole = "arn:aws:iam::123456789012:role/transfer";

/** What the functions find around them: a table, buckets, a bus with a queue for each, secrets, a verified sender. */
export interface FunctionRig {
  readonly endpoint: string;
  readonly test: TestTable;
  readonly files: TestBucket;
  readonly archive: TestBucket;
  readonly flow: EventFlow;
  /** The variables of every function, which this process has too. */
  readonly environment: Readonly<Record<string, string>>;
  dispose(): Promise<void>;
}

export async function startFunctionRig(): Promise<FunctionRig> {
  const services = await startAwsServices();
  const test = await createTestTable();
  const [files, archive] = [await createTestBucket(), await createTestBucket()];
  const flow = await createEventFlow(["accounting", "dispatch", "alerts"]);
  const names = environmentNames;
  const environment = {
    [names.serverName]: "test",
    [names.table]: test.tableName,
    [names.dataBucket]: files.bucket,
    [names.archiveBucket]: archive.bucket,
    [names.eventBus]: flow.eventBus,
    [names.tokenKeysSecret]: await createTokenKeys(),
    [names.mailFrom]: mailFrom,
    [names.transferRole]: transferRole,
    [names.queueReceives]: "3",
    [names.dispatchQueue]: flow.queueUrls.dispatch ?? "",
    [names.alertQueue]: flow.queueUrls.alerts ?? "",
  };
  Object.assign(process.env, environment);
  await verifySender();
  const dispose = async () => {
    await flow.dispose();
    for (const bucket of [files, archive]) await bucket.dispose();
    await test.dispose();
    await services.stop();
  };
  return { endpoint: services.endpoint, test, files, archive, flow, environment, dispose };
}

async function createTokenKeys(): Promise<string> {
  const client = createSecretsClient();
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const SecretString = JSON.stringify({ current: await exportJWK(privateKey) });
  const { ARN = "" } = await client.send(new CreateSecretCommand({ Name: `keys-${randomUUID()}`, SecretString }));
  client.destroy();
  return ARN;
}

async function verifySender(): Promise<void> {
  const client = createSesClient();
  await client.send(new VerifyEmailIdentityCommand({ EmailAddress: mailFrom }));
  client.destroy();
}

/**
 * `tester` may do everything, `limited` little, and `root` manages; a dispatch rule and an alert rule are about PDFs.
 */
export async function seedConfiguration({ test }: FunctionRig): Promise<void> {
  const hash = await createPasswordHasher().hash(password);
  const { store } = openConfiguration(test.table);
  const account = (name: string, permissions: readonly (readonly string[])[], roles: readonly string[] = []) =>
    putEntry(store, "account", { name, password: hash, permissions, roles });
  await account("tester", [["allow-full-control"]]);
  await account("root", [["allow-full-control"]], ["admin"]);
  await account("limited", [["allow-list"], ["/inbox/*", "allow-list", "allow-write"]]);
  const when = { accounts: ["tester"], path: "/inbox/*.pdf" };
  await putEntry(store, "dispatch-rule", { name: "pdfs-to-outbox", when, do: [{ move: "/outbox/" }] });
  const blocked = { accounts: ["tester"], path: "/inbox/*.xml" };
  await putEntry(store, "dispatch-rule", { name: "xml-to-blocked", when: blocked, do: [{ move: "/blocked/" }] });
  const email = { to: ["ops@example.com"], subject: "{data.path} arrived" };
  await putEntry(store, "alert-rule", { name: "uploads", when: { ...when, types: ["transfer.completed"] }, email });
}

export async function putEntry(
  store: ConfigurationStore,
  kind: EntryKind,
  value: JsonObject & { name: string },
): Promise<void> {
  const change = { kind, name: value.name, valueFrom: () => value, precondition: {}, dryRun: false };
  await store.change(change, () => ({
    id: randomUUID(),
    type: "configuration.changed",
    time: new Date().toISOString(),
    server: "test",
    protocol: "system",
    message: `${kind} ${value.name}`,
    data: {},
  }));
}

/** A message of a queue, as EventBridge fills it. */
export function messageOf(event: AccountingEvent, receives = 1) {
  const { id, type, time } = event;
  const body = { version: "0", id, "detail-type": type, source: "ferrygate", account: "1", time, detail: event };
  return {
    MessageId: randomUUID(),
    Body: JSON.stringify(body),
    Attributes: { ApproximateReceiveCount: `${receives}` },
  };
}
