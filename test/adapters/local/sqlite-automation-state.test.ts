import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { openSqliteAutomationState } from "../../../adapters/local/sqlite-automation-state.ts";
import { limits } from "../../../core/limits.ts";
import { type AutomationUnderTest, describeAutomationState } from "../../contract/automation-state.contract.ts";
import { describeTransferMemory, type TransferMemoryUnderTest } from "../../contract/transfer-memory.contract.ts";

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

describeTransferMemory("SQLite", async () => {
  const { file, remove } = await temporaryFile();
  const open = async (): Promise<TransferMemoryUnderTest> => {
    const state = await openSqliteAutomationState({ file, now: () => 0 });
    return {
      ...state,
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
  it("takes over what an earlier version of the program has left", async () => {
    const { file, remove } = await temporaryFile();
    const before = await openSqliteAutomationState({ file, now: () => 0 });
    await before.positions.save("dispatch", 7);
    await before.close();
    const connection = new DatabaseSync(file);
    connection.exec("DROP TABLE pushes; DROP TABLE pulled; DROP TABLE pull_runs; PRAGMA user_version = 1");
    connection.close();
    const state = await openSqliteAutomationState({ file, now: () => 0 });
    assert.equal(await state.positions.load("dispatch"), 7);
    assert.deepEqual(await state.pushes.waiting(), []);
    await state.close();
    await remove();
  });

  it("forgets what was pulled when it has not been there for long", async () => {
    const { file, remove } = await temporaryFile();
    let nowMs = 0;
    const state = await openSqliteAutomationState({ file, now: () => nowMs });
    for (const id of ["gone", "there"]) await state.pulls.remember("p", id);
    nowMs = limits.claimRetentionMs;
    await state.pulls.known("p", ["there"]);
    nowMs += 1;
    await state.forgetOldClaims();
    assert.deepEqual(await state.pulls.known("p", ["gone", "there"]), new Set(["there"]));
    await state.close();
    await remove();
  });

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
