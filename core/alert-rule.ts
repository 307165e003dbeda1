import type { AccountingEvent } from "./accounting-event.ts";
import { type EventSelection, selects } from "./event-selection.ts";
import type { EventTemplate } from "./event-template.ts";
import type { Expectation } from "./expectation.ts";

export interface EmailTarget {
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
  readonly subject: EventTemplate;
  /** A part for people beside the JSON. */
  readonly readable: boolean;
}

export interface WebhookTarget {
  /** `https:` or `http:`. */
  readonly url: string;
  /** What signs: `whsec_` and base64, or any text. Undefined for requests that are not signed. */
  readonly secret?: string | undefined;
  /** Lets requests go to addresses that are not public. */
  readonly allowPrivate: boolean;
}

/** Which events are told, and to whom. A rule has an e-mail, a webhook or both. */
export interface AlertRule {
  readonly name: string;
  readonly enabled: boolean;
  readonly when: EventSelection;
  /** A file that is due; `when` selects the event that says it did not come. */
  readonly expect?: Expectation | undefined;
  readonly email?: EmailTarget | undefined;
  readonly webhook?: WebhookTarget | undefined;
}

export type AlertTarget = "email" | "webhook";

/** A rule's way to one receiver. What is sent along one lane keeps its order. */
export interface AlertLane {
  readonly rule: string;
  readonly target: AlertTarget;
}

/**
 * The lanes along which the event is told. An alert is an event too, and may be told by other rules; an alert about
 * an alert may not, so that no chain of them goes on for ever.
 */
export function alertLanes(rules: readonly AlertRule[], event: AccountingEvent): readonly AlertLane[] {
  const { rule: origin, eventType } = event.type.startsWith("alert.") ? event.data : {};
  if (typeof eventType === "string" && eventType.startsWith("alert.")) return [];
  return rules
    .filter((rule) => rule.enabled && rule.name !== origin && selects(rule.when, event))
    .flatMap((rule) => targetsOf(rule).map((target) => ({ rule: rule.name, target })));
}

function targetsOf({ email, webhook }: AlertRule): readonly AlertTarget[] {
  return [...(email ? (["email"] as const) : []), ...(webhook ? (["webhook"] as const) : [])];
}
