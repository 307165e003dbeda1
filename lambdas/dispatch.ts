import { readEnvironment } from "../adapters/aws/environment.ts";
import { eventOfMessage, receiveCountOf } from "../adapters/aws/event-message.ts";
import { createQueueConsumer } from "../service/consume/queue-consumer.ts";
import { queuePush } from "../service/destinations/queue-push.ts";
import { createBatchHandler } from "./services/batch-handler.ts";
import { openDispatching } from "./services/dispatching.ts";
import { variables } from "./services/variables.ts";

const { mostReceives, ...environment } = readEnvironment(process.env, variables);
const services = openDispatching(environment);
const pushes = { queue: services.queue, destinations: services.openDestinations() };
// The function of transfers goes on with what comes to a push.
const dispatcher = services.handlerFor({ turnFor: (event, name) => queuePush(pushes, event, name) });
const consume = createQueueConsumer({ ...services, handler: services.afterScan(dispatcher), mostReceives });

/** Acts on accounting events by the dispatch rules in force. */
export const handler = createBatchHandler(async (records, context) => {
  await services.begin(context);
  return consume(records.map((record) => ({ event: eventOfMessage(record), receives: receiveCountOf(record) })));
});
