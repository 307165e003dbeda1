import { randomUUID } from "node:crypto";
import { environmentNames as names } from "../../adapters/aws/env.ts";
import { createPasswordHasher } from "../../adapters/node/password-hasher.ts";
import { openConfiguration } from "../../lambdas/services/configuration.ts";
import type { TestTable } from "./aws-table.ts";
import type { LambdaHandler } from "./lambda-service.ts";

const passwordHash = createPasswordHasher().hash("password");

/** Keeps an account that may do everything in the table, with the password `password`; `settings` are more of it. */
export async function seedAccount(
  { table }: TestTable,
  name: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const value = { name, password: await passwordHash, permissions: [["allow-full-control"]], ...settings };
  const change = { kind: "account", name, valueFrom: () => value, precondition: {}, dryRun: false } as const;
  await openConfiguration(table).store.change(change, () => ({
    id: randomUUID(),
    type: "configuration.changed",
    time: new Date().toISOString(),
    server: "test",
    protocol: "system",
    message: `account ${name}`,
    data: {},
  }));
}

/** The custom-auth function as AWS Lambda loads it, with this environment. */
export async function loadCustomAuth(environment: {
  readonly table: string;
  readonly bucket: string;
  readonly eventBus: string;
}): Promise<LambdaHandler> {
  const { table, bucket, eventBus } = environment;
  Object.assign(process.env, {
    [names.table]: table,
    [names.dataBucket]: bucket,
    [names.eventBus]: eventBus,
    [names.serverName]: "custom-auth",
  });
  // A module of its own for every environment.
  const module = (await import(`../../lambdas/custom-auth.ts?table=${table}`)) as { handler: LambdaHandler };
  return module.handler;
}
