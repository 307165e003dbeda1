import type { Account } from "../../core/account.ts";
import { limits } from "../../core/limits.ts";
import { childPath, type VirtualPath } from "../../core/virtual-path.ts";
import type { Access } from "./access.ts";
import type { SessionServices } from "./services.ts";
import type { Target } from "./transfer.ts";
import { isScanned } from "./upload-quarantine.ts";

/**
 * What gets to a path by another name must not get round the scanner there: a file from where nothing is scanned is
 * refused, and so is a folder with such a file in it. @throws FileError `permission-denied`, which is on record.
 */
export async function assertScanned(
  { objects, quarantine }: SessionServices,
  access: Access,
  { from, to }: { readonly from: Target; readonly to: Target },
): Promise<void> {
  const { account } = access;
  if (!demandsScans(quarantine, account)) return;
  const entry = await objects.stat(from.objectKey);
  if (!entry) return;
  const rule = `files get to ${to.path} by an upload only, because they are scanned there`;
  const pairs = entry.type === "file" ? [{ from: from.path, to: to.path }] : filesBelow(objects, from, to.path);
  for await (const pair of pairs) {
    if (isScanned(quarantine, account, pair.from) || !isScanned(quarantine, account, pair.to)) continue;
    await access.refuse("rename", to.path, { effect: "deny", rule });
  }
}

function demandsScans(quarantine: SessionServices["quarantine"], { scan, groups }: Account): boolean {
  return [quarantine?.scope(), scan, ...groups.map((group) => group.scan)].some((scope) => scope !== undefined);
}

/** The files below a folder, each with the path that it would get. */
async function* filesBelow(
  objects: SessionServices["objects"],
  { path, objectKey }: Target,
  to: VirtualPath,
): AsyncGenerator<{ readonly from: VirtualPath; readonly to: VirtualPath }> {
  for (let after: string | undefined; ; ) {
    const { entries, next } = await objects.list(objectKey, { after, limit: limits.listingPageEntries });
    for (const { name, type } of entries) {
      const [source, target] = [childPath(path, name), childPath(to, name)];
      if (type === "file") yield { from: source, to: target };
      else yield* filesBelow(objects, { path: source, objectKey: `${objectKey}/${name}` }, target);
    }
    if (next === undefined) return;
    after = next;
  }
}
