import { createDynamoClaims, createDynamoDeadLetters } from "../adapters/aws/dynamo-automation.ts";
import { readEnvironment } from "../adapters/aws/environment.ts";
import { eventOfMessage, receiveCountOf } from "../adapters/aws/event-message.ts";
import { archives } from "../adapters/node/archives.ts";
import { contentConversions } from "../adapters/node/content-conversions.ts";
import { createQueueConsumer } from "../service/consume/queue-consumer.ts";
import { createDispatcher } from "../service/dispatch/dispatcher.ts";
import { createBatchHandler } from "./services/batch-handler.ts";
import { runtime } from "./services/operator-log.ts";
import { openServices } from "./services/session-services.ts";
import { openTable } from "./services/table.ts";
import { variables } from "./services/variables.ts";

const environment = readEnvironment(process.env, variables);
const table = openTable(environment.table);
const services = openServices(environment);
const { configuration } = services;
const dispatcher = createDispatcher(
  { ...services, claims: createDynamoClaims(table), archives, conversions: contentConversions },
  () => configuration.current().dispatch,
);
const { mostReceives } = environment;
const deadLetters = createDynamoDeadLetters(table);
const consume = createQueueConsumer({ handler: dispatcher, deadLetters, runtime, mostReceives });

/** Acts on accounting events by the dispatch rules in force. */
export const handler = createBatchHandler(async (records) => {
  await services.owner.live();
  await configuration.refresh();
  return consume(records.map((record) => ({ event: eventOfMessage(record), receives: receiveCountOf(record) })));
});
