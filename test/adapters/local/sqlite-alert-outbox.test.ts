import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import { openSqliteAlertOutbox } from "../../../adapters/local/sqlite-alert-outbox.ts";
import type { AlertLane } from "../../../core/alert-rule.ts";
import { limits } from "../../../core/limits.ts";
import type { AlertDelivery, AlertOutbox } from "../../../ports/alert-outbox.ts";

const mails: AlertLane = { rule: "a rule", target: "email" };
const hooks: AlertLane = { rule: "a rule", target: "webhook" };

function delivery(id: string, lane = mails): AlertDelivery {
  const event = {
    id: `event of ${id}`,
    type: "file.deleted",
    time: "2026-11-22T12:00:00.000Z",
    server: "test",
    protocol: "sftp",
    message: "é",
    data: {},
  } as const;
  return { id, lane, event, acceptedAtMs: 7 };
}

describe("the outbox of alerts", () => {
  let folder: string;
  let nowMs: number;
  let outbox: AlertOutbox;
  const open = () => openSqliteAlertOutbox({ file: join(folder, "alerts.sqlite"), now: () => nowMs });
  const reopen = async () => {
    await outbox.close();
    outbox = await open();
  };
  const idsOf = async (lane: AlertLane, limit = 100) => (await outbox.pending(lane, limit)).first.map(({ id }) => id);

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "ferrygate-outbox-"));
    nowMs = 1000;
    outbox = await open();
  });
  afterEach(async () => {
    await outbox.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("keeps what waits in each lane, in order, over restarts", async () => {
    await outbox.add([delivery("1"), delivery("2", hooks), delivery("3")]);
    await reopen();
    await outbox.add([delivery("4")]);
    assert.deepEqual(await idsOf(mails), ["1", "3", "4"]);
    assert.deepEqual(await idsOf(hooks), ["2"]);
    assert.deepEqual(
      [...(await outbox.lanes())].sort((a, b) => a.target.localeCompare(b.target)),
      [mails, hooks],
    );
    const { first, last, count } = await outbox.pending(mails, 2);
    assert.deepEqual([first.length, last?.id, count], [2, "4", 3]);
    const { position, ...stored } = first[0] ?? { position: 0 };
    assert.deepEqual(stored, delivery("1"));
    assert.ok(position > 0);
  });

  it("does not take the same delivery twice, also not when it was settled", async () => {
    await outbox.add([delivery("1"), delivery("1")]);
    await outbox.add([delivery("1")]);
    assert.deepEqual(await idsOf(mails), ["1"]);
    const { last } = await outbox.pending(mails, 1);
    await outbox.settle(mails, last?.position ?? 0);
    await reopen();
    await outbox.add([delivery("1"), delivery("2")]);
    assert.deepEqual(await idsOf(mails), ["2"]);
  });

  it("settles and withdraws up to a position of one lane only", async () => {
    await outbox.add([delivery("1"), delivery("2", hooks), delivery("3"), delivery("4")]);
    const { first } = await outbox.pending(mails, 3);
    await outbox.settle(mails, first[0]?.position ?? 0);
    await outbox.withdraw(mails, first[1]?.position ?? 0);
    assert.deepEqual(await idsOf(mails), ["4"]);
    assert.deepEqual(await idsOf(hooks), ["2"]);
    await outbox.add([delivery("1"), delivery("3")]);
    assert.deepEqual(await idsOf(mails), ["4", "3"]);
  });

  it("forgets what was settled long ago, and nothing that waits", async () => {
    await outbox.add([delivery("1")]);
    await outbox.settle(mails, Number.MAX_SAFE_INTEGER);
    await outbox.add([delivery("2")]);
    nowMs += limits.alertRetentionMs + 1;
    await reopen();
    await outbox.add([delivery("1")]);
    assert.deepEqual(await idsOf(mails), ["2", "1"]);
  });

  it("has nothing in a lane that nobody used", async () => {
    assert.deepEqual(await outbox.pending(hooks, 1), { first: [], last: undefined, count: 0 });
    assert.deepEqual(await outbox.lanes(), []);
  });

  it("refuses a file of another program, and one that is damaged", async () => {
    const foreign = join(folder, "foreign.sqlite");
    const database = new DatabaseSync(foreign);
    database.exec("CREATE TABLE t (x)");
    database.close();
    const damaged = join(folder, "damaged.sqlite");
    writeFileSync(damaged, "no database at all, whatever its name says".repeat(100));
    for (const file of [foreign, damaged]) {
      await assert.rejects(openSqliteAlertOutbox({ file, now: () => 0 }), {
        message: /^the outbox of alerts .* cannot/,
      });
    }
  });
});
