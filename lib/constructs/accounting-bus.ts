import {
  aws_cloudwatch as cloudwatch,
  Duration,
  aws_events as events,
  aws_iam as iam,
  type aws_sqs as sqs,
  aws_events_targets as targets,
} from "aws-cdk-lib";
import { Construct } from "constructs";
import { eventSource } from "../../adapters/aws/env.ts";
import { deadLetterQueue, metricWaiting, type WorkQueue } from "./work-queue.ts";

export interface AccountingBusProps {
  /** Days in which events can be replayed. @default 365 */
  readonly archiveDays?: number;
}

/**
 * Where every accounting event goes first. What EventBridge accepted is archived and delivered, to each queue at least
 * once; what it cannot deliver within a day waits in `undelivered`.
 */
export class AccountingBus extends Construct {
  readonly bus: events.EventBus;
  readonly undelivered: sqs.Queue;

  constructor(scope: Construct, id: string, props: AccountingBusProps = {}) {
    super(scope, id);
    this.bus = new events.EventBus(this, "Bus");
    this.undelivered = deadLetterQueue(this, "Undelivered");
    this.bus.archive("Archive", {
      description: "Accounting events, for replays",
      eventPattern: { source: [eventSource] },
      retention: Duration.days(props.archiveDays ?? 365),
    });
  }

  /** Events of these types go to the queue. @param types all, when there is none */
  addQueue(id: string, workQueue: WorkQueue, types: readonly string[] = []): events.Rule {
    return new events.Rule(this, id, {
      eventBus: this.bus,
      eventPattern: { source: [eventSource], ...(types.length > 0 && { detailType: [...types] }) },
      targets: [deliveryTo(workQueue, this.undelivered)],
    });
  }

  grantPutEvents(grantee: iam.IGrantable): iam.Grant {
    return iam.Grant.addToPrincipal({
      grantee,
      actions: ["events:PutEvents"],
      resourceArns: [this.bus.eventBusArn],
      // Nobody can pass an event off as another system's, or another system's as ours.
      conditions: { StringEquals: { "events:source": eventSource } },
    });
  }

  metricUndelivered(): cloudwatch.Metric {
    return metricWaiting(this.undelivered, "undelivered");
  }

  /** Events that EventBridge took from the gateway and the functions. */
  metricEvents(): cloudwatch.Metric {
    return new cloudwatch.Metric({
      namespace: "AWS/Events",
      metricName: "MatchedEvents",
      dimensionsMap: { EventBusName: this.bus.eventBusName },
      statistic: "Sum",
      label: "events",
    });
  }
}

/** A rule's delivery to a queue; EventBridge tries for a day, then the event goes to `undelivered`. */
export function deliveryTo({ queue }: WorkQueue, undelivered: sqs.IQueue): targets.SqsQueue {
  return new targets.SqsQueue(queue, {
    deadLetterQueue: undelivered,
    maxEventAge: Duration.hours(24),
    retryAttempts: 185,
  });
}
