import middy from "@middy/core";
import sqsPartialBatchFailure from "@middy/sqs-partial-batch-failure";
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { runtime } from "./operator-log.ts";

export type BatchHandler = (event: SQSEvent, context: Context) => Promise<SQSBatchResponse>;

/**
 * A function behind a queue, which is told what of a batch it is to deliver again. Results are in the records' order.
 */
export function createBatchHandler(
  work: (records: readonly SQSRecord[], context: Context) => Promise<readonly PromiseSettledResult<void>[]>,
): BatchHandler {
  const logger = (error: unknown, { messageId }: SQSRecord) =>
    runtime.log.warn("a message is to be delivered again", { messageId, error });
  const handler = middy<SQSEvent, unknown>()
    .use(sqsPartialBatchFailure({ logger }))
    .handler(({ Records }, context) => work(Records, context));
  return async (event, context) => (await handler(event, context)) as SQSBatchResponse;
}
