import type { OverwritePolicy } from "./dispatch.ts";
import type { Expression } from "./expression.ts";
import { parseVirtualPath, type VirtualPath } from "./virtual-path.ts";

/** When something is done, on the clocks of a place. */
export interface CronSchedule {
  /** Five fields, or six with seconds before them. */
  readonly cron: string;
  /** A name of the IANA database. */
  readonly timeZone: string;
}

/** What becomes of a file at the site that was fetched. */
export type PullAftermath =
  | { readonly kind: "keep" }
  | { readonly kind: "delete" }
  /** A folder of the site. */
  | { readonly kind: "move"; readonly folder: VirtualPath };

/** Files that are fetched from a destination again and again. */
export interface Pull {
  /** Unique among the pulls. */
  readonly name: string;
  readonly enabled: boolean;
  /** The name of the destination. */
  readonly destination: string;
  /** The folder of the site that is looked at; those below it are not. */
  readonly from: VirtualPath;
  /** Which names; undefined means every one. */
  readonly files: Expression | undefined;
  readonly account: string;
  /** The folder of the account that files come into. */
  readonly to: VirtualPath;
  readonly overwrite: OverwritePolicy;
  readonly schedule: CronSchedule;
  /** How long a file has to stay as it is before it is fetched. */
  readonly stableMs: number;
  readonly after: PullAftermath;
  /** A folder of the site for files that cannot be fetched; undefined leaves them. */
  readonly failureFolder: VirtualPath | undefined;
}

/** Whether a pull takes a file of this name. What a push has under way is no file yet. */
export function takes({ files }: Pick<Pull, "files">, name: string): boolean {
  if (name === "" || /^\.ferrygate-[0-9a-f]+\.part$/.test(name)) return false;
  return files === undefined || files.matches(`/${name}`);
}

/** Folders of a pull that are one: what it puts away would come again. */
export function pullsWhatItPutsAway({ from, after, failureFolder }: Pick<Pull, "from" | "after" | "failureFolder">) {
  if (after.kind === "move" && after.folder === from) return "after" as const;
  return failureFolder === from ? ("failureFolder" as const) : undefined;
}

/** A folder of a site or an account. @throws FileError `invalid-path`. */
export function parseFolder(text: string): VirtualPath {
  return parseVirtualPath(text);
}
