import { partsOf } from "../../core/destination-template.ts";
import type { OverwritePolicy } from "../../core/dispatch.ts";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { childPath, nameOf, parentOf, type VirtualPath } from "../../core/virtual-path.ts";
import type { RemoteSite } from "../../ports/remote-site.ts";
import type { Runtime } from "../../ports/runtime.ts";

const digestLength = 16;

/** What stands for a text of ASCII in names. */
export function shortDigest({ sha256 }: Pick<Runtime, "sha256">, text: string): string {
  const digest = sha256();
  digest.update(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  return digest.hex().slice(0, digestLength);
}

/**
 * Where a file is written before it gets its name: next to that, hidden by its dot, and the same for the same work, so
 * that whoever takes the work over finds what is there.
 * @param workId ASCII
 */
export function temporaryPath(runtime: Pick<Runtime, "sha256">, path: VirtualPath, workId: string): VirtualPath {
  return childPath(parentOf(path), `.ferrygate-${shortDigest(runtime, workId)}.part`);
}

/**
 * The path to use at this moment: the one that is wanted, or with `number` the first free one behind it. Undefined
 * when it is taken and the file is to be skipped then. @throws FileError `already-exists`.
 */
export async function freeRemotePath(
  site: RemoteSite,
  path: VirtualPath,
  overwrite: OverwritePolicy,
): Promise<VirtualPath | undefined> {
  if (overwrite === "replace" || !(await site.stat(path))) return path;
  if (overwrite === "skip") return undefined;
  if (overwrite === "number") {
    for (let number = 1; number <= limits.dispatchNumbers; number += 1) {
      const numbered = numberedPath(path, number);
      if (!(await site.stat(numbered))) return numbered;
    }
  }
  throw new FileError("already-exists", `${path} exists at the destination already`);
}

/** `/in/a-1.pdf` for `/in/a.pdf`. */
export function numberedPath(path: VirtualPath, number: number): VirtualPath {
  const { stem, extension } = partsOf(nameOf(path));
  return childPath(parentOf(path), `${stem}-${number}${extension === "" ? "" : `.${extension}`}`);
}
