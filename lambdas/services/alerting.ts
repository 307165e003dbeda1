import { createSesClient } from "../../adapters/aws/clients.ts";
import { createDynamoAlertOutbox } from "../../adapters/aws/dynamo-alert-outbox.ts";
import { createDynamoClaims, createDynamoDeadLetters } from "../../adapters/aws/dynamo-automation.ts";
import { createSesMailer } from "../../adapters/aws/ses-mailer.ts";
import { createWebhookSender } from "../../adapters/node/webhook-sender.ts";
import { limits } from "../../core/limits.ts";
import { standardPace } from "../../service/alerts/alert-services.ts";
import type { SettleServices } from "../../service/alerts/settle-lanes.ts";
import { openConfiguration } from "./configuration.ts";
import { runtime } from "./operator-log.ts";
import { openRecord } from "./record.ts";
import type { ServicesEnvironment } from "./session-services.ts";
import { openTable } from "./table.ts";

/** What alerts stand on: mail leaves through SES, what is yet to be told waits in the table. */
export function openAlerting({
  table: tableName,
  eventBus,
  serverName,
  mailFrom,
}: Omit<ServicesEnvironment, "bucket"> & { readonly mailFrom: string }) {
  const table = openTable(tableName);
  const configuration = openConfiguration(table);
  const mail = { mailer: createSesMailer({ client: createSesClient() }), from: mailFrom };
  const accounting = openRecord({ table, eventBus, owner: `function-${runtime.newId()}` });
  const services: SettleServices = {
    rules: () => configuration.current().alerts,
    dispatchRules: () => configuration.current().dispatch,
    mail: () => mail,
    webhooks: createWebhookSender(runtime),
    outbox: createDynamoAlertOutbox(table),
    deadLetters: createDynamoDeadLetters(table),
    claims: createDynamoClaims(table),
    accounting,
    runtime,
    serverName,
    pace: standardPace,
  };
  const accounts = () => configuration.current().accounts.values();
  // The gateway's tasks look after its certificate, which no function may read.
  const watched = { accounting, accounts, certificates: () => [], recordLateMs: limits.auditLateMs };
  return { ...services, ...watched, refresh: () => configuration.refresh() };
}
