import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { AlertRule, AlertTarget } from "../../core/alert-rule.ts";
import { webhookHost } from "../../core/dispatch-notice.ts";
import type { PlacedDelivery } from "../../ports/alert-outbox.ts";
import { deadLetterId } from "../consume/dead-letter.ts";
import { type AlertServices, alertConsumer } from "./alert-services.ts";

/** What was told, or was to be told. */
export interface ToldAlert {
  readonly rule: AlertRule;
  readonly target: AlertTarget;
  /** That of the delivery: the id of the event about it is made from this one. */
  readonly id: string;
  /** The first of them for a digest. */
  readonly event: AccountingEvent;
  /** How many events the message stands for. */
  readonly count: number;
}

/**
 * Puts `alert.sent` on record, once for each delivery. @param refused recipients that the mail server did not take
 * @throws FileError `unavailable`.
 */
export async function recordAlert(
  services: AlertServices,
  { refused, ...alert }: ToldAlert & { readonly refused: readonly string[] },
): Promise<void> {
  await append(services, alert, {
    id: `${alert.id}-sent`,
    type: "alert.sent",
    message: `${describe(alert)} told by ${alert.rule.name}`,
    data: refused.length > 0 ? { refused } : {},
  });
}

/** Puts `alert.failed` on record and keeps the events among the dead letters. @throws FileError `unavailable`. */
export async function buryAlert(
  services: AlertServices,
  { failure, ...alert }: ToldAlert & { readonly failure: string },
  deliveries: readonly [PlacedDelivery, ...PlacedDelivery[]],
): Promise<void> {
  const { deadLetters, runtime } = services;
  const failedAt = new Date(runtime.now()).toISOString();
  for (const { event } of deliveries) {
    const letter = { consumer: alertConsumer, event, reason: failure, attempts: 1, failedAt };
    await deadLetters.put({ id: deadLetterId(alertConsumer, event.id), ...letter });
  }
  await append(services, alert, {
    // A replay is another delivery, accepted at another time.
    id: `${alert.id}-failed-${deliveries[0].acceptedAtMs}`,
    type: "alert.failed",
    message: `${describe(alert)} not told by ${alert.rule.name}: ${failure}`,
    data: { reason: failure },
  });
}

function describe({ event, count }: ToldAlert): string {
  return count === 1 ? event.type : `${count} events`;
}

function append(
  { accounting, runtime, serverName }: AlertServices,
  { rule, target, event, count }: ToldAlert,
  content: Pick<AccountingEvent, "id" | "type" | "message" | "data">,
): Promise<void> {
  const about = { eventId: event.id, eventType: event.type, ...(count > 1 && { count }) };
  return accounting.append({
    ...content,
    time: new Date(runtime.now()).toISOString(),
    server: serverName,
    ...(event.account && { account: event.account }),
    protocol: "system",
    data: { rule: rule.name, target, ...receiversOf(rule, target), ...about, ...content.data },
  });
}

/** Of a webhook's address only the host is on record: the rest of it may be a secret. */
function receiversOf({ email, webhook }: AlertRule, target: AlertTarget): Readonly<Record<string, unknown>> {
  if (target === "email") return { to: [...(email?.to ?? []), ...(email?.cc ?? []), ...(email?.bcc ?? [])] };
  return { host: webhookHost(webhook) };
}
