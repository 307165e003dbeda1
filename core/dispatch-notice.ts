import type { AccountingEvent } from "./accounting-event.ts";
import type { AlertLane, AlertRule, EmailTarget, WebhookTarget } from "./alert-rule.ts";
import type { DispatchRule, DispatchStep } from "./dispatch.ts";
import { compileSelection } from "./event-selection.ts";

/** A step that tells somebody about the file. */
export type NoticeStep = Extract<DispatchStep, { readonly action: "email" | "webhook" }>;

/** Where a step stands in its rule: with the name of the rule that names its lane, as no alert rule has a `/`. */
export function noticePlace(list: "do" | "otherwise", index: number): string {
  return `${list}.${index}`;
}

/**
 * What is on record of a notice says along which lane it is told. It is told from the record, so the step has nothing
 * else to do, and a step that is on record once is told once.
 */
export function noticeLane({ type, data }: AccountingEvent): AlertLane | undefined {
  const { rule, action, step } = data;
  if (type !== "dispatch.completed" || typeof rule !== "string" || typeof step !== "string") return undefined;
  return action === "email" || action === "webhook" ? { rule: `${rule}/${step}`, target: action } : undefined;
}

/** The step of a lane as an alert rule that no event selects; undefined where the rules in force have none. */
export function noticeRule(rules: readonly DispatchRule[], lane: AlertLane): AlertRule | undefined {
  const [ruleName = "", place = ""] = lane.rule.split("/");
  const rule = rules.find(({ name, enabled }) => enabled && name === ruleName);
  const [list, index] = place.split(".");
  const step = (list === "do" ? rule?.steps : rule?.otherwise)?.[Number(index)];
  if (step?.action !== "email" && step?.action !== "webhook") return undefined;
  return { name: lane.rule, enabled: true, when: compileSelection({ types: [] }), ...targetOf(step) };
}

function targetOf(step: NoticeStep): { readonly email: EmailTarget } | { readonly webhook: WebhookTarget } {
  return step.action === "email" ? { email: step.email } : { webhook: step.webhook };
}

/** Who is told, as it may be shown to everybody who is: no blind copies, and of a webhook's address only the host. */
export function noticeReceivers(step: NoticeStep): Readonly<Record<string, unknown>> {
  if (step.action === "webhook") return { host: webhookHost(step.webhook) };
  const { to, cc } = step.email;
  return { to, ...(cc.length > 0 && { cc }) };
}

/** The rest of the address may be a secret. */
export function webhookHost(target: WebhookTarget | undefined): string {
  return /^https?:\/\/(?:[^@/]*@)?([^/?#]*)/.exec(target?.url ?? "")?.[1] ?? "";
}
