import { type aws_cloudwatch as cloudwatch, Duration, aws_logs as logs } from "aws-cdk-lib";
import { Construct } from "constructs";

export interface EventCountsProps {
  /** Of the accounting function, which writes every event into it. */
  readonly logGroup: logs.ILogGroup;
}

/** Events that somebody should look at when there are many of them. */
const counted = {
  refusedLogins: "authentication.failed",
  refusedOperations: "access.denied",
  completedTransfers: "transfer.completed",
  abortedTransfers: "transfer.aborted",
  failedDispatches: "dispatch.failed",
  failedAlerts: "alert.failed",
  infectedFiles: "scan.infected",
  failedScans: "scan.failed",
  expiringCertificates: "certificate.expiring",
} as const;

export type EventCount = keyof typeof counted;

/** Metrics of the accounting events, counted in the log that the accounting function writes. */
export class EventCounts extends Construct {
  readonly #metrics: Readonly<Record<EventCount, cloudwatch.Metric>>;

  constructor(scope: Construct, id: string, props: EventCountsProps) {
    super(scope, id);
    const entries = Object.entries(counted).map(([name, type]) => [name, this.#count(name, type, props.logGroup)]);
    this.#metrics = Object.fromEntries(entries);
  }

  metric(name: EventCount): cloudwatch.Metric {
    return this.#metrics[name];
  }

  #count(name: string, type: string, logGroup: logs.ILogGroup): cloudwatch.Metric {
    const filter = new logs.MetricFilter(this, name, {
      logGroup,
      filterPattern: logs.FilterPattern.stringValue("$.fields.event.type", "=", type),
      metricNamespace: `Ferrygate/${this.node.addr.slice(-8)}`,
      metricName: type,
      metricValue: "1",
    });
    return filter.metric({ statistic: "Sum", period: Duration.minutes(5), label: type });
  }
}
