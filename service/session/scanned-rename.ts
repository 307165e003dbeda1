import type { Account } from "../../core/account.ts";
import type { VirtualPath } from "../../core/virtual-path.ts";
import type { Admission } from "../../ports/object-store.ts";
import type { Access } from "./access.ts";
import type { SessionServices } from "./services.ts";
import type { Target } from "./transfer.ts";
import { isScanned } from "./upload-quarantine.ts";

/**
 * Lets files get to another path, but for those that would get round the scanner there: a file from where nothing is
 * scanned is refused, and so is a folder with such a file in it. The store asks about what it moves in the moment in
 * which it does, so that nothing that another session does meanwhile counts.
 * @param move gets what the store is to be asked with; undefined where nothing is scanned
 * @throws FileError `permission-denied`, which is on record; what `move` throws
 */
export async function moveAdmitted<T>(
  { quarantine }: SessionServices,
  access: Access,
  { from, to }: { readonly from: Target; readonly to: Target },
  move: (admits: Admission | undefined) => Promise<T>,
): Promise<T> {
  const { account } = access;
  if (!demandsScans(quarantine, account)) return move(undefined);
  let isRefused = false;
  const admits: Admission = (name) => {
    const [source, target] = [below(from.path, name), below(to.path, name)];
    const isAdmitted = isScanned(quarantine, account, source) || !isScanned(quarantine, account, target);
    isRefused ||= !isAdmitted;
    return isAdmitted;
  };
  try {
    return await move(admits);
  } catch (error) {
    const rule = `files get to ${to.path} by an upload only, because they are scanned there`;
    if (isRefused) await access.refuse("rename", to.path, { effect: "deny", rule });
    throw error;
  }
}

function demandsScans(quarantine: SessionServices["quarantine"], { scan, groups }: Account): boolean {
  return [quarantine?.scope(), scan, ...groups.map((group) => group.scan)].some((scope) => scope !== undefined);
}

function below(path: VirtualPath, name: string): VirtualPath {
  return (name === "" ? path : `${path}/${name}`) as VirtualPath;
}
