import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Leases } from "../../ports/leases.ts";
import { partitions } from "./env.ts";

/** Tells functions from other owners of what is under way. */
const functionIdPrefix = "function-";
/** Not that of the tasks, whose leases say where connections can be passed on to. */
const functionGroup = partitions.functionLeases.slice(partitions.leases.length);

export interface FunctionOwnerOptions {
  readonly leases: Leases;
  readonly runtime: { now(): number; newId(): string };
}

/**
 * An instance of a function as the owner of uploads, renames and transfers. While it has a lease of its own name others
 * leave alone what it has under way; afterwards the gateway's tasks settle it.
 */
export class FunctionOwner {
  readonly name: string;
  readonly #options: FunctionOwnerOptions;
  #takenAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: FunctionOwnerOptions) {
    this.#options = options;
    this.name = `${functionIdPrefix}${options.runtime.newId()}`;
  }

  /**
   * At the start of each call, before anything is begun: the lease lasts longer than the call can. It is taken again
   * only when it is older than limits.functionRenewMs.
   * @throws FileError `unavailable`: what is not known to live must not begin anything.
   */
  async live(): Promise<void> {
    const { leases, runtime } = this.#options;
    const nowMs = runtime.now();
    if (nowMs - this.#takenAtMs < limits.functionRenewMs) return;
    const { name } = this;
    const isTaken = await leases.take({ group: functionGroup, name, owner: name, leaseMs: limits.functionLeaseMs });
    if (!isTaken) throw new FileError("unavailable", "another instance of the function has this name");
    this.#takenAtMs = nowMs;
  }
}

/** True for a function without a lease; false for what is no function. @throws FileError `unavailable` */
export async function isDeadFunction(leases: Pick<Leases, "find">, owner: string): Promise<boolean> {
  return owner.startsWith(functionIdPrefix) && (await leases.find(functionGroup, owner)) === undefined;
}
