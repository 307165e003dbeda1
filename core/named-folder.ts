import type { PermissionRule } from "./permission.ts";
import { parseVirtualPath, type VirtualPath } from "./virtual-path.ts";

// Slash-separated names without a character that means something in a glob, then a slash and a star.
const folderGlob = /^(?:g\/)?(\/[^*?[\]|!\\]+)\/\*\/?$/;

/**
 * The folder whose content a rule grants, where the rule names one plainly: `/inbox/*` is about `/inbox`, and so is
 * `/inbox | /inbox/*`. Undefined for every other expression and for rules that only deny. `${USER}` is `user`.
 */
export function folderGrantedBy({ expression, tokens }: PermissionRule, user: string): VirtualPath | undefined {
  const source = expression?.source.trim() ?? "";
  // A `|` separates alternatives in globs only.
  const globs = /^(?:g\/)?\//.test(source) ? source.split("|") : [];
  const named = globs.map((glob) => folderGlob.exec(glob.trim())?.[1]).find((name) => name !== undefined);
  if (named === undefined || tokens.includes("deny-full-control")) return undefined;
  return parseVirtualPath(named.replaceAll(`\${USER}`, () => user));
}
