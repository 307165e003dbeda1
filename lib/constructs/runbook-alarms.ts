import {
  Aws,
  aws_cloudwatch_actions as actions,
  aws_cloudwatch as cloudwatch,
  aws_iam as iam,
  type aws_kms as kms,
  aws_sns as sns,
  aws_sns_subscriptions as subscriptions,
} from "aws-cdk-lib";
import { Construct } from "constructs";

export interface RunbookAlarmsProps {
  /** Who hears of alarms; each confirms the subscription once. */
  readonly addresses: readonly string[];
  readonly encryptionKey: kms.IKey;
}

export interface AlarmProps {
  /** The heading in docs/runbook.md that says what to do. */
  readonly heading: string;
  readonly metric: cloudwatch.IMetric;
  readonly threshold: number;
  /** Above or below the threshold is wrong. @default "above" */
  readonly wrong?: "above" | "below";
  /** Periods in a row in which it has to be wrong. @default 1 */
  readonly periods?: number;
  /** What no data means. @default that nothing is wrong */
  readonly missing?: cloudwatch.TreatMissingData;
}

/** Alarms that tell people by e-mail, and tell them which page of the runbook to open. */
export class RunbookAlarms extends Construct {
  readonly topic: sns.Topic;
  readonly #headings = new Set<string>();
  readonly #alarms: cloudwatch.Alarm[] = [];

  constructor(scope: Construct, id: string, props: RunbookAlarmsProps) {
    super(scope, id);
    this.topic = new sns.Topic(this, "Topic", { masterKey: props.encryptionKey, enforceSSL: true });
    this.topic.addToResourcePolicy(
      new iam.PolicyStatement({
        principals: [new iam.ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Aws.ACCOUNT_ID } },
      }),
    );
    for (const address of props.addresses) {
      this.topic.addSubscription(new subscriptions.EmailSubscription(address));
    }
  }

  /** Of all alarms, once each. */
  get headings(): readonly string[] {
    return [...this.#headings];
  }

  get alarms(): readonly cloudwatch.Alarm[] {
    return this.#alarms;
  }

  add(id: string, props: AlarmProps): cloudwatch.Alarm {
    const { heading, metric, threshold, wrong = "above", periods = 1 } = props;
    const alarm = new cloudwatch.Alarm(this, id, {
      alarmDescription: `${heading}: docs/runbook.md#${anchorOf(heading)}`,
      metric,
      threshold,
      evaluationPeriods: periods,
      comparisonOperator:
        wrong === "above"
          ? cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
          : cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: props.missing ?? cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new actions.SnsAction(this.topic));
    alarm.addOkAction(new actions.SnsAction(this.topic));
    this.#headings.add(heading);
    this.#alarms.push(alarm);
    return alarm;
  }
}

/** As Markdown makes it of a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
}
