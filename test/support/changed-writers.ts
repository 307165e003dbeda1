import type { ObjectWriter } from "../../ports/object-store.ts";
import { createMemoryObjectStore } from "./memory-object-store.ts";

/** A store in memory whose writers are changed by `change`. */
export function storeWithWriters(change: (writer: ObjectWriter) => Partial<ObjectWriter>) {
  const objects = createMemoryObjectStore();
  return {
    ...objects,
    openWrite: async (objectKey: string, transferId: string) => {
      const writer = await objects.openWrite(objectKey, transferId);
      return { ...writer, ...change(writer) };
    },
  };
}
