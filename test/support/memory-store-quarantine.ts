import { FileError } from "../../core/errors.ts";
import type { HeldFile, QuarantineBounds } from "../../core/held-file.ts";
import type { ObjectStore } from "../../ports/object-store.ts";
import type { StoreQuarantine } from "../../ports/store-quarantine.ts";

const folder = ".ferrygate/quarantine";
const contentKey = (id: string) => `${folder}/${id}`;

/** A quarantine in the store that a test has; its records are in memory. */
export function createMemoryStoreQuarantine(objects: ObjectStore, bounds: QuarantineBounds): StoreQuarantine {
  const records = new Map<string, HeldFile>();
  const releases = new Map<string, string>();
  return {
    admit: async (file) => {
      const { transferId, accountName, heldAt } = file;
      if (records.has(transferId)) return { state: "kept" };
      const twin = [...records.values()].find((one) => isTwin(one, file));
      if (twin) {
        const count = (twin.repeats?.count ?? 0) + (twin.repeats?.transferId === transferId ? 0 : 1);
        records.set(twin.transferId, { ...twin, repeats: { count, transferId, heldAt } });
        return { state: "repeated", keptAs: twin.transferId };
      }
      const all = [...records.values()];
      if (isFull(all, file, bounds, 1)) return { state: "refused", reason: "the quarantine is full" };
      const own = all.filter((one) => one.accountName === accountName);
      if (isFull(own, file, bounds, 2)) {
        return { state: "refused", reason: `the account ${accountName} has no more room in quarantine` };
      }
      records.set(transferId, file);
      return { state: "kept" };
    },
    takeIn: async (id, { objectKey, etag }) => {
      if (await objects.stat(contentKey(id))) return true;
      if ((await objects.stat(objectKey))?.etag !== etag) return false;
      await objects.ensureDirectory(folder);
      await objects.copy(objectKey, contentKey(id), { overwrite: true });
      return true;
    },
    find: async (id) => records.get(id),
    list: async ({ limit, after = "" }) => {
      const behind = [...records.keys()].filter((id) => id > after).sort();
      const page = behind.slice(0, limit);
      return {
        files: page.flatMap((id) => records.get(id) ?? []),
        next: behind.length > limit ? page.at(-1) : undefined,
      };
    },
    open: (id) => objects.openRead(contentKey(id)),
    letOut: async (id, objectKey) => {
      const there = await objects.stat(objectKey);
      if (there && releases.get(objectKey) === id) return there;
      const made = await objects.copy(contentKey(id), objectKey, { overwrite: false });
      releases.set(objectKey, id);
      return made;
    },
    remove: async (id) => {
      await objects.remove(contentKey(id), "file").catch((error: unknown) => {
        if (!(error instanceof FileError && error.code === "not-found")) throw error;
      });
      records.delete(id);
    },
  };
}

function isTwin(one: HeldFile, { accountName, path, sha256 }: HeldFile): boolean {
  return sha256 !== "" && one.accountName === accountName && one.path === path && one.sha256 === sha256;
}

function isFull(held: readonly HeldFile[], { bytes }: HeldFile, bounds: QuarantineBounds, share: number): boolean {
  const sum = held.reduce((total, one) => total + one.bytes, bytes);
  return held.length + 1 > Math.ceil(bounds.files / share) || sum > Math.ceil(bounds.bytes / share);
}
