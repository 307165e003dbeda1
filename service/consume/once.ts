import { limits } from "../../core/limits.ts";
import type { ClaimRequest, Claims } from "../../ports/claims.ts";
import type { Runtime } from "../../ports/runtime.ts";
import { WorkBusy } from "./retry.ts";

export interface OnceServices {
  readonly claims: Claims;
  readonly runtime: Pick<Runtime, "newId" | "every" | "log">;
}

/** What is known to whoever does the work. */
export interface Turn {
  /** What an earlier try noted before it failed or died: it may have had its effect. */
  readonly note: string | undefined;
  /** Keeps word of what is about to be done, for the next try. */
  annotate(note: string): Promise<void>;
}

/**
 * Does a piece of work unless it was done before, and answers its result either way. A crash between the effect of
 * `run` and the end of this leads to another run, which is told what the one before had noted.
 * @param claimId named after the cause, for example `dispatch/EVENT/RULE/0`
 * @throws WorkBusy while another owner is at it; what `run` throws, and then the work is not done.
 */
export async function once(
  services: OnceServices,
  claimId: string,
  run: (turn: Turn) => Promise<string>,
): Promise<string> {
  const { claims, runtime } = services;
  const owner = runtime.newId();
  const request = { id: claimId, owner, leaseMs: limits.claimLeaseMs };
  const claim = await claims.claim(request);
  if (claim.state === "completed") return claim.note;
  if (claim.state === "busy") throw new WorkBusy();
  const stopRenewing = renewing(services, request);
  try {
    const result = await run({ note: claim.note, annotate: (note) => claims.annotate(claimId, owner, note) });
    await claims.complete(claimId, owner, result);
    return result;
  } catch (error) {
    await claims.release(claimId, owner).catch(() => {});
    throw error;
  } finally {
    stopRenewing();
  }
}

/**
 * Does what may be done again and again, by one owner at a time. A note stays for the next one.
 * @returns undefined where another owner is at it
 * @throws what `work` throws
 */
export async function underClaim<Result>(
  services: OnceServices,
  claimId: string,
  work: (turn: Turn) => Promise<Result>,
): Promise<{ readonly result: Result } | undefined> {
  const { claims, runtime } = services;
  const owner = runtime.newId();
  const request = { id: claimId, owner, leaseMs: limits.claimLeaseMs };
  const claim = await claims.claim(request);
  if (claim.state !== "claimed") return undefined;
  const stopRenewing = renewing(services, request);
  try {
    return { result: await work({ note: claim.note, annotate: (note) => claims.annotate(claimId, owner, note) }) };
  } finally {
    stopRenewing();
    await claims.release(claimId, owner).catch((error: unknown) => {
      runtime.log.warn("a claim is left to expire", { claimId, error });
    });
  }
}

/** Work may take longer than a lease. */
function renewing({ claims, runtime }: OnceServices, request: ClaimRequest): () => void {
  return runtime.every(limits.claimLeaseMs / 3, () => {
    claims.claim(request).catch((error: unknown) => {
      runtime.log.warn("a claim was not renewed", { claimId: request.id, error });
    });
  });
}
