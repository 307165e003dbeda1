import type { AccountingEvent } from "../../core/accounting-event.ts";
import {
  type DispatchPlan,
  type DispatchRule,
  destinationOf,
  type PlacingStep,
  type PushStep,
  planDispatch,
  type UnpackStep,
} from "../../core/dispatch.ts";
import { FileError } from "../../core/errors.ts";
import type { Failure } from "../consume/dead-letter.ts";
import type { EventHandler } from "../consume/event-consumer.ts";
import { WorkDeferred } from "../consume/retry.ts";
import { endPush } from "../destinations/push-step.ts";
import { actionOf, dispatchConsumer, recordStep, type StepRun } from "./dispatch-record.ts";
import type { DispatchServices } from "./dispatch-services.ts";
import { DispatchStepError, runSteps } from "./dispatch-step.ts";
import { type DispatchedFile, fileOf } from "./dispatched-file.ts";
import { fallBack, fallbackState } from "./fallback.ts";

/**
 * Does with files what the rules say. A step that was done is not done again when its event comes once more, and
 * nothing behind a step that failed is done before it.
 * @param rules the rules in force at the moment of the call, in their order
 */
export function createDispatcher(services: DispatchServices, rules: () => readonly DispatchRule[]): EventHandler {
  return {
    name: dispatchConsumer,
    selects: (event) => planDispatch(event, rules()).length > 0,
    handle: (event) => dispatch(services, event, planDispatch(event, rules())),
    givenUp: (failure) => giveUp(services, failure),
  };
}

async function dispatch(
  services: DispatchServices,
  event: AccountingEvent,
  plans: readonly DispatchPlan[],
): Promise<void> {
  const [first] = plans;
  let file = first && (await fileOf(services, event, first));
  if (first && !file) throw new FileError("not-found", `there is no account ${first.accountName}`);
  for (const plan of plans) {
    file = file && (await applyRule(services, event, plan, file));
  }
}

/** Where the file is afterwards; undefined when it is gone or the rule came to its fallback: other rules stop then. */
async function applyRule(
  services: DispatchServices,
  event: AccountingEvent,
  plan: DispatchPlan,
  file: DispatchedFile,
): Promise<DispatchedFile | undefined> {
  const fallback = await fallbackState(services, event, plan);
  if (fallback === "none") return runSteps(services, { event, plan, list: "do" }, file);
  if (fallback !== "done") await fallBack(services, event, plan, fallback);
  return undefined;
}

/** A step has failed for good. True when the rule says what to do then, and that is done. */
async function giveUp(services: DispatchServices, { event, error, attempts }: Failure): Promise<boolean> {
  if (!(error instanceof DispatchStepError)) return false;
  await recordFailure(services, error, attempts);
  const { run, file } = error;
  if (run.list === "otherwise" || run.plan.rule.otherwise.length === 0) return false;
  try {
    await fallBack(services, event, run.plan, file);
    return true;
  } catch (fallbackError) {
    if (fallbackError instanceof WorkDeferred) return true;
    if (!(fallbackError instanceof DispatchStepError) || !fallbackError.isFinal) throw fallbackError;
    await recordFailure(services, fallbackError, attempts);
    return false;
  }
}

async function recordFailure(
  services: DispatchServices,
  { run, file, message, rule }: DispatchStepError,
  attempts: number,
): Promise<void> {
  const { step } = run;
  await endPush(services, run, file, message);
  const destination = plannedDestination(run, file);
  await recordStep(services, run, {
    type: "dispatch.failed",
    suffix: `.${attempts}`,
    message: `${actionOf(step)} of ${file.path} failed: ${message}`,
    data: {
      path: file.path,
      ...destination,
      reason: message,
      ...(rule !== undefined && { permissionRule: rule }),
      attempts,
    },
  });
}

/** Where the file was to go, or the template where a value made no path of it. */
function plannedDestination({ step, plan }: StepRun, file: DispatchedFile): Readonly<Record<string, string>> {
  if (!("overwrite" in step)) return {};
  const path = plannedPath(step, plan, file);
  if (step.action === "push") return { destination: step.destination, ...(path !== undefined && { remotePath: path }) };
  return path === undefined ? {} : { destination: path };
}

function plannedPath(
  step: PlacingStep | PushStep | UnpackStep,
  plan: DispatchPlan,
  file: DispatchedFile,
): string | undefined {
  try {
    return destinationOf(step, plan, file.path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return "to" in step ? step.to?.source : undefined;
  }
}
