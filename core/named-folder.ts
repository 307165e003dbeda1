import type { PermissionRule } from "./permission.ts";
import { parseVirtualPath, type VirtualPath } from "./virtual-path.ts";

// Slash-separated names without a character that means something in a glob, then a slash and a star.
const folderGlob = /^(?:g\/)?(\/[^*?[\]|!\\]+)\/\*\/?$/;

/**
 * The folders whose content a rule grants, where the rule names them plainly: `/inbox/*` is about `/inbox`, and so is
 * `/inbox | /inbox/*`. None for every other expression and for rules that only deny. `${USER}` is `user`.
 */
export function foldersGrantedBy({ expression, tokens }: PermissionRule, user: string): readonly VirtualPath[] {
  const source = expression?.source.trim() ?? "";
  // A `|` separates alternatives in globs only.
  const globs = /^(?:g\/)?\//.test(source) ? source.split("|") : [];
  if (tokens.includes("deny-full-control")) return [];
  const named = globs.flatMap((glob) => folderGlob.exec(glob.trim())?.[1] ?? []);
  return named.map((name) => parseVirtualPath(name.replaceAll(`\${USER}`, () => user)));
}
