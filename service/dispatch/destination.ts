import type { Account } from "../../core/account.ts";
import { type DispatchPlan, destinationOf, type OverwritePolicy, type PlacingStep } from "../../core/dispatch.ts";
import { FileError } from "../../core/errors.ts";
import { FolderMap } from "../../core/folder-map.ts";
import { limits } from "../../core/limits.ts";
import { numberedName } from "../../core/numbered-name.ts";
import { decide } from "../../core/permission.ts";
import { childPath, nameOf, parentOf, type VirtualPath } from "../../core/virtual-path.ts";
import type { DispatchServices } from "./dispatch-services.ts";
import type { DispatchedFile } from "./dispatched-file.ts";

/** Where a step puts a file. */
export interface Destination {
  readonly accountName: string;
  readonly account: Account;
  readonly path: VirtualPath;
  readonly overwrite: OverwritePolicy;
  readonly folders: FolderMap;
}

/**
 * The rules are the operator's: within the folders of the file's own account they need no permission. In those of
 * another account they may do what that account may.
 * @throws FileError `not-found` for an account that is gone, `permission-denied` with its rule, `invalid-path`.
 */
export async function destinationFor(
  services: DispatchServices,
  plan: DispatchPlan,
  step: PlacingStep,
  file: DispatchedFile,
): Promise<Destination> {
  const accountName = "to" in step ? (step.account ?? plan.accountName) : file.accountName;
  const path = destinationOf(step, plan, file.path);
  const destination = await destinationAt(services, plan, { account: accountName, path, overwrite: step.overwrite });
  assertWritable(plan, destination, path);
  return destination;
}

/** The place, before it was asked whether a file may get there. @throws FileError `not-found` */
export async function destinationAt(
  { accounts }: DispatchServices,
  plan: DispatchPlan,
  {
    account: name,
    path,
    overwrite,
  }: Pick<Destination, "path" | "overwrite"> & { readonly account: string | undefined },
): Promise<Destination> {
  const accountName = name ?? plan.accountName;
  const account = await accounts.find(accountName);
  if (!account) throw new FileError("not-found", `there is no account ${accountName}`);
  return { accountName, account, path, overwrite, folders: new FolderMap(account) };
}

/** @throws FileError `permission-denied` with the rule that refused */
export function assertWritable(
  plan: DispatchPlan,
  { accountName, account }: Pick<Destination, "accountName" | "account">,
  path: VirtualPath,
): void {
  if (accountName === plan.accountName) return;
  const groups = account.groups.map(({ permissions }) => permissions);
  const { effect, rule } = decide({ accountName, action: "write", path }, { account: account.permissions, groups });
  if (effect === "allow") return;
  throw new FileError("permission-denied", `${accountName} may not write ${path}: ${rule}`, { rule });
}

/**
 * The path to use at this moment: the destination, or with `number` the first free one behind it. Undefined when it is
 * taken and the step is to be skipped then. @throws FileError `already-exists`, `invalid-path`.
 */
export async function freePath(
  { objects }: DispatchServices,
  { path, overwrite, folders }: Destination,
): Promise<VirtualPath | undefined> {
  if (overwrite === "replace") return path;
  const isTaken = async (one: VirtualPath) =>
    folders.isVirtualRoot(one) || (await objects.stat(folders.objectKeyFor(one))) !== undefined;
  if (!(await isTaken(path))) return path;
  if (overwrite === "skip") return undefined;
  if (overwrite === "number") {
    for (let number = 1; number <= limits.dispatchNumbers; number += 1) {
      const numbered = numberedPath(path, number);
      if (!(await isTaken(numbered))) return numbered;
    }
  }
  throw new FileError("already-exists", `${path} exists already`);
}

/** `/outbox/a-1.pdf` for `/outbox/a.pdf`. */
function numberedPath(path: VirtualPath, number: number): VirtualPath {
  return childPath(parentOf(path), numberedName(nameOf(path), number));
}
