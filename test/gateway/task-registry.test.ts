import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FunctionOwner } from "../../adapters/aws/function-owner.ts";
import { limits } from "../../core/limits.ts";
import { TaskRegistry } from "../../gateway/task-registry.ts";
import { createMemoryLeases } from "../support/memory-leases.ts";
import { createMemoryRuntime } from "../support/memory-ports.ts";

/** Tasks with one clock; `turn` lets the repeated actions of those that live run once. */
function createTasks(names: readonly string[]) {
  let nowMs = 0;
  const leases = createMemoryLeases(() => nowMs);
  const actions = new Map<string, () => void>();
  const tasks = names.map((name) => {
    const every = (_: number, action: () => void) => {
      actions.set(name, action);
      return () => actions.delete(name);
    };
    const runtime = { ...createMemoryRuntime(), every };
    return new TaskRegistry({ leases, task: { taskId: `task-${name}`, address: `10.0.0.${name}:5000` }, runtime });
  });
  const functionNamed = (newId: () => string) => new FunctionOwner({ leases, runtime: { now: () => nowMs, newId } });
  const turn = async (ms: number) => {
    nowMs += ms;
    for (const action of actions.values()) action();
    await new Promise(setImmediate);
  };
  return { tasks, functionNamed, turn, kill: (name: string) => actions.delete(name) };
}

describe("the tasks that live", () => {
  it("say so again and again", async () => {
    const { tasks, turn } = createTasks(["1", "2"]);
    for (const task of tasks) await task.start();
    for (let round = 0; round < 20; round += 1) await turn(limits.taskRenewMs);
    const owners = ["task-1", "task-2", "task-3", "local"];
    assert.deepEqual(await Promise.all(owners.map((owner) => tasks[0]?.isDead(owner))), [false, false, true, false]);
  });

  it("are told which one is gone, at the latest when its lease has ended", async () => {
    const { tasks, turn, kill } = createTasks(["1", "2"]);
    const gone: string[] = [];
    for (const task of tasks) await task.start();
    tasks[0]?.onGone((address) => gone.push(address));
    await turn(limits.taskRenewMs);
    kill("2");
    await turn(limits.taskLeaseMs - 1);
    assert.deepEqual([gone, await tasks[0]?.isDead("task-2")], [[], false]);
    await turn(1);
    assert.deepEqual([gone, await tasks[0]?.isDead("task-2")], [["10.0.0.2:5000"], true]);
  });

  it("know which functions live, and take none for a task", async () => {
    const { tasks, functionNamed, turn } = createTasks(["1"]);
    const gone: string[] = [];
    const [task] = tasks;
    assert(task);
    await task.start();
    task.onGone((address) => gone.push(address));
    const owner = functionNamed(() => "1");
    await owner.live();
    await turn(limits.taskRenewMs);
    assert.deepEqual([await task.isDead(owner.name), await task.isDead("function-2")], [false, true]);
    await turn(limits.functionLeaseMs);
    await turn(limits.taskRenewMs);
    assert.deepEqual([await task.isDead(owner.name), gone], [true, []]);
  });

  it("are gone at once when they stop", async () => {
    const { tasks, turn } = createTasks(["1", "2"]);
    for (const task of tasks) await task.start();
    await turn(limits.taskRenewMs);
    await tasks[1]?.stop();
    assert.equal(await tasks[0]?.isDead("task-2"), true);
  });
});
