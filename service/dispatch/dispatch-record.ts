import type { AccountingEvent, EventType } from "../../core/accounting-event.ts";
import type { DispatchPlan, DispatchStep } from "../../core/dispatch.ts";
import { deadLetterId } from "../consume/dead-letter.ts";
import type { DispatchServices } from "./dispatch-services.ts";

export const dispatchConsumer = "dispatch";

/** The steps of one rule for one event, of which each is the same whenever the event is delivered. */
export interface StepList {
  readonly event: AccountingEvent;
  readonly plan: DispatchPlan;
  readonly list: "do" | "otherwise";
}

export interface StepRun extends StepList {
  readonly step: DispatchStep;
  /** Its place in the list. */
  readonly index: number;
}

/** Names the work that a rule does for an event, or the part of it at `place`, such as `do.0`. */
export function claimIdOf(event: AccountingEvent, plan: DispatchPlan, place: string): string {
  return `${deadLetterId(dispatchConsumer, event.id)}/${plan.rule.name}/${place}`;
}

/** The action as rules write it. */
export function actionOf({ action }: DispatchStep): string {
  if (action === "unpack") return "extract";
  return action === "verify-detached" ? "verify" : action;
}

export interface StepRecord {
  readonly type: Extract<EventType, `dispatch.${string}`>;
  /** What tells this event of the step from others of the same type. */
  readonly suffix?: string;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Puts on record what became of a step; recording it again changes nothing. @throws FileError `unavailable`. */
export async function recordStep(
  { accounting, runtime, serverName }: DispatchServices,
  { event, plan, step, list, index }: StepRun,
  { type, suffix = "", message, data }: StepRecord,
): Promise<void> {
  const rule = plan.rule.name;
  await accounting.append({
    id: `${event.id}.${rule}.${list}.${index}.${type.slice("dispatch.".length)}${suffix}`,
    type,
    time: new Date(runtime.now()).toISOString(),
    server: serverName,
    ...(event.account && { account: event.account }),
    protocol: "system",
    message: `rule ${rule}: ${message}`,
    data: { rule, action: actionOf(step), ...data, cause: event.id },
  });
}
