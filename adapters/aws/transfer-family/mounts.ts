import type { Account } from "../../../core/account.ts";
import { FolderMap } from "../../../core/folder-map.ts";
import { foldersGrantedBy } from "../../../core/named-folder.ts";
import { isWithin, parseVirtualPath, type VirtualPath } from "../../../core/virtual-path.ts";
import type { Mount } from "./place-patterns.ts";

/** An account that a managed server cannot show. The message is one sentence for the operator. */
export class MountError extends Error {
  override readonly name = "MountError";
}

/**
 * What a managed server shows an account. It knows no folder inside another: an account without virtual folders sees
 * its home as `/`, any other sees its virtual folders and those that its rules and its structure name in the home.
 * @throws MountError where one of these lies inside another
 */
export function mountsOf(account: Account): readonly Mount[] {
  const folders = new FolderMap(account);
  if (account.folders.length === 0) return [{ path: "/", prefix: account.home }];
  const virtual = account.folders.map(({ path }) => parseVirtualPath(path));
  const named = [...namedFolders(account)].filter((path) => !virtual.some((folder) => isWithin(path, folder)));
  const outermost = named.filter((path) => !named.some((other) => other !== path && isWithin(path, other)));
  const paths = [...virtual, ...outermost];
  for (const path of paths) assertApart(account, path, paths);
  return paths.map((path) => ({ path, prefix: folders.objectKeyFor(path) }));
}

function namedFolders({ name, permissions, groups, structure = [] }: Account): ReadonlySet<VirtualPath> {
  const rules = [...permissions, ...groups.flatMap((group) => group.permissions)];
  const granted = rules.flatMap((rule) => foldersGrantedBy(rule, name));
  return new Set([...granted, ...structure.map((path) => parseVirtualPath(path))]);
}

function assertApart({ name }: Account, path: VirtualPath, paths: readonly VirtualPath[]): void {
  const inner = paths.find((other) => other !== path && isWithin(other, path));
  if (inner === undefined) return;
  throw new MountError(`${name} sees ${inner} inside ${path}, and a managed server knows no folder inside another`);
}
