import type { AccountingEvent } from "../core/accounting-event.ts";
import { limits } from "../core/limits.ts";
import type { Runtime } from "../ports/runtime.ts";

export interface TaskProtectionOptions {
  /** Where ECS's agent listens, as `ECS_AGENT_URI` says; elsewhere than on ECS nothing is protected. */
  readonly agentUri: string | undefined;
  /** How long at a stretch; 0 for never. */
  readonly longestMs: number;
  readonly runtime: Pick<Runtime, "now" | "every" | "log">;
}

/**
 * Keeps ECS from ending this task, for a scale-in or a deployment, while transfers are under way. A task that is never
 * without one is given free after a time, and for a while, so that a deployment comes to its end.
 */
export class TaskProtection {
  readonly #options: TaskProtectionOptions;
  readonly #underWay = new Set<unknown>();
  #sinceMs: number | undefined;
  #grantedMs = 0;
  #restsUntilMs = 0;
  #checking: Promise<void> = Promise.resolve();
  #stop: () => void = () => {};

  constructor(options: TaskProtectionOptions) {
    this.#options = options;
  }

  /** Sees each event that was put on record. */
  observe({ type, data }: AccountingEvent): void {
    if (type === "transfer.started") this.#underWay.add(data.transferId);
    else if (type === "transfer.completed" || type === "transfer.aborted") this.#underWay.delete(data.transferId);
  }

  start(): void {
    const { agentUri, longestMs, runtime } = this.#options;
    if (agentUri === undefined || longestMs === 0) return;
    this.#stop = runtime.every(limits.taskProtectionCheckMs, () => {
      this.#checking = this.#checking.then(() => this.check());
    });
  }

  async stop(): Promise<void> {
    this.#stop();
    await this.#checking;
  }

  /** Asks for what is to change. Where it is refused it is asked again at the next look. */
  async check(): Promise<void> {
    const nowMs = this.#options.runtime.now();
    const isTooLong = this.#sinceMs !== undefined && nowMs - this.#sinceMs >= this.#options.longestMs;
    if (this.#underWay.size === 0 || isTooLong) {
      if (isTooLong) this.#restsUntilMs = nowMs + limits.taskProtectionRestMs;
      if (this.#sinceMs !== undefined && (await this.#ask({ ProtectionEnabled: false }))) this.#sinceMs = undefined;
      return;
    }
    if (nowMs < this.#restsUntilMs) return;
    if (this.#sinceMs !== undefined && nowMs - this.#grantedMs < limits.taskProtectionMs / 2) return;
    const minutes = Math.ceil(limits.taskProtectionMs / 60_000);
    if (!(await this.#ask({ ProtectionEnabled: true, ExpiresInMinutes: minutes }))) return;
    this.#sinceMs ??= nowMs;
    this.#grantedMs = nowMs;
  }

  /** The agent's endpoint says what it did not do in an answer of its own, also with the status 200. */
  async #ask(state: { readonly ProtectionEnabled: boolean; readonly ExpiresInMinutes?: number }): Promise<boolean> {
    const { agentUri, runtime } = this.#options;
    try {
      const response = await fetch(`${agentUri}/task-protection/v1/state`, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(state),
        signal: AbortSignal.timeout(limits.taskMetadataMs),
      });
      const answer = (await response.json()) as { readonly protection?: unknown };
      if (response.ok && answer.protection !== undefined) return true;
      runtime.log.warn("ECS does not protect this task", { status: response.status, answer });
    } catch (error) {
      runtime.log.warn("ECS cannot be asked to protect this task", { error });
    }
    return false;
  }
}
