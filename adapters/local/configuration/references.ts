import type { Finding } from "./findings.ts";
import { suggestionFor } from "./suggestion.ts";

type Mapping = Readonly<Record<string, unknown>>;

/**
 * What the parts of a configuration say about each other: names that stand twice, names of nothing, alerts without
 * mail. It reads the file as it was written, so that it can speak even when something else in it is wrong.
 */
export function referenceFindings(data: unknown): Finding[] {
  if (!isMapping(data)) return [];
  const lists = ["groups", "accounts", "dispatch", "alerts"] as const;
  return [
    ...lists.flatMap((list) => duplicateNames(data, list)),
    ...unknownNames(data, "accounts", { path: ["groups"], among: "groups" }),
    ...unknownNames(data, "dispatch", { path: ["when", "accounts"], among: "accounts" }),
    ...unknownNames(data, "alerts", { path: ["when", "accounts"], among: "accounts" }),
    ...alertsWithoutMail(data),
  ];
}

const nouns = { groups: "group", accounts: "account", dispatch: "dispatch rule", alerts: "alert rule" } as const;

type ListName = keyof typeof nouns;

function duplicateNames(data: Mapping, list: ListName): Finding[] {
  const seen = new Set<unknown>();
  const findings: Finding[] = [];
  for (const [index, { name }] of mappingsOf(data[list])) {
    const message = `the ${nouns[list]} ${JSON.stringify(name)} stands here a second time`;
    if (seen.has(name)) findings.push({ path: [list, index, "name"], part: "value", message });
    if (typeof name === "string") seen.add(name);
  }
  return findings;
}

/** Names at `path` in the entries of `list` have to be those of entries of `among`. */
function unknownNames(data: Mapping, list: ListName, { path, among }: { path: string[]; among: ListName }): Finding[] {
  const known = mappingsOf(data[among]).flatMap(([, { name }]) => (typeof name === "string" ? [name] : []));
  const knownSet = new Set(known);
  const findings: Finding[] = [];
  for (const [index, entry] of mappingsOf(data[list])) {
    for (const [at, name] of listAt(entry, path).entries()) {
      if (typeof name !== "string" || knownSet.has(name)) continue;
      const message = `there is no ${nouns[among]} ${JSON.stringify(name)}${suggestionFor(name, known)}`;
      findings.push({ path: [list, index, ...path, at], part: "value", message });
    }
  }
  return findings;
}

function alertsWithoutMail(data: Mapping): Finding[] {
  if (mappingsOf(data.alerts).length === 0 || Object.hasOwn(data, "mail")) return [];
  return [{ path: ["alerts"], part: "name", message: 'alerts are sent by e-mail: the key "mail" is missing' }];
}

function mappingsOf(list: unknown): [number, Mapping][] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown, index): [number, Mapping][] => (isMapping(entry) ? [[index, entry]] : []));
}

function listAt(entry: Mapping, path: readonly string[]): readonly unknown[] {
  const found = path.reduce<unknown>((value, step) => (isMapping(value) ? value[step] : undefined), entry);
  return Array.isArray(found) ? found : [];
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
