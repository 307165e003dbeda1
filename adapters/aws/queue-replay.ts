import { SendMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { AccountingEvent } from "../../core/accounting-event.ts";
import { FileError } from "../../core/errors.ts";
import type { DeadLetters } from "../../ports/dead-letters.ts";
import type { EventMessage } from "./event-message.ts";

export interface QueueReplayOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  /** The consumer behind the queue. */
  readonly consumer: string;
  readonly deadLetters: DeadLetters;
}

/**
 * Puts the event of a dead letter into its consumer's queue again. What that makes of it is seen later: another
 * failure is another letter.
 */
export function createQueueReplayer({ client, queueUrl, consumer, deadLetters }: QueueReplayOptions) {
  return {
    name: consumer,
    replay: async (letterId: string): Promise<{ readonly ok: true }> => {
      const letter = await deadLetters.find(letterId);
      if (letter?.consumer !== consumer) throw new FileError("not-found", "there is no such dead letter");
      await sendEvent(client, queueUrl, letter.event);
      await deadLetters.remove(letterId);
      return { ok: true };
    },
  };
}

/** As EventBridge puts events into the queue. */
export async function sendEvent(client: SQSClient, queueUrl: string, event: AccountingEvent): Promise<void> {
  const message: EventMessage = { detail: event };
  await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(message) }));
}
