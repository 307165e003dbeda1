import { type DestinationTemplate, resolveTemplate } from "./destination-template.ts";
import { FileError } from "./errors.ts";
import type { Expression } from "./expression.ts";
import { parseVirtualPath, type VirtualPath } from "./virtual-path.ts";

/** A folder that no expression is likely to name. */
const anyFolder = "/zzq/qzz/zqz";

/**
 * True when a rule with this path puts files where it would read them: when the destination of a file with a name that
 * the expression fits is fitted by it too. Expressions that hold for every folder (`*.pdf`) name no folder, so that
 * there is none to feed. Names are made up from the expression's own text; one that is too odd for that passes.
 */
export function feedsItself(path: Expression, destination: DestinationTemplate): boolean {
  return sampleNames(path.source).some((name) => {
    if (path.matches(`${anyFolder}/${name}`)) return false;
    const target = targetFor(destination, parseVirtualPath(name), path.captureCount);
    return target !== undefined && path.matches(target);
  });
}

function targetFor(destination: DestinationTemplate, path: VirtualPath, captureCount: number): VirtualPath | undefined {
  const captures = Array.from({ length: captureCount }, () => "x");
  try {
    return resolveTemplate(destination, { accountName: "x", path, time: "2000-01-01T00:00:00.000Z", captures });
  } catch (error) {
    if (error instanceof FileError) return undefined;
    throw error;
  }
}

/** Names that the last parts of the expression's alternatives may be meant for, and some that are in every Inbox. */
export function sampleNames(source: string): readonly string[] {
  const isRegex = /^\s*[me]\//.test(source);
  const text = isRegex ? source.replace(/^\s*[me]\//, "").replace(/\/i?\s*$/, "") : source;
  const lastParts = text.split("|").map((part) => part.slice(part.lastIndexOf("/") + 1).trim());
  const names = lastParts.map(isRegex ? nameForRegex : nameForGlob);
  const extensions = [...source.matchAll(/\.([A-Za-z0-9]{1,8})/g)].map(([, extension]) => `x.${extension}`);
  return [...names, ...extensions, "x", "1", "x.txt"].filter((name) => /^[^/\p{Cc}]+$/u.test(name));
}

function nameForGlob(part: string): string {
  return part.replace(/\[(.)[^\]]*\]/g, "$1").replace(/[*?]/g, "x");
}

function nameForRegex(part: string): string {
  return part
    .replace(/\\d[+*]?/g, "1")
    .replace(/(?:\[[^\]]*\]|\\w|(?<!\\)\.)[+*?]*/g, "x")
    .replace(/\\(.)/g, "$1")
    .replace(/[\^$()+?*]/g, "");
}
