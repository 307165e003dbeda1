import type { VirtualPath } from "../../core/virtual-path.ts";
import type { Turn } from "../consume/once.ts";
import type { Destination } from "./destination.ts";
import type { DispatchServices } from "./dispatch-services.ts";
import type { DispatchedFile, PinnedContent } from "./dispatched-file.ts";

/** A file on its way to a destination. */
export interface Placing {
  readonly effect: ContentEffect;
  readonly file: DispatchedFile;
  readonly destination: Destination;
  readonly turn: Turn;
}

/** How something gets to its destination, for example by a copy. */
export interface ContentEffect {
  /** Whether the file goes from where it was, once the destination holds what it should. */
  readonly takesAway: boolean;
  /**
   * Notes the intent in the turn, puts the content at the path, and takes the file away where that is to be.
   * @throws FileError `already-exists` when the path has been taken since it was found free
   */
  put(services: DispatchServices, placing: Placing, path: VirtualPath, content: PinnedContent): Promise<PutContent>;
}

/** What is about to be put where: noted before it happens, so that whoever comes after a crash can see that it did. */
export interface Intent {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The SHA-256 of the file that it is made from. */
  readonly sourceSha256: string;
}

/** What got to the destination; with the version of the object where that is known. */
export interface PutContent extends Intent {
  readonly etag?: string | undefined;
}

export function intentOf(
  path: VirtualPath,
  { bytes, sha256 }: Pick<Intent, "bytes" | "sha256">,
  source: PinnedContent,
): Intent {
  return { path, bytes, sha256, sourceSha256: source.sha256 };
}
