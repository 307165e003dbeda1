import type { HeldFile, HeldPage } from "../core/held-file.ts";
import type { ObjectVersion } from "./object-origins.ts";
import type { ObjectReader, StoredEntry } from "./object-store.ts";

/**
 * What became of a file that was to be taken in. `repeated`: the same content from the same account for the same path
 * is there already, and counts one more. `refused`: there is no room, and `reason` says of whom.
 */
export type Admittance =
  | { readonly state: "kept" }
  | { readonly state: "repeated"; readonly keptAs: string }
  | { readonly state: "refused"; readonly reason: string };

/**
 * A part of the store that no account reaches, with a record of each file in it. Several processes use it at the same
 * time. All methods throw FileError `unavailable`; what they do may be asked for again.
 */
export interface StoreQuarantine {
  /** Keeps the record of a file, where there is room. Who asks again for one that is there hears `kept`. */
  admit(file: HeldFile): Promise<Admittance>;
  /**
   * Brings the content of an admitted file here, inside the store; the original stays.
   * @returns false when another version is there, or none, and it was not brought here before
   */
  takeIn(id: string, from: ObjectVersion): Promise<boolean>;
  find(id: string): Promise<HeldFile | undefined>;
  /** In the order of their ids, at most `limit`. @throws FileError `invalid-argument` for a limit out of range */
  list(page: { readonly limit: number; readonly after?: string | undefined }): Promise<HeldPage>;
  /** The caller closes it. @throws FileError `not-found` */
  open(id: string): Promise<ObjectReader>;
  /**
   * Brings the content to a place where nothing is, readable whatever a scanner says of it; it stays here too.
   * @throws FileError `already-exists`, `not-found`
   */
  letOut(id: string, objectKey: string): Promise<StoredEntry>;
  /** Content and record; harmless when there is none. */
  remove(id: string): Promise<void>;
}
