import { compileExpression, type Expression } from "./expression.ts";
import type { VirtualPath } from "./virtual-path.ts";

/** Which uploads nobody may read before they were scanned: those whose path one of the expressions fits. */
export type ScanScope = readonly Expression[];

/** As it is written: `required` is every path. */
export type WrittenScanScope = "required" | readonly string[];

/** Every path. */
export const everywhere: ScanScope = [compileExpression("*")];

/**
 * Whether a file that gets to this path has to be scanned first. What one scope demands, no other takes back: those of
 * the account, of its groups and of the whole server add up.
 */
export function requiresScan(scopes: readonly (ScanScope | undefined)[], path: VirtualPath): boolean {
  return scopes.some((scope) => scope?.some((expression) => expression.matches(path)) === true);
}
