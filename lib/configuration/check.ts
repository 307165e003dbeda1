import type { Stage } from "./schema.ts";

export interface Problem {
  /** `gateway.pools[0].weight`. */
  readonly field: string;
  readonly reason: string;
}

/** What cannot be said of one value alone. It is asked only when its sections are right by themselves. */
export interface Check {
  readonly sections: readonly (keyof Stage)[];
  find(stage: Stage): readonly Problem[];
}
