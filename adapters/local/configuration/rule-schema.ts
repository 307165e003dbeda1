import { z } from "zod";
import { eventTypes } from "../../../core/accounting-event.ts";
import { limits } from "../../../core/limits.ts";
import { choice, enabled, expression, name, parsedBy, secret, section } from "./fields.ts";
import type { SecretSource } from "./secret.ts";
import { parseDestination, parseSmtpUrl } from "./values.ts";

const types = z.array(z.enum(eventTypes)).min(1).describe("Types of accounting events.");

const selection = {
  accounts: z.array(name).min(1).optional().describe("Names of accounts. Default: every account."),
  path: expression.optional().describe("An expression that the virtual path has to match. Default: every path."),
};

const destination = z
  .string()
  .transform(parsedBy(parseDestination))
  .meta({ examples: ["/outbox/"] });

const step = choice({
  move: destination.describe("Moves the file there; with a / at the end it keeps its name."),
  copy: destination.describe("Copies the file there; with a / at the end it keeps its name."),
}).transform(({ move, copy }) => ({
  operation: copy === undefined ? ("move" as const) : ("copy" as const),
  to: move ?? copy ?? "",
}));

export const dispatchRuleSchema = section({
  name: name.describe("Unique among the dispatch rules."),
  enabled: enabled.describe("False puts the rule out of force."),
  when: section({ types: types.default(["transfer.completed"]), ...selection })
    .prefault({})
    .describe("Which events the rule is about: all of these have to hold."),
  do: z.array(step).min(1).max(limits.dispatchSteps).describe("What happens to the file, in this order."),
});

// A line break would start a header of its own (RFC 5322 §2.2).
const subject = z
  .string()
  .min(1)
  .max(limits.emailSubjectLength)
  .regex(/^[ -~\u00a0-\uffff]*$/, { error: "a subject is one line without control characters" });

const emailAddress = z.email({ error: "expected an e-mail address" });

export const alertRuleSchema = section({
  name: name.describe("Unique among the alert rules."),
  enabled: enabled.describe("False puts the rule out of force."),
  when: section({ types, ...selection }).describe("Which events the rule is about: all of these have to hold."),
  email: section({
    to: z.array(emailAddress).min(1).max(limits.emailRecipients).describe("Who gets the message."),
    subject: subject.describe("Its subject; {account.name} and the like stand for parts of the event."),
  }).describe("The message that is sent; its body is the event as JSON."),
});

/** The `mail` section: how e-mail leaves. */
export function mailSchema(secrets: SecretSource) {
  return section({
    smtp: secret(secrets)
      .transform(parsedBy(parseSmtpUrl))
      .describe("The mail server as smtp://HOST:PORT or smtps://HOST:PORT, with USER:PASSWORD@ where it wants them."),
    from: emailAddress.describe("The sender of every message."),
  });
}
