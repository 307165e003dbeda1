import type { AlertRule } from "../../core/alert-rule.ts";
import type { DispatchRule } from "../../core/dispatch.ts";
import { limits } from "../../core/limits.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { AlertOutbox } from "../../ports/alert-outbox.ts";
import type { DeadLetters } from "../../ports/dead-letters.ts";
import type { Mailer } from "../../ports/mailer.ts";
import type { Runtime } from "../../ports/runtime.ts";
import type { WebhookSender } from "../../ports/webhook-sender.ts";

/** The name of the consumer, and that under which its position and its dead letters are kept. */
export const alertConsumer = "alerts";

/** How e-mail leaves at this moment. */
export interface Mail {
  readonly mailer: Mailer;
  readonly from: string;
}

export interface AlertServices {
  /** The rules in force. */
  readonly rules: () => readonly AlertRule[];
  /** The dispatch rules in force: their steps `email` and `webhook` are told like alerts. */
  readonly dispatchRules: () => readonly DispatchRule[];
  /** Undefined when no mail server is configured. */
  readonly mail: () => Mail | undefined;
  readonly webhooks: WebhookSender;
  readonly outbox: AlertOutbox;
  readonly deadLetters: DeadLetters;
  readonly accounting: Pick<AccountingLog, "append">;
  readonly runtime: Runtime;
  readonly serverName: string;
  readonly pace: AlertPace;
}

/** How many e-mails a rule may cause, and how failures are repeated. Times are in milliseconds. */
export interface AlertPace {
  readonly emails: number;
  readonly periodMs: number;
  readonly firstRetryMs: number;
  readonly longestRetryMs: number;
  readonly deliveryMs: number;
}

export const standardPace: AlertPace = {
  emails: limits.alertEmails,
  periodMs: limits.alertPeriodMs,
  firstRetryMs: limits.alertRetryMs,
  longestRetryMs: limits.alertLongestRetryMs,
  deliveryMs: limits.alertDeliveryMs,
};
