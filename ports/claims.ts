export interface ClaimRequest {
  /** What is claimed: one piece of work, named by its cause, so that whoever repeats it asks for the same. */
  readonly id: string;
  /** Who asks; another owner is told that the work is busy until the lease ends. */
  readonly owner: string;
  readonly leaseMs: number;
}

/**
 * `claimed`: the work is the owner's until the lease ends; `note` is what an earlier owner left behind, if anything.
 * `busy`: another owner has it. `completed`: it is done, and `note` is its result.
 */
export type Claim =
  | { readonly state: "claimed"; readonly note: string | undefined }
  | { readonly state: "busy" }
  | { readonly state: "completed"; readonly note: string };

/** Work that is done once, also when it is asked for again and when whoever began it dies. */
export interface Claims {
  /** In one step for all owners. Asking again as the same owner extends the lease. */
  claim(request: ClaimRequest): Promise<Claim>;
  /**
   * Leaves word for whoever takes the work over. Only while the claim is the owner's.
   * @throws FileError `unavailable` when another owner has taken it over, or the note cannot be kept.
   */
  annotate(id: string, owner: string, note: string): Promise<void>;
  /** The work is done: from then on everybody is told so, with this result. @throws as {@link annotate}. */
  complete(id: string, owner: string, result: string): Promise<void>;
  /** Gives the work back at once; notes stay. Harmless when the claim is not the owner's. */
  release(id: string, owner: string): Promise<void>;
}
