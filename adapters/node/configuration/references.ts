import { feedsPull } from "../../../core/transfer-loop.ts";
import type { Finding } from "./findings.ts";
import type { ParsedConfiguration } from "./schema.ts";
import { suggestionFor } from "./suggestion.ts";

type Mapping = Readonly<Record<string, unknown>>;

/**
 * What the parts of a configuration say about each other: names that stand twice, names of nothing, alerts without
 * mail. It reads the file as it was written, so that it can speak even when something else in it is wrong.
 */
export function referenceFindings(data: unknown): Finding[] {
  if (!isMapping(data)) return [];
  const lists = ["groups", "accounts", "destinations", "dispatch", "pulls", "alerts", "pgpKeys"] as const;
  return [
    ...lists.flatMap((list) => duplicateNames(data, list)),
    ...unknownNames(data, "accounts", { path: ["groups"], among: "groups" }),
    ...(["dispatch", "alerts"] as const).flatMap((list) => [
      ...unknownNames(data, list, { path: ["when", "accounts"], among: "accounts" }),
      ...unknownNames(data, list, { path: ["when", "groups"], among: "groups" }),
    ]),
    ...unknownStepAccounts(data),
    ...unknownDestinations(data),
    ...unknownPullAccounts(data),
    ...unknownExpectedAccounts(data),
    ...alertsWithoutMail(data),
    ...stepsWithoutMail(data),
    ...scansWithoutScanner(data),
    ...unknownPgpKeys(data),
    ...unknownDefaultGroup(data),
  ];
}

const nouns = {
  groups: "group",
  accounts: "account",
  destinations: "destination",
  pgpKeys: "OpenPGP key",
  dispatch: "dispatch rule",
  pulls: "pull",
  alerts: "alert rule",
} as const;

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
  const known = namesOf(data[among]);
  const knownSet = new Set(known);
  const findings: Finding[] = [];
  for (const [index, entry] of mappingsOf(data[list])) {
    for (const [at, written] of listAt(entry, path).entries()) {
      // In a rule's `when`, `!` before a name excludes it.
      const name = typeof written === "string" ? written.replace(/^!/, "") : undefined;
      if (name === undefined || knownSet.has(name)) continue;
      const message = `there is no ${nouns[among]} ${JSON.stringify(name)}${suggestionFor(name, known)}`;
      findings.push({ path: [list, index, ...path, at], part: "value", message });
    }
  }
  return findings;
}

/** A step may put a file where another account finds it. */
function unknownStepAccounts(data: Mapping): Finding[] {
  const known = mappingsOf(data.accounts).map(([, { name }]) => name);
  return mappingsOf(data.dispatch).flatMap(([index, rule]) =>
    ["do", "otherwise"].flatMap((list) =>
      mappingsOf(rule[list]).flatMap(([at, { account }]): Finding[] => {
        if (typeof account !== "string" || known.includes(account)) return [];
        const message = `there is no account ${JSON.stringify(account)}`;
        return [{ path: ["dispatch", index, list, at, "account"], part: "value", message }];
      }),
    ),
  );
}

/** A step may send a file to a destination, and a pull fetches from one. */
function unknownDestinations(data: Mapping): Finding[] {
  const known = namesOf(data.destinations);
  const named = mappingsOf(data.dispatch).flatMap(([index, rule]) =>
    ["do", "otherwise"].flatMap((list) =>
      mappingsOf(rule[list]).map(([at, { push }]) => {
        return { path: ["dispatch", index, list, at, "push", "destination"], part: push };
      }),
    ),
  );
  const pulls = mappingsOf(data.pulls).map(([index, pull]) => ({ path: ["pulls", index, "destination"], part: pull }));
  return [...named, ...pulls].flatMap(({ path, part }): Finding[] => {
    const name = isMapping(part) ? part.destination : undefined;
    if (typeof name !== "string" || known.includes(name)) return [];
    const message = `there is no destination ${JSON.stringify(name)}${suggestionFor(name, known)}`;
    return [{ path, part: "value", message }];
  });
}

function unknownPullAccounts(data: Mapping): Finding[] {
  const known = namesOf(data.accounts);
  return mappingsOf(data.pulls).flatMap(([index, { account }]): Finding[] => {
    if (typeof account !== "string" || known.includes(account)) return [];
    const message = `there is no account ${JSON.stringify(account)}${suggestionFor(account, known)}`;
    return [{ path: ["pulls", index, "account"], part: "value", message }];
  });
}

