import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { AlertRule, EmailTarget } from "../../core/alert-rule.ts";
import { asciiJson } from "../../core/ascii-json.ts";
import { renderEventTemplate } from "../../core/event-template.ts";
import { limits } from "../../core/limits.ts";
import { utf8Length } from "../../core/virtual-path.ts";
import type { PendingDeliveries } from "../../ports/alert-outbox.ts";
import type { EmailMessage } from "../../ports/mailer.ts";
import { htmlOf } from "./alert-html.ts";

/** What every message of a rule has in common. */
export interface EmailContext {
  readonly rule: AlertRule & { readonly email: EmailTarget };
  readonly from: string;
  /** The left part of the Message-ID. */
  readonly id: string;
}

/** The body of a digest. */
export interface Digest {
  readonly rule: string;
  /** When the first and the last of the events happened. */
  readonly since: string;
  readonly until: string;
  readonly count: number;
  /** The first of them, as many as limits.alertDigestEvents and limits.alertDigestBytes allow. */
  readonly events: readonly AccountingEvent[];
}

/** One event: the text body is the whole event as one JSON document. */
export function eventEmail(context: EmailContext, event: AccountingEvent): EmailMessage {
  const { rule } = context;
  const subject = renderEventTemplate(rule.email.subject, event, rule.name);
  return emailOf(context, { subject, document: event, events: [event] });
}

/** Many events in one message: the text body is a {@link Digest}, one JSON document too. */
export function digestEmail(context: EmailContext, { first, last, count }: PendingDeliveries): EmailMessage {
  const { rule } = context;
  const events = boundedEvents(first.map(({ event }) => event));
  const [oldest] = events;
  const subject = oldest ? renderEventTemplate(rule.email.subject, oldest, rule.name) : rule.name;
  const document: Digest = {
    rule: rule.name,
    since: oldest?.time ?? "",
    until: last?.event.time ?? "",
    count,
    events,
  };
  return emailOf(context, { subject: `${subject} (and ${count - 1} more)`, document, events });
}

/** The first one always, however long. */
function boundedEvents(events: readonly AccountingEvent[]): AccountingEvent[] {
  let bytes = 0;
  return events.filter((event, index) => {
    bytes += utf8Length(JSON.stringify(event));
    return index === 0 || bytes <= limits.alertDigestBytes;
  });
}

interface EmailContent {
  readonly subject: string;
  readonly document: AccountingEvent | Digest;
  readonly events: readonly AccountingEvent[];
}

function emailOf({ rule, from, id }: EmailContext, { subject, document, events }: EmailContent): EmailMessage {
  const { to, cc, bcc, readable } = rule.email;
  const domain = from.slice(from.lastIndexOf("@") + 1);
  return {
    messageId: `${id}@${domain}`,
    from,
    to,
    cc,
    bcc,
    subject,
    text: `${asciiJson(document, 2)}\n`,
    html: readable ? htmlOf({ title: subject, events, count: "count" in document ? document.count : 1 }) : undefined,
  };
}
