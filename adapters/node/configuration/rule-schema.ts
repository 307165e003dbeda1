import { z } from "zod";
import { eventTypes } from "../../../core/accounting-event.ts";
import { compileSelection, type EventSelection } from "../../../core/event-selection.ts";
import { parseEventTemplate } from "../../../core/event-template.ts";
import { type Expectation, isTimeZone, weekdays } from "../../../core/expectation.ts";
import { limits } from "../../../core/limits.ts";
import { enabled, expression, name, parsedBy, secret, secretFile, section } from "./fields.ts";
import type { SecretSource } from "./secret.ts";
import { oneOfOrNot, selectionSchema } from "./selection-schema.ts";
import { checkedAuthorities } from "./tls-schema.ts";
import { checkedWebhookSecret, parseDeadline, parseSmtpUrl, parseWebhookUrl } from "./values.ts";

const types = z.array(oneOfOrNot(eventTypes)).min(1).describe("Types of accounting events, with ! all others.");

// A line break would start a header of its own (RFC 5322 §2.2).
const subject = z
  .string()
  .min(1)
  .max(limits.emailSubjectLength)
  .regex(/^[ -~\u00a0-\uffff]*$/, { error: "a subject is one line without control characters" })
  .transform(parsedBy(parseEventTemplate))
  .meta({ examples: ["login refused for {account.name}"] });

const emailAddress = z.email({ error: "expected an e-mail address" });
const recipients = z.array(emailAddress).max(limits.emailRecipients);

const emailReceivers = {
  to: recipients.min(1).describe("Who gets the message."),
  cc: recipients.default([]).describe("Who gets a copy."),
  bcc: recipients.default([]).describe("Who gets a copy that the others do not see."),
  readable: z.boolean().default(false).describe("True adds a part for people beside the JSON."),
};

const subjectMeaning = "Its subject; {account.name} and the like stand for parts of the event.";

const emailTarget = section({ ...emailReceivers, subject: subject.describe(subjectMeaning) });

/** The e-mail of a step: its event names the rule and the file, so a subject is not required. */
export const stepEmail = section({
  ...emailReceivers,
  subject: subject.prefault("{data.rule}: {file.name}").describe(subjectMeaning),
});

export function webhookTarget(secrets: SecretSource) {
  return section({
    url: z
      .string()
      .transform(parsedBy(parseWebhookUrl))
      .describe("Where the event is posted: https, or http with allowPrivate.")
      .meta({ examples: ["https://hooks.example.com/ferrygate"] }),
    secret: secret(secrets)
      .transform(parsedBy(checkedWebhookSecret))
      .optional()
      .describe("What signs the requests: whsec_ and base64, or any text. Without it they are not signed."),
    allowPrivate: z
      .boolean()
      .default(false)
      .describe("True lets requests go to addresses that are not public, such as those of this network."),
  }).superRefine(({ url, allowPrivate }, context) => {
    if (url.startsWith("https:") || allowPrivate) return;
    context.addIssue({ code: "custom", path: ["url"], message: "http is possible with allowPrivate: true only" });
  });
}

const expectation = section({
  account: name.describe("The account that the file comes from."),
  path: expression.describe("An expression that the virtual path of the file has to match."),
  by: z
    .string()
    .transform(parsedBy(parseDeadline))
    .describe("Until when it has to be there, as HH:MM.")
    .meta({ examples: ["06:00"] }),
  timeZone: z
    .string()
    .refine(isTimeZone, { error: "expected a time zone such as Europe/Paris" })
    .default("UTC")
    .describe("Whose time that is."),
  days: z
    .array(z.enum(weekdays))
    .min(1)
    .default([...weekdays])
    .describe("On which days of the week."),
}).transform(({ by, ...expected }): Expectation => ({ ...expected, byMinute: by }));

/** A rule about a file that is due is one about the event that says it did not come. */
function selectionOf(rule: string): EventSelection {
  return compileSelection({ types: ["file.missing"], data: { rule: [rule] } });
}

export function alertRuleSchema(secrets: SecretSource) {
  return section({
    name: name.describe("Unique among the alert rules."),
    enabled: enabled.describe("False puts the rule out of force."),
    when: selectionSchema(types).optional().describe("Which events the rule is about: all of these have to hold."),
    expect: expectation.optional().describe("In the place of when: a file that is told about when it does not come."),
    email: emailTarget.optional().describe("A message whose body is the event as JSON."),
    webhook: webhookTarget(secrets).optional().describe("A request whose body is the event as JSON."),
  })
    .superRefine(({ when, expect, email, webhook }, context) => {
      const report = (message: string) => context.addIssue({ code: "custom", message });
      if (!email && !webhook) report('an alert needs "email" or "webhook"');
      if ((when === undefined) === (expect === undefined)) report('an alert needs either "when" or "expect"');
    })
    .transform((rule) => ({ ...rule, when: rule.when ?? selectionOf(rule.name) }));
}

/** The `mail` section: how e-mail leaves. */
export function mailSchema(secrets: SecretSource) {
  return section({
    smtp: secret(secrets)
      .transform(parsedBy(parseSmtpUrl))
      .describe("The mail server as smtp://HOST:PORT or smtps://HOST:PORT, with USER:PASSWORD@ where it wants them."),
    from: emailAddress.describe("The sender of every message."),
    requireTls: z
      .boolean()
      .optional()
      .describe("True: no delivery without TLS and a good certificate. Default: where a password leaves this machine."),
    ca: secretFile(secrets)
      .transform(parsedBy(checkedAuthorities))
      .optional()
      .describe("A file with certificates (PEM) of authorities that are trusted beside the well-known ones."),
  });
}
