import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { environmentNames } from "../adapters/aws/env.ts";
import { readEnvironment, requiredText } from "../adapters/aws/environment.ts";
import { eventOfMessage, receiveCountOf } from "../adapters/aws/event-message.ts";
import type { AlertLane } from "../core/alert-rule.ts";
import { createAlertHandler } from "../service/alerts/alert-handler.ts";
import { settleLanes } from "../service/alerts/settle-lanes.ts";
import { Watches } from "../service/alerts/watches.ts";
import { createQueueConsumer } from "../service/consume/queue-consumer.ts";
import { openAlerting } from "./services/alerting.ts";
import { createBatchHandler } from "./services/batch-handler.ts";
import { isBatch, untilShortlyBefore } from "./services/invocation.ts";
import { variables } from "./services/variables.ts";

const { bucket: _, ...needed } = variables;
const { mostReceives, ...environment } = readEnvironment(process.env, {
  ...needed,
  mailFrom: requiredText(environmentNames.mailFrom),
});
const services = openAlerting(environment);
const watches = new Watches(services);
const touched = new Map<string, AlertLane>();
const alertHandler = createAlertHandler(services, { wake: (lane) => touched.set(`${lane.target} ${lane.rule}`, lane) });
const consume = createQueueConsumer({ ...services, handler: alertHandler, mostReceives });
const noteAlerts = createBatchHandler((records) =>
  consume(records.map((record) => ({ event: eventOfMessage(record), receives: receiveCountOf(record) }))),
);

/** Notes what is to be told of a batch of events, and sends what is due; a schedule has the rest sent. */
export async function handler(event: SQSEvent | object, context: Context): Promise<SQSBatchResponse | undefined> {
  await services.refresh();
  const untilMs = untilShortlyBefore(context);
  if (!isBatch(event)) {
    await Promise.all([
      watches.check(),
      services.outbox.lanes().then((lanes) => settleLanes(services, lanes, untilMs)),
    ]);
    return undefined;
  }
  const answer = await noteAlerts(event, context);
  const lanes = [...touched.values()];
  touched.clear();
  const log = (error: unknown) => services.runtime.log.error("alerts wait for the next schedule", { error });
  await settleLanes(services, lanes, untilMs).catch(log);
  return answer;
}
