import { asciiJson } from "../../core/ascii-json.ts";
import { limits } from "../../core/limits.ts";
import type { Pull } from "../../core/pull.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { recordPull } from "./pull-record.ts";
import { type RunReport, runPull } from "./pull-run.ts";
import { isInForce, type PullServices } from "./pull-services.ts";
import { PushLane } from "./push-lane.ts";
import type { PushServices } from "./push-services.ts";
import { queuePush } from "./queue-push.ts";

export type DueServices = PullServices & Omit<PushServices, "defer">;

/** Up to when the schedule of each pull was followed, in milliseconds since the epoch: what came due since is run. */
type Marks = Readonly<Record<string, number>>;

/**
 * Pushes and pulls what is due, for a process that does not stay: no pause between tries is waited for. One call at a
 * time works for a destination, under a claim, so that its bounds hold and a slow one does not hold up the calls for
 * the others.
 * @param untilMs no transfer is begun after this moment, in milliseconds since the epoch
 * @throws the first failure of the queue, the claims or the record, after every destination had its turn
 */
export async function runDueTransfers(services: DueServices, untilMs: number): Promise<void> {
  const waiting = await services.queue.waiting();
  const pulls = services.pulls().filter((pull) => isInForce(services, pull));
  const names = new Set([...waiting, ...pulls].map(({ destination }) => destination));
  throwFirst(await Promise.allSettled([...names].map((name) => workFor(services, name, untilMs))));
}

async function workFor(services: DueServices, destination: string, untilMs: number): Promise<void> {
  const { claims, runtime } = services;
  const [id, owner] = [`transfers/${destination}`, runtime.newId()];
  const request = { id, owner, leaseMs: limits.claimLeaseMs };
  const claim = await claims.claim(request);
  if (claim.state !== "claimed") return;
  const stopRenewing = runtime.every(limits.claimLeaseMs / 3, () => {
    claims.claim(request).catch((error: unknown) => runtime.log.warn("a claim was not renewed", { id, error }));
  });
  try {
    const marks: Marks = claim.note === undefined ? {} : JSON.parse(claim.note);
    const keep = (changed: Marks) => claims.annotate(id, owner, asciiJson(changed));
    throwFirst(
      await Promise.allSettled([
        laneOf(services, destination).runDue(untilMs),
        runDuePulls(services, pullsOf(services, destination), { marks, keep, untilMs }),
      ]),
    );
  } finally {
    stopRenewing();
    await claims.release(id, owner);
  }
}

function laneOf(services: DueServices, destination: string): PushLane {
  return new PushLane({ ...services, defer: (event, name) => queuePush(services, event, name) }, destination);
}

function pullsOf(services: DueServices, destination: string): readonly Pull[] {
  return services.pulls().filter((pull) => pull.destination === destination && isInForce(services, pull));
}

interface Round {
  readonly marks: Marks;
  readonly keep: (marks: Marks) => Promise<void>;
  readonly untilMs: number;
}

async function runDuePulls(services: DueServices, pulls: readonly Pull[], round: Round): Promise<void> {
  const changed = new Map<string, number>();
  const look = async (pull: Pull) => {
    const before = round.marks[pull.name];
    if (before !== undefined) changed.set(pull.name, before);
    changed.set(pull.name, await followed(services, pull, before, round.untilMs));
  };
  const results = await Promise.allSettled(pulls.map(look));
  if (pulls.length > 0) await round.keep(Object.fromEntries(changed));
  throwFirst(results);
}

/** Runs a pull if it is due. Answers its new mark: the old one where time did not suffice for all files. */
async function followed(services: DueServices, pull: Pull, mark: number | undefined, untilMs: number): Promise<number> {
  const { runtime, calendar, memory } = services;
  const nowMs = runtime.now();
  // A pull that is new begins with what its schedule names next.
  const dueMs = calendar.next(pull.schedule, mark ?? nowMs);
  if (mark === undefined || dueMs === undefined || dueMs > nowMs) return nowMs;
  if (nowMs >= untilMs) return mark;
  const isStopping = () => runtime.now() >= untilMs;
  const sleep = (ms: number) => sleepOf(runtime, ms);
  const report = await runPull(services, pull, { active: new Set(), isStopping, sleep });
  await memory.putRun(pull.name, report.run);
  await recordPull(services, pull, report);
  return isStopping() && hasLeft(report) ? mark : nowMs;
}

/** Files that were there and have not been tried. */
function hasLeft({ run: { files, fetched, known, failed } }: RunReport): boolean {
  return files > fetched + known + failed;
}

function sleepOf(runtime: Pick<Runtime, "every">, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const stop = runtime.every(Math.max(1, ms), () => {
      stop();
      resolve();
    });
  });
}

function throwFirst(results: readonly PromiseSettledResult<unknown>[]): void {
  const failure = results.find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
}
