import { createSqsClient } from "../../adapters/aws/clients.ts";
import { createDynamoDeadLetters } from "../../adapters/aws/dynamo-automation.ts";
import type { DynamoTable } from "../../adapters/aws/dynamo-table.ts";
import { createQueueReplayer } from "../../adapters/aws/queue-replay.ts";
import { alertConsumer } from "../../service/alerts/alert-services.ts";
import { DeadLetterDesk } from "../../service/consume/dead-letter-desk.ts";
import { dispatchConsumer } from "../../service/dispatch/dispatch-record.ts";
import { Management } from "../../service/management/management.ts";
import { ChangeRecorder } from "../../service/management/record-changes.ts";
import { runtime } from "./operator-log.ts";
import type { FunctionServices, ServicesEnvironment } from "./session-services.ts";

export interface ApiEnvironment extends ServicesEnvironment {
  readonly tokenKeys: string;
  readonly dispatchQueue: string | undefined;
  readonly alertQueue: string | undefined;
  readonly transfersFunction: string | undefined;
  readonly scanResultFunction: string | undefined;
}

export interface Queues {
  readonly dispatch: string | undefined;
  readonly alerts: string | undefined;
}

/** Dead letters go back into the queue of their consumer. */
export function openDeadLetters(table: DynamoTable, queues: Queues): DeadLetterDesk {
  const client = createSqsClient();
  const deadLetters = createDynamoDeadLetters(table);
  const behind = { [dispatchConsumer]: queues.dispatch, [alertConsumer]: queues.alerts };
  const replayers = Object.entries(behind).flatMap(([consumer, queueUrl]) =>
    queueUrl === undefined ? [] : [createQueueReplayer({ client, queueUrl, consumer, deadLetters })],
  );
  return new DeadLetterDesk(deadLetters, replayers);
}

export function openManagement({ configuration, accounting, passwords }: FunctionServices): Management {
  const { store } = configuration;
  return new Management({ store, passwords, recorder: new ChangeRecorder(store, accounting), runtime });
}
