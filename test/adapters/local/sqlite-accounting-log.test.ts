import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import { promisify } from "node:util";
import { createSqliteAccountingLog } from "../../../adapters/local/sqlite-accounting-log.ts";
import type { AccountingLog } from "../../../ports/accounting-log.ts";
import { accountingLogContract, allOf, eventOf } from "../../contract/accounting-log.contract.ts";
import { eventFeedContract } from "../../contract/event-feed.contract.ts";
import { refuses } from "../../contract/refusal.ts";
import { randomFrom } from "../../support/random.ts";
import { linesUntilKilled } from "./killed-process.ts";

const kills = 20;
const hasShell = process.platform !== "win32";

async function createLog() {
  const directory = await fs.mkdtemp(join(tmpdir(), "ferrygate-log-"));
  const opened: AccountingLog[] = [];
  const reopen = async () => {
    const log = await createSqliteAccountingLog({ file: join(directory, "accounting.sqlite") });
    opened.push(log);
    return log;
  };
  const dispose = async () => {
    for (const log of opened) await log.close();
    await fs.rm(directory, { recursive: true });
  };
  return { log: await reopen(), reopen, dispose };
}

accountingLogContract("the accounting log in SQLite", createLog);
eventFeedContract("the accounting log in SQLite", createLog);

describe("the file of the accounting log", () => {
  let directory: string;
  let file: string;
  let opened: AccountingLog[];
  const open = async () => {
    const log = await createSqliteAccountingLog({ file });
    opened.push(log);
    return log;
  };
  beforeEach(async () => {
    opened = [];
    directory = await fs.mkdtemp(join(tmpdir(), "ferrygate-log-"));
    file = join(directory, "accounting.sqlite");
  });
  afterEach(async () => {
    for (const log of opened) await log.close();
    await fs.rm(directory, { recursive: true });
  });

  it("is not used when it is damaged, of another program or of another version", async () => {
    await fs.writeFile(file, "this is no database, and long enough to be seen as none".repeat(100));
    await assert.rejects(open(), /accounting\.sqlite cannot be used: .*not a database/);
    await fs.rm(file);
    change(file, "CREATE TABLE notes (text)");
    await assert.rejects(open(), /another program/);
    change(file, "PRAGMA user_version = 99");
    await assert.rejects(open(), /version 99/);
    await assert.rejects(createSqliteAccountingLog({ file: join(directory, "missing", "log") }), /cannot be used/);
  });

  it("is not used when a part of it is missing", async () => {
    const log = await open();
    for (let index = 0; index < 100; index += 1) void log.append(eventOf(index, { message: "x".repeat(5000) }));
    await log.close();
    await fs.truncate(file, 20_000);
    await assert.rejects(open(), /malformed/);
  });

  it("is not readable for other users", { skip: !hasShell }, async () => {
    const log = await open();
    await log.append(eventOf(1));
    for (const name of await fs.readdir(directory)) {
      assert.equal((await fs.stat(join(directory, name))).mode & 0o007, 0, name);
    }
  });

  it("fails appends while it cannot be written, and takes them again afterwards", async () => {
    const log = await open();
    await log.append(eventOf(1));
    const other = new DatabaseSync(file);
    other.exec("BEGIN IMMEDIATE");
    await refuses("unavailable", log.append(eventOf(2)));
    assert.deepEqual(await allOf(log, {}), [eventOf(1)]);
    other.exec("ROLLBACK");
    other.close();
    await log.append(eventOf(4));
    assert.deepEqual(await allOf(log, {}), [eventOf(1), eventOf(4)]);
  });

  it("has every event that was acknowledged before the disk was full", { skip: !hasShell }, async () => {
    // The shell's limit on file sizes stands for a full disk: the write that reaches it is cut short.
    const script = new URL("sqlite-crash-child.ts", import.meta.url).pathname;
    const child = promisify(execFile)("sh", [
      "-c",
      'ulimit -f 2000; exec "$0" "$@"',
      process.execPath,
      script,
      file,
      "1",
    ]);
    const { stdout, stderr } = await child.catch((error: { stdout: string; stderr: string }) => error);
    assert.match(stderr, /unavailable/);
    const acknowledged = new Set(stdout.trim().split("\n"));
    assert.ok(acknowledged.size > 10);
    const log = await open();
    await assertComplete(log, acknowledged);
    await log.append(eventOf(1));
  });

  it("has every event that was acknowledged before a kill, and the transfers that it left open", async () => {
    const random = randomFrom(2);
    const acknowledged = new Set<string>();
    for (let life = 1; life <= kills; life += 1) {
      const lines = await linesUntilKilled(
        "sqlite-crash-child.ts",
        [file, String(life)],
        1 + Math.floor(random() * 200),
      );
      for (const id of lines) acknowledged.add(id);
      const log = await open();
      await assertComplete(log, acknowledged);
      await log.close();
    }
    assert.ok(acknowledged.size > kills);
  });
});

async function assertComplete(log: AccountingLog, acknowledged: ReadonlySet<string>): Promise<void> {
  const events = await allOf(log, {});
  const ids = new Set(events.map(({ id }) => id));
  assert.equal(ids.size, events.length);
  assert.deepEqual(
    [...acknowledged].filter((id) => !ids.has(id)),
    [],
  );
  const ended = new Set(events.filter(({ type }) => type === "transfer.completed").map(({ data }) => data.transferId));
  const open = events.filter(({ type, data }) => type === "transfer.started" && !ended.has(data.transferId));
  assert.deepEqual(
    await log.unfinishedTransfers(),
    open.map((started) => ({ started })),
  );
}

function change(file: string, sql: string): void {
  const database = new DatabaseSync(file);
  database.exec(sql);
  database.close();
}
