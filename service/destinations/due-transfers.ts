import { limits } from "../../core/limits.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { underClaim } from "../consume/once.ts";
import { type DuePullServices, DuePulls, sleepOf, throwFirst } from "./due-pulls.ts";
import { isInForce } from "./pull-services.ts";
import { PushLane } from "./push-lane.ts";
import type { PushServices } from "./push-services.ts";
import { queuePush } from "./queue-push.ts";
import { StandingTeller } from "./standing-teller.ts";

export type DueServices = DuePullServices & Omit<PushServices, "defer">;

/**
 * Pushes and pulls what is due, for a process that does not stay: no pause between tries is waited for. One call at a
 * time works for a destination, under a claim, so that its bounds hold and a slow one does not hold up the calls for
 * the others.
 * @param untilMs no transfer is begun after this moment, in milliseconds since the epoch
 * @throws the first failure of the queue, the claims, the board or the record, after every destination had its turn
 */
export async function runDueTransfers(services: DueServices, untilMs: number): Promise<void> {
  const waiting = await services.queue.waiting();
  const pulls = services.pulls().filter((pull) => isInForce(services, pull));
  const names = new Set([...waiting, ...pulls].map(({ destination }) => destination));
  throwFirst(await Promise.allSettled([...names].map((name) => claimFor(services, name, untilMs))));
}

async function claimFor(services: DueServices, destination: string, untilMs: number): Promise<void> {
  await underClaim(services, `transfers/${destination}`, () => workFor(services, destination, untilMs));
}

async function workFor(services: DueServices, destination: string, untilMs: number): Promise<void> {
  const before = await services.board.standing(destination);
  const defer: PushServices["defer"] = (event, name) => queuePush(services, event, name);
  const lane = new PushLane({ ...services, defer }, destination, before?.failure);
  const pulls = new DuePulls(services, destination, before?.followedMs ?? {});
  const current = () => ({
    transfers: [...lane.active, ...pulls.active],
    runningPulls: [...pulls.running],
    followedMs: pulls.followedMs,
    failure: lane.failure,
  });
  const teller = new StandingTeller(services, { destination, before, current });
  teller.start();
  const works = [() => lane.runDue(untilMs), () => pulls.runDue(untilMs)];
  const results = await Promise.allSettled(asLongAsAnyWorks(services.runtime, works));
  throwFirst([...results, ...(await Promise.allSettled([teller.end()]))]);
}

/** Each is done again and again until all of them are done: what has come meanwhile does not wait for the slowest. */
function asLongAsAnyWorks(runtime: Pick<Runtime, "every">, works: readonly (() => Promise<void>)[]): Promise<void>[] {
  let atIt = works.length;
  const over = Promise.withResolvers<void>();
  const done = () => {
    atIt -= 1;
    if (atIt === 0) over.resolve();
  };
  return works.map(async (work) => {
    for (;;) {
      await work().finally(done);
      await sleepOf(runtime, limits.pushReviewMs, over.promise);
      if (atIt === 0) return;
      atIt += 1;
    }
  });
}
