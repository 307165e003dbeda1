import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { openSqliteAutomationState } from "../../../adapters/local/sqlite-automation-state.ts";
import { limits } from "../../../core/limits.ts";
import { type AutomationUnderTest, describeAutomationState } from "../../contract/automation-state.contract.ts";

async function temporaryFile(): Promise<{ file: string; remove: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-automation-"));
  return { file: join(directory, "automation.sqlite"), remove: () => rm(directory, { recursive: true }) };
}

describeAutomationState("SQLite", async () => {
  const { file, remove } = await temporaryFile();
  let nowMs = 0;
  const open = async (): Promise<AutomationUnderTest> => {
    const state = await openSqliteAutomationState({ file, now: () => nowMs });
    return {
      ...state,
      advance: (ms) => {
        nowMs += ms;
      },
      restart: async () => {
        await state.close();
        return open();
      },
      dispose: async () => {
        await state.close();
        await remove();
      },
    };
  };
  return open();
});

describe("the file of the consumers' memory", () => {
  it("forgets old claims, done or not, except those of events that may be replayed", async () => {
    const { file, remove } = await temporaryFile();
    let nowMs = 0;
    const state = await openSqliteAutomationState({ file, now: () => nowMs });
    const event = {
      id: "E",
      type: "file.renamed",
      time: "",
      server: "",
      protocol: "sftp",
      message: "",
      data: {},
    } as const;
    const failure = { consumer: "dispatch", event, reason: "no", attempts: 1, failedAt: "" };
    await state.deadLetters.put({ id: "dispatch.E", ...failure });
    const take = (id: string) => state.claims.claim({ id, owner: "1", leaseMs: 1 });
    for (const id of ["dispatch.E/rule/do.0", "dispatch.F/rule/do.0"]) {
      await take(id);
      await state.claims.complete(id, "1", "done");
    }
    await take("dispatch.F/rule/do.1");
    await state.claims.annotate("dispatch.F/rule/do.1", "1", "half way");
    nowMs = limits.claimRetentionMs;
    await state.forgetOldClaims();
    assert.deepEqual(await take("dispatch.F/rule/do.0"), { state: "completed", note: "done" });
    nowMs += 2;
    await state.forgetOldClaims();
    assert.deepEqual(await take("dispatch.E/rule/do.0"), { state: "completed", note: "done" });
    for (const id of ["dispatch.F/rule/do.0", "dispatch.F/rule/do.1"]) {
      assert.deepEqual(await take(id), { state: "claimed", note: undefined });
    }
    await state.close();
    await remove();
  });

  it("is not used when it is something else", async () => {
    const { file, remove } = await temporaryFile();
    await writeFile(file, "x".repeat(5000));
    await assert.rejects(openSqliteAutomationState({ file, now: () => 0 }), /the rules' memory .* cannot be used/);
    await remove();
  });
});
