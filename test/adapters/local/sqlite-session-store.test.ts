import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createSqliteSessionStore } from "../../../adapters/local/sqlite-session-store.ts";
import type { TokenSession } from "../../../ports/session-tokens.ts";

const session = (sessionId: string, changes: Partial<TokenSession> = {}): TokenSession => ({
  sessionId,
  accountName: "acme",
  credentialsVersion: "1",
  peer: { address: "192.0.2.1", port: 50_000 },
  startedAtMs: 1000,
  expiresAtMs: 2000,
  ...changes,
});

test("sessions and their end survive a restart", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, "sessions.sqlite");
  const first = createSqliteSessionStore(file);
  await first.add(session("kept"));
  await first.add(session("ended"));
  await first.remove("ended");
  await first.remove("ended");
  first.close();
  const second = createSqliteSessionStore(file);
  assert.deepEqual(await second.find("kept"), session("kept"));
  assert.equal(await second.find("ended"), undefined);
  second.close();
  assert.equal((await stat(file)).mode & 0o077, 0);
});

test("sessions are counted by account and found when their time is over", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "ferrygate-test-"));
  t.after(() => rm(directory, { recursive: true }));
  const store = createSqliteSessionStore(join(directory, "sessions.sqlite"));
  await store.add(session("a"));
  await store.add(session("b", { expiresAtMs: 3000 }));
  await store.add(session("c", { accountName: "other", expiresAtMs: 9000 }));
  assert.deepEqual([await store.countOf("acme"), await store.countOf("nobody")], [2, 0]);
  const expired = async (nowMs: number) => (await store.expired(nowMs)).map(({ sessionId }) => sessionId);
  assert.deepEqual([await expired(1999), await expired(2000), await expired(3000)], [[], ["a"], ["a", "b"]]);
  store.close();
});
