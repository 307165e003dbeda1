interface MemoryChoice {
  readonly least: number;
  readonly most: number;
  readonly step: number;
}

/** What Fargate offers for each number of vCPU units, in MiB. */
const choices: Readonly<Record<number, MemoryChoice>> = {
  512: { least: 1024, most: 4096, step: 1024 },
  1024: { least: 2048, most: 8192, step: 1024 },
  2048: { least: 4096, most: 16_384, step: 1024 },
  4096: { least: 8192, most: 30_720, step: 1024 },
  8192: { least: 16_384, most: 61_440, step: 4096 },
  16384: { least: 32_768, most: 122_880, step: 8192 },
};

/** What is wrong with a pair of processor and memory; undefined when Fargate has it and the gateway fits in. */
export function fargateProblem(cpu: number, memoryMiB: number): { field: string; reason: string } | undefined {
  const choice = choices[cpu];
  if (choice === undefined) return { field: "cpu", reason: `${cpu} is not one of ${Object.keys(choices).join(", ")}` };
  const { least, most, step } = choice;
  if (memoryMiB >= least && memoryMiB <= most && memoryMiB % step === 0) return undefined;
  return {
    field: "memoryMiB",
    reason: `${memoryMiB} does not go with cpu ${cpu}: ${least} to ${most} in steps of ${step}`,
  };
}
