import type { ObjectStore } from "../../ports/object-store.ts";

/** A store with nothing in it, and what a suite needs around it. */
export interface StoreUnderTest {
  readonly store: ObjectStore;
  /** The same objects through a new instance, as after a crash: the first one was not asked to end anything. */
  reopen(): Promise<ObjectStore>;
  dispose(): Promise<void>;
  /** False where the store takes two spellings of a name (`A` and `a`, composed and decomposed) for one. */
  readonly exactNames: boolean;
  /** False where listings show when a file was put into the store, whatever time the client gave it. */
  readonly listsExactTimes: boolean;
}

export type CreateStore = () => Promise<StoreUnderTest>;
