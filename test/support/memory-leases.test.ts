import { describeLeases } from "../contract/leases.contract.ts";
import { createMemoryLeases } from "./memory-leases.ts";

describeLeases("memory", async () => {
  let nowMs = 0;
  const now = () => nowMs;
  return {
    leases: createMemoryLeases(now),
    now,
    advance: (ms) => {
      nowMs += ms;
    },
    dispose: async () => {},
  };
});