function namesOf(list: unknown): string[] {
  return mappingsOf(list).flatMap(([, { name }]) => (typeof name === "string" ? [name] : []));
}

function unknownExpectedAccounts(data: Mapping): Finding[] {
  const known = namesOf(data.accounts);
  return mappingsOf(data.alerts).flatMap(([index, { expect }]) => {
    const account = isMapping(expect) ? expect.account : undefined;
    if (typeof account !== "string" || known.includes(account)) return [];
    const message = `there is no account ${JSON.stringify(account)}${suggestionFor(account, known)}`;
    return [{ path: ["alerts", index, "expect", "account"], part: "value" as const, message }];
  });
}

function unknownDefaultGroup({ authentication, groups }: Mapping): Finding[] {
  const http = isMapping(authentication) ? authentication.http : undefined;
  const name = isMapping(http) ? http.defaultGroup : undefined;
  const known = namesOf(groups);
  if (typeof name !== "string" || known.includes(name)) return [];
  const message = `there is no group ${JSON.stringify(name)}${suggestionFor(name, known)}`;
  return [{ path: ["authentication", "http", "defaultGroup"], part: "value", message }];
}

function alertsWithoutMail(data: Mapping): Finding[] {
  const hasEmail = mappingsOf(data.alerts).some(([, rule]) => Object.hasOwn(rule, "email"));
  if (!hasEmail || Object.hasOwn(data, "mail")) return [];
  return [{ path: ["alerts"], part: "name", message: 'alerts are sent by e-mail: the key "mail" is missing' }];
}

function stepsWithoutMail(data: Mapping): Finding[] {
  if (Object.hasOwn(data, "mail")) return [];
  return stepsOf(data).flatMap(({ path, step }): Finding[] => {
    if (!Object.hasOwn(step, "email")) return [];
    const message = 'the step sends e-mail: the key "mail" is missing';
    return [{ path: [...path, "email"], part: "name", message }];
  });
}

function stepsOf(data: Mapping): { readonly path: (string | number)[]; readonly step: Mapping }[] {
  return mappingsOf(data.dispatch).flatMap(([index, rule]) =>
    ["do", "otherwise"].flatMap((list) =>
      mappingsOf(rule[list]).map(([at, step]) => ({ path: ["dispatch", index, list, at], step })),
    ),
  );
}

function scansWithoutScanner(data: Mapping): Finding[] {
  if (Object.hasOwn(data, "scanner")) return [];
  return (["groups", "accounts"] as const).flatMap((list) =>
    mappingsOf(data[list]).flatMap(([index, entry]): Finding[] => {
      if (!Object.hasOwn(entry, "scan")) return [];
      const message = 'its files are to be scanned: the key "scanner" is missing';
      return [{ path: [list, index, "scan"], part: "name", message }];
    }),
  );
}

const pgpNames = { encrypt: ["recipients", "sign"], decrypt: ["with", "signedBy"], verify: ["signedBy"] } as const;

/** Steps name keys, one or a list of them. */
function unknownPgpKeys(data: Mapping): Finding[] {
  const known = mappingsOf(data.pgpKeys).flatMap(([, { name }]) => (typeof name === "string" ? [name] : []));
  return stepsOf(data).flatMap(({ path, step }) =>
    Object.entries(pgpNames).flatMap(([action, fields]) => {
      const written = step[action];
      if (!isMapping(written)) return [];
      return fields.flatMap((field) => {
        const value = written[field];
        const names = Array.isArray(value) ? value.map((one, at) => [[...path, action, field, at], one] as const) : [];
        const all = typeof value === "string" ? [[[...path, action, field], value] as const] : names;
        return all.flatMap(([place, name]): Finding[] => {
          if (typeof name !== "string" || known.includes(name)) return [];
          const message = `there is no OpenPGP key ${JSON.stringify(name)}${suggestionFor(name, known)}`;
          return [{ path: place, part: "value", message }];
        });
      });
    }),
  );
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

/** Files that would go round: a pull fetches what a rule sends, and the rule sends what the pull fetches. */
export function loopFindings({ dispatch, pulls }: Pick<ParsedConfiguration, "dispatch" | "pulls">): Finding[] {
  return pulls.flatMap((pull, index) =>
    dispatch
      .filter((rule) => feedsPull(rule, pull))
      .map(({ name }): Finding => {
        const message = `the pull would fetch what the dispatch rule ${name} sends there, and the rule what it fetches`;
        return { path: ["pulls", index, "from"], part: "value", message };
      }),
  );
}
