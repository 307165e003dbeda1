import { type aws_cloudwatch as cloudwatch, Duration, aws_iam as iam, aws_sqs as sqs } from "aws-cdk-lib";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

export interface WorkQueueProps {
  /** How long the function behind it may take; the queue waits six times as long before it delivers again. */
  readonly functionTimeout: Duration;
  /** How often a message is delivered before it goes to the dead letters. @default 5 */
  readonly receives?: number;
}

/** What a queue delivers at most before it gives a message up. */
export const defaultReceives = 5;
const kept = Duration.days(14);

/** A queue in front of a function, with a queue for what the function could not do. */
export class WorkQueue extends Construct {
  readonly queue: sqs.Queue;
  readonly deadLetters: sqs.Queue;

  constructor(scope: Construct, id: string, props: WorkQueueProps) {
    super(scope, id);
    this.deadLetters = deadLetterQueue(this, "DeadLetters");
    this.queue = new sqs.Queue(this, "Queue", {
      encryption: sqs.QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: kept,
      visibilityTimeout: Duration.seconds(props.functionTimeout.toSeconds() * 6),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: props.receives ?? defaultReceives },
    });
  }

  /** Puts messages in that were given up before. */
  grantSend(grantee: iam.IGrantable): iam.Grant {
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ["sqs:SendMessage"],
      resourceArns: [this.queue.queueArn],
    });
  }

  /** Messages that nobody could work on; any is too many. */
  metricDeadLetters(): cloudwatch.Metric {
    return metricWaiting(this.deadLetters, "given up");
  }

  /** How long the oldest message waits: whether the function keeps up. */
  metricOldestAge(): cloudwatch.Metric {
    return this.queue.metricApproximateAgeOfOldestMessage({ statistic: "Maximum", label: "oldest, in seconds" });
  }
}

/** A queue that holds what failed, for 14 days. */
export function deadLetterQueue(scope: Construct, id: string): sqs.Queue {
  const queue = new sqs.Queue(scope, id, {
    encryption: sqs.QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: kept,
  });
  acknowledge(queue, "AwsSolutions-SQS3", "It is itself the queue for what failed, and has an alarm.");
  return queue;
}

export function metricWaiting(queue: sqs.IQueue, label: string): cloudwatch.Metric {
  return queue.metricApproximateNumberOfMessagesVisible({ statistic: "Maximum", period: Duration.minutes(1), label });
}
