import assert from "node:assert/strict";
import { it } from "node:test";

/** Lets a simulation run with one seed after the other; it rejects with the seed and, as the cause, what is wrong. */
export type Simulate<Plant> = (seed: number, plant?: Plant) => Promise<void>;

export interface Simulation<Plant> {
  readonly seeds: number;
  readonly simulate: Simulate<Plant>;
}

export function itHolds<Plant>(what: string, { seeds, simulate }: Simulation<Plant>): void {
  it(`${what}, ${seeds} seeds`, async () => {
    for (let seed = 1; seed <= seeds; seed += 1) await simulate(seed);
  });
}

/** Shows that the simulation finds mistakes: each of these has to fail an assertion under some seed. */
export function itFinds<Plant>(plants: Readonly<Record<string, Plant>>, simulation: Simulation<Plant>): void {
  const { seeds, simulate } = simulation;
  for (const [mistake, plant] of Object.entries(plants)) {
    it(`does not get by with ${mistake}`, async () => {
      for (let seed = 1; seed <= seeds; seed += 1) {
        const failure = await simulate(seed, plant).then(
          () => undefined,
          (error: Error) => error.cause,
        );
        if (failure) return assert.ok(failure instanceof assert.AssertionError, `${failure}`);
      }
      assert.fail(`${seeds} seeds have not shown it`);
    });
  }
}
