import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { limits } from "../../core/limits.ts";
import { TaskProtection } from "../../gateway/task-protection.ts";
import { createMemoryRuntime } from "../support/memory-ports.ts";

const longestMs = 60 * 60_000;
const protect = { ProtectionEnabled: true, ExpiresInMinutes: 10 };
const release = { ProtectionEnabled: false };

/** What ECS's agent answers: `PUT $ECS_AGENT_URI/task-protection/v1/state`. */
async function startAgent(t: TestContext) {
  const asked: unknown[] = [];
  const state = { isBlocked: false };
  const server = createServer(async (request, response) => {
    assert.deepEqual([request.method, request.url], ["PUT", "/api/task/task-protection/v1/state"]);
    assert.equal(request.headers["content-type"], "application/json");
    asked.push(await json(request));
    const failure = { Arn: "arn", Reason: "DEPLOYMENT_BLOCKED", Detail: "" };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(state.isBlocked ? { failure } : { protection: { TaskArn: "arn" } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const agentUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/task`;
  let nowMs = 0;
  const runtime = { ...createMemoryRuntime(), now: () => nowMs };
  const protection = new TaskProtection({ agentUri, longestMs, runtime });
  /** What is asked for when that much time has passed. */
  const later = async (ms: number) => {
    nowMs += ms;
    await protection.check();
    return asked.splice(0);
  };
  return { protection, state, later, runtime };
}

function seen(protection: TaskProtection, type: "started" | "completed" | "aborted", transferId: string): void {
  const rest = { id: "", time: "", server: "", protocol: "sftp", message: "", data: { transferId } } as const;
  protection.observe({ ...rest, type: `transfer.${type}` });
}

test("a task is protected from its first transfer to the end of its last, and the protection is renewed", async (t) => {
  const { protection, later } = await startAgent(t);
  assert.deepEqual(await later(0), []);
  seen(protection, "started", "a");
  assert.deepEqual(await later(1), [protect]);
  seen(protection, "started", "b");
  seen(protection, "completed", "a");
  assert.deepEqual(await later(limits.taskProtectionMs / 2 - 1), []);
  assert.deepEqual(await later(1), [protect]);
  seen(protection, "aborted", "b");
  assert.deepEqual(await later(1), [release]);
  assert.deepEqual(await later(limits.taskProtectionMs), []);
});

test("one that is never without a transfer is free for a while after the longest time", async (t) => {
  const { protection, later } = await startAgent(t);
  seen(protection, "started", "a");
  assert.deepEqual(await later(0), [protect]);
  for (let passedMs = 5 * 60_000; passedMs < longestMs; passedMs += 5 * 60_000) {
    assert.deepEqual(await later(5 * 60_000), [protect]);
  }
  assert.deepEqual(await later(5 * 60_000), [release]);
  assert.deepEqual(await later(limits.taskProtectionRestMs - 1), []);
  assert.deepEqual(await later(1), [protect]);
});

test("what ECS refuses, or cannot be asked, is asked again and in the log", async (t) => {
  const { protection, state, later, runtime } = await startAgent(t);
  seen(protection, "started", "a");
  state.isBlocked = true;
  assert.deepEqual(await later(0), [protect]);
  assert.equal(runtime.logged.at(-1)?.message, "ECS does not protect this task");
  state.isBlocked = false;
  assert.deepEqual(await later(1), [protect]);
  const nobody = new TaskProtection({ agentUri: "http://127.0.0.1:1", longestMs, runtime });
  seen(nobody, "started", "a");
  await nobody.check();
  assert.equal(runtime.logged.at(-1)?.message, "ECS cannot be asked to protect this task");
});

test("elsewhere than on ECS, and where it is not wanted, nothing is looked at", () => {
  const every = () => assert.fail("it looks");
  const runtime = { ...createMemoryRuntime(), every };
  new TaskProtection({ agentUri: undefined, longestMs, runtime }).start();
  new TaskProtection({ agentUri: "http://127.0.0.1:1", longestMs: 0, runtime }).start();
});
