/**
 * `node test/bench/functions.ts [--repeat=N]`: how long each function takes from the start of its process to its first
 * answer, over the APIs of AWS on this machine, and an empty function for comparison. Shows medians: until the handler
 * can be called, until it answered, and processor time.
 */
import { parseArgs } from "node:util";
import { makeBundles } from "../lambdas/bundles.ts";
import { seedConfiguration, startFunctionRig } from "../lambdas/rig.ts";
import { samples } from "../lambdas/samples.ts";

const { values } = parseArgs({ options: { repeat: { type: "string", default: "5" } } });

const bundles = await makeBundles();
const rig = await startFunctionRig();
await seedConfiguration(rig);
console.log(bundles.sizes);
const empty = "empty";
await bundles.add(empty, "export const handler = async () => {};");
for (const [name, event] of [
  [empty, {}] as const,
  ...Object.entries(samples).map(([of, sample]) => [of, sample.event] as const),
]) {
  const calls = [];
  for (let run = 0; run < Number(values.repeat); run += 1) calls.push(await bundles.call(name, event, rig.environment));
  const answered = median(calls.map(({ totalMs }) => totalMs));
  const ready = median(calls.map(({ totalMs, callMs }) => totalMs - callMs));
  const cpu = median(calls.map(({ cpuMs }) => cpuMs));
  const times = `ready after ${ready.toFixed(0)} ms, first answer after ${answered.toFixed(0)} ms`;
  console.log(`${name.padEnd(12)} ${times}, ${cpu.toFixed(0)} ms of processor time`);
}
await rig.dispose();
await bundles.dispose();

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}
