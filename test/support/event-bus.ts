import { randomUUID } from "node:crypto";
import {
  CreateEventBusCommand,
  DeleteEventBusCommand,
  DeleteRuleCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
} from "@aws-sdk/client-sqs";
import { createEventBridgeClient, createSqsClient } from "../../adapters/aws/clients.ts";
import { eventSource } from "../../adapters/aws/env.ts";
import { eventOfMessage } from "../../adapters/aws/event-message.ts";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { deliverySeconds } from "./aws-services.ts";

/** An event bus with a rule that puts accounting events into a queue, as the product has it. */
export interface TestBus {
  readonly eventBus: string;
  readonly client: ReturnType<typeof createEventBridgeClient>;
  /** Takes what is in the queue, at most ten events. */
  receive(): Promise<readonly AccountingEvent[]>;
  dispose(): Promise<void>;
}

/** Creates a bus of its own for one test; {@link startAwsServices} comes first. */
export async function createTestBus(): Promise<TestBus> {
  const client = createEventBridgeClient();
  const queues = createSqsClient();
  const name = `ferrygate-test-${randomUUID()}`;
  const QueueUrl = (await queues.send(new CreateQueueCommand({ QueueName: name }))).QueueUrl;
  const { Attributes } = await queues.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
  const Policy = letEventsIn(Attributes?.QueueArn ?? "");
  await queues.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  await client.send(new CreateEventBusCommand({ Name: name }));
  const rule = { Rule: name, EventBusName: name };
  const EventPattern = JSON.stringify({ source: [eventSource] });
  await client.send(new PutRuleCommand({ Name: name, EventBusName: name, EventPattern }));
  await client.send(new PutTargetsCommand({ ...rule, Targets: [{ Id: "queue", Arn: Attributes?.QueueArn }] }));
  return {
    eventBus: name,
    client,
    receive: async () => {
      const receive = { QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: deliverySeconds };
      const { Messages = [] } = await queues.send(new ReceiveMessageCommand(receive));
      if (Messages.length === 0) return [];
      const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await queues.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
      return Messages.flatMap(({ Body = "" }) => eventOfMessage({ body: Body }) ?? []);
    },
    dispose: async () => {
      await client.send(new RemoveTargetsCommand({ ...rule, Ids: ["queue"] }));
      await client.send(new DeleteRuleCommand({ Name: name, EventBusName: name }));
      await client.send(new DeleteEventBusCommand({ Name: name }));
      await queues.send(new DeleteQueueCommand({ QueueUrl }));
      client.destroy();
      queues.destroy();
    },
  };
}

/** The policy of a queue that rules fill. */
export function letEventsIn(queueArn: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: queueArn,
      },
    ],
  });
}
