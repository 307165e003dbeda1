import { randomUUID } from "node:crypto";
import {
  CreateEventBusCommand,
  DeleteEventBusCommand,
  DeleteRuleCommand,
  type EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { createEventBridgeClient, createSqsClient } from "../../adapters/aws/clients.ts";
import { eventSource } from "../../adapters/aws/env.ts";
import { deliverySeconds } from "./aws-services.ts";
import { letEventsIn } from "./event-bus.ts";
import { lambdaContext } from "./payload-v2.ts";

export type QueueFunction = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse | undefined>;

/** An event bus and a queue in front of each function, as the product has them. */
export interface EventFlow {
  readonly eventBus: string;
  readonly queueUrls: Readonly<Record<string, string>>;
  /**
   * Hands what is in a queue to its function as Lambda does, until the queue is empty. What the function names as
   * failed stays in the queue. Answers how many messages were dealt with.
   */
  deliver(queue: string, handler: QueueFunction): Promise<number>;
  dispose(): Promise<void>;
}

const tap = "tap";

/**
 * Creates a bus and queues of its own for one test; {@link startAwsServices} comes first. The server of the tests takes
 * most of a second for each rule that an event matches, so one rule fills one queue, and each function's queue is given
 * a copy of what comes out of it.
 */
export async function createEventFlow(functions: readonly string[]): Promise<EventFlow> {
  const [events, sqs] = [createEventBridgeClient(), createSqsClient()];
  const eventBus = `ferrygate-test-${randomUUID()}`;
  const queueUrls: Record<string, string> = {};
  for (const queue of [tap, ...functions]) {
    const create = { QueueName: `${eventBus}-${queue}`, Attributes: { VisibilityTimeout: "0" } };
    queueUrls[queue] = (await sqs.send(new CreateQueueCommand(create))).QueueUrl ?? "";
  }
  const tapArn = await arnOf(sqs, queueUrls[tap] ?? "");
  const Attributes = { Policy: letEventsIn(tapArn) };
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl: queueUrls[tap], Attributes }));
  await fillFromBus(events, eventBus, tapArn);
  const handOut = () =>
    drain(sqs, queueUrls[tap] ?? "", async (messages) => {
      for (const { Body } of messages) {
        for (const queue of functions) {
          await sqs.send(new SendMessageCommand({ QueueUrl: queueUrls[queue], MessageBody: Body }));
        }
      }
      return messages;
    });
  return {
    eventBus,
    queueUrls,
    deliver: async (queue, handler) => {
      await handOut();
      return drain(sqs, queueUrls[queue] ?? "", async (messages) => {
        const answer = await handler(batchOf(messages), lambdaContext());
        const failed = new Set(answer?.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
        return messages.filter(({ MessageId = "" }) => !failed.has(MessageId));
      });
    },
    dispose: async () => {
      await events.send(new RemoveTargetsCommand({ Rule: tap, EventBusName: eventBus, Ids: [tap] }));
      await events.send(new DeleteRuleCommand({ Name: tap, EventBusName: eventBus }));
      for (const QueueUrl of Object.values(queueUrls)) await sqs.send(new DeleteQueueCommand({ QueueUrl }));
      await events.send(new DeleteEventBusCommand({ Name: eventBus }));
      events.destroy();
      sqs.destroy();
    },
  };
}

async function fillFromBus(events: EventBridgeClient, eventBus: string, queueArn: string): Promise<void> {
  await events.send(new CreateEventBusCommand({ Name: eventBus }));
  const EventPattern = JSON.stringify({ source: [eventSource] });
  await events.send(new PutRuleCommand({ Name: tap, EventBusName: eventBus, EventPattern }));
  const Targets = [{ Id: tap, Arn: queueArn }];
  await events.send(new PutTargetsCommand({ Rule: tap, EventBusName: eventBus, Targets }));
}

async function arnOf(sqs: SQSClient, QueueUrl: string): Promise<string> {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] }));
  return Attributes?.QueueArn ?? "";
}

/** Until nothing is left with which `take` deals; it answers the messages that it has dealt with. */
async function drain(
  sqs: SQSClient,
  QueueUrl: string,
  take: (messages: readonly Message[]) => Promise<readonly Message[]>,
): Promise<number> {
  const receive = {
    QueueUrl,
    MaxNumberOfMessages: 10,
    WaitTimeSeconds: deliverySeconds,
    MessageSystemAttributeNames: ["All" as const],
  };
  for (let dealtWith = 0; ; ) {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(receive));
    const done = Messages.length === 0 ? [] : await take(Messages);
    for (const { ReceiptHandle } of done) await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    dealtWith += done.length;
    if (done.length === 0) return dealtWith;
  }
}

export function batchOf(messages: readonly Message[]): SQSEvent {
  return { Records: messages.map(recordOf) };
}

function recordOf({
  MessageId = "",
  ReceiptHandle = "",
  Body = "",
  MD5OfBody = "",
  Attributes = {},
}: Message): SQSRecord {
  return {
    messageId: MessageId,
    receiptHandle: ReceiptHandle,
    body: Body,
    attributes: {
      ApproximateReceiveCount: Attributes.ApproximateReceiveCount ?? "1",
      SentTimestamp: Attributes.SentTimestamp ?? "",
      SenderId: Attributes.SenderId ?? "",
      ApproximateFirstReceiveTimestamp: Attributes.ApproximateFirstReceiveTimestamp ?? "",
    },
    messageAttributes: {},
    md5OfBody: MD5OfBody,
    eventSource: "aws:sqs",
    eventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:queue",
    awsRegion: "eu-west-1",
  };
}
