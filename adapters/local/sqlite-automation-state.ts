import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Claims } from "../../ports/claims.ts";
import type { ConsumerPositions } from "../../ports/consumer-positions.ts";
import type { DeadLetters } from "../../ports/dead-letters.ts";
import type { PullMemory } from "../../ports/pull-memory.ts";
import type { PushQueue } from "../../ports/push-queue.ts";
import type { AutomationRequest } from "./sqlite-automation-worker.ts";
import { DatabaseThread } from "./sqlite-database-thread.ts";

/** What those who act on events remember: how far they came, what they did, and what they could not do. */
export interface AutomationState {
  readonly positions: ConsumerPositions;
  readonly claims: Claims;
  readonly deadLetters: DeadLetters;
  readonly pushes: PushQueue;
  readonly pulls: PullMemory;
  /**
   * Forgets claims older than limits.claimRetentionMs, save for those of events among the dead letters, and pulled
   * files that were not there any more for as long.
   */
  forgetOldClaims(): Promise<void>;
  close(): Promise<void>;
}

type Call = <T>(request: AutomationRequest) => Promise<T>;

/**
 * Opens the state in one SQLite file, of which this process has to be the only user; its folder has to exist.
 * @throws Error when the file cannot be used; the message is for the operator.
 */
export async function openSqliteAutomationState(options: {
  readonly file: string;
  readonly now: () => number;
}): Promise<AutomationState> {
  const { file, now } = options;
  const workerFile = new URL("./sqlite-automation-worker.ts", import.meta.url);
  const thread = new DatabaseThread<AutomationRequest>({ workerFile, workerData: file, name: "the rules' memory" });
  const call: Call = (request) => thread.call(request);
  const forgetOldClaims = async () => {
    await call({ kind: "forgetClaims", with: [now() - limits.claimRetentionMs] });
    await call({ kind: "forgetPulls", with: [now() - limits.claimRetentionMs] });
  };
  try {
    await call({ kind: "endLeases", with: [] });
    await forgetOldClaims();
  } catch (error) {
    await thread.close();
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new Error(`the rules' memory ${file} cannot be used: ${reason}`);
  }
  return {
    positions: positionsIn(call),
    claims: claimsIn(call, now),
    deadLetters: deadLettersIn(call),
    pushes: pushesIn(call),
    pulls: pullsIn(call, now),
    forgetOldClaims,
    close: () => thread.close(),
  };
}

function positionsIn(call: Call): ConsumerPositions {
  return {
    load: (consumer) => call({ kind: "loadPosition", with: [consumer] }),
    save: (consumer, position) => call({ kind: "savePosition", with: [consumer, position] }),
  };
}

function claimsIn(call: Call, now: () => number): Claims {
  return {
    claim: (request) => call({ kind: "claim", with: [request, now()] }),
    annotate: async (id, owner, note) => {
      assertOwned(await call<boolean>({ kind: "annotate", with: [id, owner, note] }));
    },
    complete: async (id, owner, result) => {
      assertOwned(await call<boolean>({ kind: "complete", with: [{ id, owner, result }, now()] }));
    },
    release: (id, owner) => call({ kind: "release", with: [id, owner] }),
  };
}

function assertOwned(isOwned: boolean): void {
  if (!isOwned) throw new FileError("unavailable", "the work was taken over by another owner");
}

function deadLettersIn(call: Call): DeadLetters {
  return {
    put: (letter) => call({ kind: "putLetter", with: [letter] }),
    find: (id) => call({ kind: "findLetter", with: [id] }),
    list: (options) => {
      const { limit } = options;
      if (!Number.isInteger(limit) || limit < 1 || limit > limits.deadLetterPageEntries) {
        const message = `a page has 1 to ${limits.deadLetterPageEntries} dead letters`;
        return Promise.reject(new FileError("invalid-argument", message, { field: "limit" }));
      }
      return call({ kind: "listLetters", with: [options] });
    },
    remove: (id) => call({ kind: "removeLetter", with: [id] }),
  };
}

function pushesIn(call: Call): PushQueue {
  return {
    add: (destination, event) => call({ kind: "addPush", with: [destination, event] }),
    waiting: () => call({ kind: "waitingPushes", with: [] }),
    first: (destination, limit) => call({ kind: "firstPushes", with: [destination, limit] }),
    postpone: (position, state) => call({ kind: "postponePush", with: [position, state] }),
    settle: (position) => call({ kind: "settlePush", with: [position] }),
  };
}

function pullsIn(call: Call, now: () => number): PullMemory {
  return {
    known: async (pull, ids) => new Set(await call<string[]>({ kind: "knownPulls", with: [pull, ids, now()] })),
    remember: (pull, id) => call({ kind: "rememberPull", with: [pull, id, now()] }),
    putRun: (pull, run) => call({ kind: "putPullRun", with: [pull, run] }),
    run: (pull) => call({ kind: "pullRun", with: [pull] }),
  };
}
