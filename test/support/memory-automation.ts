import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Claims } from "../../ports/claims.ts";
import type { ConsumerPositions } from "../../ports/consumer-positions.ts";
import type { DeadLetter, DeadLetters } from "../../ports/dead-letters.ts";
import type { PullMemory, PullRun } from "../../ports/pull-memory.ts";
import type { PushQueue, QueuedPush } from "../../ports/push-queue.ts";

interface ClaimState {
  owner: string | undefined;
  leaseEndsMs: number;
  isCompleted: boolean;
  note: string | undefined;
}

/** What consumers remember, in memory; `restart` is what a new process on the same data does first. */
export interface MemoryAutomation {
  readonly positions: ConsumerPositions;
  readonly claims: Claims;
  readonly deadLetters: DeadLetters;
  readonly pushes: PushQueue;
  readonly pulls: PullMemory;
  restart(): void;
}

export function createMemoryAutomation(now: () => number = Date.now): MemoryAutomation {
  const claims = new Map<string, ClaimState>();
  return {
    positions: memoryPositions(),
    claims: memoryClaims(claims, now),
    deadLetters: memoryDeadLetters(),
    pushes: memoryPushes(),
    pulls: memoryPulls(),
    restart: () => {
      for (const claim of claims.values()) claim.owner = undefined;
    },
  };
}

function memoryPositions(): ConsumerPositions {
  const positions = new Map<string, number>();
  return {
    load: async (consumer) => positions.get(consumer),
    save: async (consumer, position) => void positions.set(consumer, position),
  };
}

function memoryClaims(claims: Map<string, ClaimState>, now: () => number): Claims {
  const owned = (id: string, owner: string): ClaimState => {
    const claim = claims.get(id);
    if (claim && claim.owner === owner && !claim.isCompleted) return claim;
    throw new FileError("unavailable", "the work was taken over by another owner");
  };
  return {
    claim: async ({ id, owner, leaseMs }) => {
      const claim = claims.get(id) ?? { owner: undefined, leaseEndsMs: 0, isCompleted: false, note: undefined };
      claims.set(id, claim);
      if (claim.isCompleted) return { state: "completed", note: claim.note ?? "" };
      if (claim.owner !== undefined && claim.owner !== owner && claim.leaseEndsMs > now()) return { state: "busy" };
      claim.owner = owner;
      claim.leaseEndsMs = now() + leaseMs;
      return { state: "claimed", note: claim.note };
    },
    annotate: async (id, owner, note) => {
      owned(id, owner).note = note;
    },
    complete: async (id, owner, result) => {
      Object.assign(owned(id, owner), { note: result, isCompleted: true });
    },
    release: async (id, owner) => {
      const claim = claims.get(id);
      if (claim?.owner === owner) claim.owner = undefined;
    },
  };
}

function memoryDeadLetters(): DeadLetters {
  const letters = new Map<string, DeadLetter>();
  return {
    put: async (letter) => void letters.set(letter.id, letter),
    find: async (id) => letters.get(id),
    list: async ({ after = "", limit }) => {
      if (!Number.isInteger(limit) || limit < 1 || limit > limits.deadLetterPageEntries) {
        throw new FileError("invalid-argument", "the page has no such size", { field: "limit" });
      }
      const ids = [...letters.keys()].sort().filter((id) => id > after);
      const page = ids.slice(0, limit).map((id) => letters.get(id) as DeadLetter);
      return { letters: page, next: ids.length > limit ? page.at(-1)?.id : undefined };
    },
    remove: async (id) => void letters.delete(id),
  };
}

function memoryPushes(): PushQueue {
  const pushes = new Map<number, QueuedPush>();
  let position = 0;
  return {
    add: async (destination, event) => {
      for (const known of pushes.values()) {
        if (known.destination === destination && known.event.id === event.id) pushes.delete(known.position);
      }
      position += 1;
      pushes.set(position, { position, destination, event, attempts: 0, dueAtMs: 0 });
    },
    waiting: async () => {
      const counts = new Map<string, number>();
      for (const { destination } of pushes.values()) counts.set(destination, (counts.get(destination) ?? 0) + 1);
      return [...counts].map(([destination, count]) => ({ destination, count }));
    },
    first: async (destination, limit) =>
      [...pushes.values()]
        .filter((push) => push.destination === destination)
        .sort((a, b) => a.dueAtMs - b.dueAtMs || a.position - b.position)
        .slice(0, limit),
    postpone: async (at, state) => {
      const known = pushes.get(at);
      if (known) pushes.set(at, { ...known, ...state });
    },
    settle: async (at) => void pushes.delete(at),
  };
}

function memoryPulls(): PullMemory {
  const known = new Set<string>();
  const runs = new Map<string, PullRun>();
  return {
    known: async (pull, ids) => new Set(ids.filter((id) => known.has(`${pull} ${id}`))),
    remember: async (pull, id) => void known.add(`${pull} ${id}`),
    putRun: async (pull, run) => void runs.set(pull, run),
    run: async (pull) => runs.get(pull),
  };
}
