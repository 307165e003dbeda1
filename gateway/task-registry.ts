import { isDeadFunction } from "../adapters/aws/function-owner.ts";
import { limits } from "../core/limits.ts";
import type { Leases } from "../ports/leases.ts";
import type { Runtime } from "../ports/runtime.ts";
import { type TaskIdentity, taskIdPrefix } from "./task-identity.ts";

export interface TaskRegistryOptions {
  readonly leases: Leases;
  /** `address` with the data port. */
  readonly task: Pick<TaskIdentity, "taskId" | "address">;
  readonly runtime: Pick<Runtime, "every" | "log">;
}

const taskGroup = "tasks";

/**
 * Which tasks live: each holds a lease of its own name and renews it. A task that was silent for limits.taskLeaseMs is
 * dead, and what it had under way may be settled by others.
 */
export class TaskRegistry {
  readonly #options: TaskRegistryOptions;
  readonly #listeners = new Set<(address: string) => void>();
  #known: ReadonlySet<string> = new Set();
  #stopRenewing: (() => void) | undefined;

  constructor(options: TaskRegistryOptions) {
    this.#options = options;
  }

  /** @throws FileError `unavailable`: a task that is not known to live must not begin anything. */
  async start(): Promise<void> {
    await this.#renew();
    const { runtime } = this.#options;
    this.#stopRenewing = runtime.every(limits.taskRenewMs, () => {
      this.#renew().catch((error: unknown) => runtime.log.error("this task cannot say that it lives", { error }));
    });
  }

  /** Calls `listener` with the address of a task that lived and is gone. */
  onGone(listener: (address: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Of a task or a function; false for what is neither. @throws FileError `unavailable` */
  async isDead(owner: string): Promise<boolean> {
    const { leases } = this.#options;
    if (!owner.startsWith(taskIdPrefix)) return isDeadFunction(leases, owner);
    return (await leases.find(taskGroup, owner)) === undefined;
  }

  /** From here on nobody counts on this task. */
  async stop(): Promise<void> {
    this.#stopRenewing?.();
    const { leases, task, runtime } = this.#options;
    await leases.release(taskGroup, task.taskId, this.#owner).catch((error: unknown) => {
      runtime.log.warn("the lease of this task is left to expire", { error });
    });
  }

  get #owner(): string {
    const { taskId, address } = this.#options.task;
    return `${taskId} ${address}`;
  }

  async #renew(): Promise<void> {
    const { leases, task } = this.#options;
    await leases.take({ group: taskGroup, name: task.taskId, owner: this.#owner, leaseMs: limits.taskLeaseMs });
    const tasks = await leases.list(taskGroup);
    const addresses = new Set(tasks.map((lease) => lease.owner.split(" ")[1] ?? ""));
    const gone = [...this.#known].filter((address) => !addresses.has(address));
    this.#known = addresses;
    for (const address of gone) for (const listener of this.#listeners) listener(address);
  }
}
