import { destinationOf, type PushStep } from "../../core/dispatch.ts";
import type { Turn } from "../consume/once.ts";
import { claimIdOf, type StepRun } from "../dispatch/dispatch-record.ts";
import type { DispatchServices } from "../dispatch/dispatch-services.ts";
import type { DispatchedFile } from "../dispatch/dispatched-file.ts";
import type { Outgoing, PushMemory, PushNote } from "./push-file.ts";
import { pushTrail } from "./push-trail.ts";

type PushRun = StepRun & { readonly step: PushStep };

/** The claim of the step: what is on its way is named after it. */
function workIdOf({ event, plan, list, index }: StepRun): string {
  return claimIdOf(event, plan, `${list}.${index}`);
}

/** What a step sends. @throws FileError `invalid-path` */
export function outgoingOf(run: PushRun, file: DispatchedFile): Outgoing {
  return {
    workId: workIdOf(run),
    file,
    wanted: destinationOf(run.step, run.plan, file.path),
    overwrite: run.step.overwrite,
    groups: run.event.account?.groups ?? [],
  };
}

/** What the tries of a step know of each other. */
export function pushMemory(turn: Turn): PushMemory {
  let note = turn.note === undefined ? undefined : (JSON.parse(turn.note) as PushNote);
  return {
    get note() {
      return note;
    },
    keep: async (changed) => {
      await turn.annotate(JSON.stringify(changed));
      note = changed;
    },
  };
}

/**
 * The tries of a push are used up: its transfer is at its end. A replay begins another one, with what is there.
 * @throws FileError `unavailable`
 */
export async function endPush(
  services: DispatchServices,
  run: StepRun,
  file: DispatchedFile,
  reason: string,
): Promise<void> {
  if (run.step.action !== "push") return;
  const [id, owner] = [workIdOf(run), services.runtime.newId()];
  const claim = await services.claims.claim({ id, owner, leaseMs: 1000 });
  const note = claim.state === "claimed" && claim.note !== undefined ? (JSON.parse(claim.note) as PushNote) : undefined;
  try {
    if (note?.transferId === undefined) return;
    const { transferId, ...others } = note;
    const groups = run.event.account?.groups ?? [];
    const subject = { transferId, path: note.path };
    const trail = pushTrail(services, { file, groups }, subject, { destination: { name: run.step.destination } });
    await trail.aborted(0, reason);
    await services.claims.annotate(id, owner, JSON.stringify(others));
  } finally {
    await services.claims.release(id, owner);
  }
}
