import type { LaneFailure, TransferProgress } from "../core/transfer-progress.ts";

/** How the pushes and pulls of a destination stand, told by the process that works for it. */
export interface TransferStanding {
  /** What is under way. */
  readonly transfers: readonly TransferProgress[];
  /** Pulls that look at this moment. */
  readonly runningPulls: readonly string[];
  /** Up to when the schedule of each pull was followed, in milliseconds since the epoch. */
  readonly followedMs: Readonly<Record<string, number>>;
  readonly failure?: LaneFailure | undefined;
  /** What is under way counts until then, in milliseconds since the epoch: a process that died takes nothing back. */
  readonly holdsUntilMs: number;
}

/**
 * Where those who push and pull, in processes that do not stay, tell others how it goes, and hear what they ask for.
 * What was told about a destination is kept for limits.claimRetentionMs. Every method throws FileError `unavailable`.
 */
export interface TransferBoard {
  /** Replaces what was told about the destination. */
  tell(destination: string, standing: TransferStanding): Promise<void>;
  standing(destination: string): Promise<TransferStanding | undefined>;
  /** Of every destination about which something was told. */
  standings(): Promise<ReadonlyMap<string, TransferStanding>>;
  /** Somebody wants the pull to look now; forgotten after limits.pullAskMs. */
  ask(pull: string): Promise<void>;
  /** The pulls that are to look. */
  asked(): Promise<ReadonlySet<string>>;
  /** The pull has looked. Harmless when nobody asked. */
  answer(pull: string): Promise<void>;
}
