import type { AccountingEvent } from "../../core/accounting-event.ts";
import type { DispatchPlan } from "../../core/dispatch.ts";
import { once } from "../consume/once.ts";
import { WorkBusy } from "../consume/retry.ts";
import { claimIdOf } from "./dispatch-record.ts";
import type { DispatchServices } from "./dispatch-services.ts";
import { DispatchStepError, runSteps } from "./dispatch-step.ts";
import type { DispatchedFile } from "./dispatched-file.ts";

const notBegun = "";

/**
 * Does what a rule says for the case that it failed. From when that begins, the event does not come back to the rule's
 * first steps, also after a crash; it does when the fallback has failed for good.
 * @param file where the failed step left it @throws DispatchStepError, WorkBusy
 */
export async function fallBack(
  services: DispatchServices,
  event: AccountingEvent,
  plan: DispatchPlan,
  file: DispatchedFile,
): Promise<void> {
  await once(services, fallbackClaim(event, plan), async ({ annotate }) => {
    await annotate(JSON.stringify(file));
    try {
      await runSteps(services, { event, plan, list: "otherwise" }, file);
    } catch (error) {
      if (error instanceof DispatchStepError && error.isFinal) await annotate(notBegun);
      throw error;
    }
    return "done";
  });
}

/** Whether the rule has come to its fallback for this event: the file to go on with, when that was cut off. */
export async function fallbackState(
  { claims, runtime }: DispatchServices,
  event: AccountingEvent,
  plan: DispatchPlan,
): Promise<"none" | "done" | DispatchedFile> {
  if (plan.rule.otherwise.length === 0) return "none";
  const [id, owner] = [fallbackClaim(event, plan), runtime.newId()];
  const claim = await claims.claim({ id, owner, leaseMs: 1 });
  if (claim.state === "busy") throw new WorkBusy();
  if (claim.state === "completed") return "done";
  await claims.release(id, owner);
  return claim.note === undefined || claim.note === notBegun ? "none" : (JSON.parse(claim.note) as DispatchedFile);
}

function fallbackClaim(event: AccountingEvent, plan: DispatchPlan): string {
  return claimIdOf(event, plan, "otherwise");
}
