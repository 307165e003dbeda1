import { type AutomationUnderTest, describeAutomationState } from "../contract/automation-state.contract.ts";
import { describeTransferMemory, type TransferMemoryUnderTest } from "../contract/transfer-memory.contract.ts";
import { createMemoryAutomation } from "./memory-automation.ts";

describeAutomationState("memory", async () => {
  let nowMs = 0;
  const memory = createMemoryAutomation(() => nowMs);
  const state: AutomationUnderTest = {
    ...memory,
    advance: (ms) => {
      nowMs += ms;
    },
    restart: async () => {
      memory.restart();
      return state;
    },
    dispose: async () => {},
  };
  return state;
});

describeTransferMemory("memory", async () => {
  const memory = createMemoryAutomation(() => 0);
  const state: TransferMemoryUnderTest = { ...memory, restart: async () => state, dispose: async () => {} };
  return state;
});
