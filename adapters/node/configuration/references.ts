import { type EntryKind, entryKinds, type JsonObject } from "../../../core/configuration-entry.ts";
import { type EntryNeighbours, entryFindings, entryNouns, fileProvisions, transferLoops } from "./entry-checks.ts";
import type { Finding } from "./findings.ts";
import type { ParsedConfiguration } from "./schema.ts";
import { suggestionFor } from "./suggestion.ts";

export type SectionName = "accounts" | "groups" | "destinations" | "dispatch" | "pulls" | "alerts";

/** Where in a configuration file the entries of a kind stand. */
export const sections: Readonly<Record<EntryKind, SectionName>> = {
  group: "groups",
  account: "accounts",
  destination: "destinations",
  "dispatch-rule": "dispatch",
  pull: "pulls",
  "alert-rule": "alerts",
};

/**
 * What the parts of a configuration say about each other: names that stand twice, names of nothing, alerts without
 * mail. It reads the file as it was written, so that it can speak even when something else in it is wrong.
 */
export function referenceFindings(data: unknown): Finding[] {
  if (!isMapping(data)) return [];
  const neighbours = neighboursIn(data);
  return [
    ...entryKinds.flatMap((kind) => duplicateNames(data, sections[kind], entryNouns[kind])),
    ...duplicateNames(data, "pgpKeys", "OpenPGP key"),
    ...entryKinds.flatMap((kind) =>
      mappingsOf(data[sections[kind]]).flatMap(([index, entry]) =>
        entryFindings(kind, entry, neighbours).map((finding): Finding => {
          return { ...finding, path: [sections[kind], index, ...finding.path] };
        }),
      ),
    ),
    ...unknownDefaultGroup(data),
  ];
}

function neighboursIn(data: JsonObject): EntryNeighbours {
  const names = new Map(entryKinds.map((kind) => [kind, namesOf(data[sections[kind]])]));
  const known = new Map([...names].map(([kind, list]) => [kind, new Set(list)]));
  const pgpKeys = mappingsOf(data.pgpKeys).flatMap(([, { name, publicKey }]) =>
    typeof name === "string" ? [{ name, publicKey }] : [],
  );
  return {
    has: (kind, name) => known.get(kind)?.has(name) ?? false,
    names: (kind) => names.get(kind) ?? [],
    provisions: fileProvisions({ mail: data.mail, scanner: data.scanner, pgpKeys }),
  };
}

function duplicateNames(data: JsonObject, section: string, noun: string): Finding[] {
  const seen = new Set<unknown>();
  const findings: Finding[] = [];
  for (const [index, { name }] of mappingsOf(data[section])) {
    const message = `the ${noun} ${JSON.stringify(name)} stands here a second time`;
    if (seen.has(name)) findings.push({ path: [section, index, "name"], part: "value", message });
    if (typeof name === "string") seen.add(name);
  }
  return findings;
}

function unknownDefaultGroup({ authentication, groups }: JsonObject): Finding[] {
  const http = isMapping(authentication) ? authentication.http : undefined;
  const name = isMapping(http) ? http.defaultGroup : undefined;
  const known = namesOf(groups);
  if (typeof name !== "string" || known.includes(name)) return [];
  const message = `there is no group ${JSON.stringify(name)}${suggestionFor(name, known)}`;
  return [{ path: ["authentication", "http", "defaultGroup"], part: "value", message }];
}

function namesOf(list: unknown): string[] {
  return mappingsOf(list).flatMap(([, { name }]) => (typeof name === "string" ? [name] : []));
}

function mappingsOf(list: unknown): [number, JsonObject][] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown, index): [number, JsonObject][] => (isMapping(entry) ? [[index, entry]] : []));
}

/** What YAML and JSON give: its members are of the same kinds. */
function isMapping(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Files that would go round: a pull fetches what a rule sends, and the rule sends what the pull fetches. */
export function loopFindings({ dispatch, pulls }: Pick<ParsedConfiguration, "dispatch" | "pulls">): Finding[] {
  return transferLoops(dispatch, pulls).map(({ pull, message }): Finding => {
    return { path: ["pulls", pulls.findIndex(({ name }) => name === pull), "from"], part: "value", message };
  });
}
