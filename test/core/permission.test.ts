import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "../../core/limits.ts";
import {
  type Action,
  actions,
  type Decision,
  decide,
  type PermissionLists,
  type PermissionProblem,
  PermissionRulesError,
  type PermissionToken,
  parseAction,
  parsePermissionRules,
  permissionTokens,
} from "../../core/permission.ts";
import { parseVirtualPath } from "../../core/virtual-path.ts";

type WrittenRule = readonly string[];
type WrittenLists = { readonly account: readonly WrittenRule[]; readonly groups: readonly (readonly WrittenRule[])[] };

function read(written: WrittenLists): PermissionLists {
  return {
    account: parsePermissionRules(written.account, { owner: "account acme", accountName: "acme" }),
    groups: written.groups.map((list, index) =>
      parsePermissionRules(list, { owner: `group g${index}`, accountName: "acme" }),
    ),
  };
}

function decideOn(written: WrittenLists, action: Action, path: string): Decision {
  return decide({ accountName: "acme", action, path: parseVirtualPath(path) }, read(written));
}

function allowedBy(...tokens: PermissionToken[]): Action[] {
  return actions.filter((action) => decideOn({ account: [tokens], groups: [] }, action, "/a").effect === "allow");
}

function problemsOf(list: readonly WrittenRule[]): readonly PermissionProblem[] {
  try {
    parsePermissionRules(list, { owner: "account acme", accountName: "acme" });
  } catch (error) {
    assert.ok(error instanceof PermissionRulesError, `${error}`);
    return error.problems;
  }
  assert.fail(`${JSON.stringify(list)} was accepted`);
}

test("each token grants the actions of the contract and no other", () => {
  assert.deepEqual(allowedBy("allow-full-control"), [...actions]);
  assert.deepEqual(allowedBy("deny-full-control"), []);
  assert.deepEqual(allowedBy("allow-read"), ["read", "stat"]);
  assert.deepEqual(allowedBy("allow-list"), ["stat", "list", "traverse"]);
  assert.deepEqual(allowedBy("allow-traverse"), ["traverse"]);
  assert.deepEqual(allowedBy("allow-write"), ["write"]);
  assert.deepEqual(allowedBy("allow-create-folder"), ["create-folder"]);
  assert.deepEqual(allowedBy("allow-rename"), ["rename"]);
  assert.deepEqual(allowedBy("allow-delete-file"), ["delete-file"]);
  assert.deepEqual(allowedBy("allow-delete-folder"), ["delete-folder"]);
  assert.deepEqual(allowedBy("allow-set-attributes"), ["set-attributes"]);
});

test("tokens of one rule add up, and deny-full-control beats them all", () => {
  assert.deepEqual(allowedBy("allow-read", "allow-write"), ["read", "stat", "write"]);
  assert.deepEqual(allowedBy("allow-full-control", "deny-full-control"), []);
  assert.deepEqual(allowedBy("deny-full-control", "allow-read"), []);
});

test("the first rule that matches decides alone and replaces the global rule", () => {
  const lists: WrittenLists = {
    account: [
      ["allow-list", "allow-read"],
      ["/inbox/*.pdf", "allow-read"],
      ["/inbox/*", "allow-list", "allow-write"],
      ["/secret*", "deny-full-control"],
    ],
    groups: [],
  };
  const rows: readonly (readonly [Action, string, Decision["effect"], string])[] = [
    ["write", "/inbox/a", "allow", 'account acme, permissions[2]: ["/inbox/*", allow-list, allow-write]'],
    ["read", "/inbox/a", "deny", 'account acme, permissions[2]: ["/inbox/*", allow-list, allow-write]'],
    ["write", "/inbox/a.PDF", "deny", 'account acme, permissions[1]: ["/inbox/*.pdf", allow-read]'],
    ["read", "/inbox/a.pdf", "allow", 'account acme, permissions[1]: ["/inbox/*.pdf", allow-read]'],
    ["write", "/inbox", "deny", "account acme, permissions[0]: [allow-list, allow-read]"],
    ["list", "/", "allow", "account acme, permissions[0]: [allow-list, allow-read]"],
    ["read", "/secret/a", "deny", 'account acme, permissions[3]: ["/secret*", deny-full-control]'],
  ];
  for (const [action, path, effect, rule] of rows) {
    assert.deepEqual(decideOn(lists, action, path), { effect, rule }, `${action} ${path}`);
  }
});

test("the account's path rules come before those of its groups, and groups come in their order", () => {
  const groups = [
    [["/a", "allow-list"]],
    [
      ["/a", "allow-write"],
      ["/b", "allow-write"],
    ],
  ];
  assert.equal(decideOn({ account: [["/a", "allow-read"]], groups }, "read", "/a").effect, "allow");
  assert.equal(decideOn({ account: [["/a", "allow-read"]], groups }, "list", "/a").effect, "deny");
  assert.equal(decideOn({ account: [["allow-read"]], groups }, "list", "/a").effect, "allow");
  assert.equal(decideOn({ account: [["allow-read"]], groups }, "write", "/a").effect, "deny");
  assert.equal(decideOn({ account: [], groups }, "write", "/b").effect, "allow");
});

test("a global rule is the account's, else the primary group's, else there is none", () => {
  const groups = [[["allow-list"]], [["allow-write"]]];
  assert.equal(
    decideOn({ account: [["allow-read"]], groups }, "list", "/a").rule,
    "account acme, permissions[0]: [allow-read]",
  );
  assert.equal(decideOn({ account: [], groups }, "list", "/a").rule, "group g0, permissions[0]: [allow-list]");
  const nothing = { effect: "deny", rule: "no rule matched" };
  assert.deepEqual(
    decideOn({ account: [["/b", "allow-read"]], groups: [[], [["allow-read"]]] }, "read", "/a"),
    nothing,
  );
  assert.deepEqual(decideOn({ account: [], groups: [] }, "read", "/a"), nothing);
});

test("rules of a group refer to the account that they are read for", () => {
  const rules = [[`/queue/\${USER}/*`, "allow-read"]];
  for (const accountName of ["acme", "a*", "a.c"]) {
    const groups = [parsePermissionRules(rules, { owner: "group partners", accountName })];
    for (const name of ["acme", "a*", "a.c", "abc", "ACME"]) {
      const request = { accountName, action: "read", path: parseVirtualPath(`/queue/${name}/x`) } as const;
      const { effect } = decide(request, { account: [], groups });
      assert.equal(effect, name === accountName ? "allow" : "deny", `${accountName} on ${request.path}`);
    }
  }
});

test("every word for an action is understood, and no other", () => {
  for (const action of actions) assert.equal(parseAction(action), action);
  for (const token of permissionTokens) {
    const expected = token.endsWith("full-control") ? undefined : token.replace("allow-", "");
    assert.equal(parseAction(token), expected, token);
  }
  const words = {
    upload: "write",
    download: "read",
    delete: "delete-file",
    mkdir: "create-folder",
    rmdir: "delete-folder",
  };
  for (const [word, action] of Object.entries(words)) assert.equal(parseAction(word), action);
  for (const word of ["", "Write", "allow-stat", "allow-upload", "constructor", "full-control"]) {
    assert.equal(parseAction(word), undefined, word);
  }
});

test("a list that cannot be read names every problem and its place", () => {
  const rows: readonly (readonly [
    readonly WrittenRule[],
    readonly (readonly [number, number | undefined, RegExp])[],
  ])[] = [
    [[[]], [[0, undefined, /no permission token/]]],
    [[["/a/*"]], [[0, undefined, /no permission token/]]],
    [
      [["/a/*", "alow-read", "allow-write", "read"]],
      [
        [0, 1, /"alow-read" is not/],
        [0, 3, /"read" is not/],
      ],
    ],
    [[["allow-raed"]], [[0, 0, /"allow-raed" is not/]]],
    [[["Allow-Read", "allow-list"]], [[0, 0, /"Allow-Read" is not/]]],
    [[["allow-read", "/a/*"]], [[0, 1, /"\/a\/\*" is not/]]],
    [
      [
        ["/[a", "allow-read"],
        ["m/(/", "x"],
      ],
      [
        [0, 0, /character 2/],
        [1, 0, /character 3/],
        [1, 1, /"x" is not/],
      ],
    ],
    [[["allow-read"], ["/a", "allow-read"], ["allow-list"]], [[2, undefined, /global rule already: permissions\[0\]/]]],
  ];
  for (const [list, expected] of rows) {
    const problems = problemsOf(list);
    assert.deepEqual(
      problems.map(({ rule, item }) => [rule, item]),
      expected.map(([rule, item]) => [rule, item]),
    );
    for (const [index, [, , text]] of expected.entries()) assert.match(problems[index]?.message ?? "", text);
  }
  const message = 'account acme, permissions[1][1]: "x" is not a permission token';
  const read = () =>
    parsePermissionRules([["allow-read"], ["/a", "x", "allow-read"]], { owner: "account acme", accountName: "a" });
  assert.throws(read, { name: "PermissionRulesError", message });
});

test("a list may be as long as the limit and no longer", () => {
  const rule = ["/a", "allow-read"];
  const longest = Array.from({ length: limits.permissionRules }, () => rule);
  assert.equal(
    parsePermissionRules(longest, { owner: "account acme", accountName: "acme" }).length,
    limits.permissionRules,
  );
  const problems = problemsOf([...longest, rule]);
  assert.deepEqual(
    problems.map(({ rule, item }) => [rule, item]),
    [[limits.permissionRules, undefined]],
  );
});

// The oracle reads the contract's table backwards: which tokens suffice for an action.

const sufficient: Readonly<Record<Action, readonly string[]>> = {
  read: ["allow-read"],
  stat: ["allow-read", "allow-list"],
  list: ["allow-list"],
  traverse: ["allow-list", "allow-traverse"],
  write: ["allow-write"],
  "create-folder": ["allow-create-folder"],
  rename: ["allow-rename"],
  "delete-file": ["allow-delete-file"],
  "delete-folder": ["allow-delete-folder"],
  "set-attributes": ["allow-set-attributes"],
};

const matchersByExpression: Readonly<Record<string, (path: string) => boolean>> = {
  "/a": (path) => path === "/a",
  "/a/*": (path) => path.startsWith("/a/"),
  "*.pdf": (path) => path.endsWith(".pdf"),
  "! *.pdf": (path) => !path.endsWith(".pdf"),
  "m/b/": (path) => path.includes("b"),
  "e/b/": (path) => !path.includes("b"),
  "*": () => true,
};

function oracle(lists: WrittenLists, action: Action, path: string): "allow" | "deny" {
  const expressionOf = ([first = ""]: WrittenRule) => matchersByExpression[first];
  const pathRules = [...lists.account, ...lists.groups.flat()].filter((rule) => expressionOf(rule));
  const globalRules = [...lists.account, ...(lists.groups[0] ?? [])].filter((rule) => !expressionOf(rule));
  const [rule] = [...pathRules.filter((candidate) => expressionOf(candidate)?.(path)), ...globalRules];
  if (!rule || rule.includes("deny-full-control")) return "deny";
  const isEnough = rule.includes("allow-full-control") || sufficient[action].some((token) => rule.includes(token));
  return isEnough ? "allow" : "deny";
}

const tokens = fc.uniqueArray(fc.constantFrom<string[]>(...permissionTokens), { minLength: 1, maxLength: 4 });
const pathRule = fc
  .tuple(fc.constantFrom(...Object.keys(matchersByExpression)), tokens)
  .map(([expression, ofRule]) => [expression, ...ofRule]);
const list = fc
  .tuple(fc.array(pathRule, { maxLength: 4 }), fc.option(tokens), fc.nat({ max: 4 }))
  .map(([rules, global, place]) => (global ? rules.toSpliced(place, 0, global) : rules));
const lists: fc.Arbitrary<WrittenLists> = fc.record({ account: list, groups: fc.array(list, { maxLength: 3 }) });
const anyAction = fc.constantFrom(...actions);
const anyPath = fc.constantFrom("/", "/a", "/a/b", "/a/x.pdf", "/b", "/c/d.pdf", "/c");

test("decisions agree with a plain reading of the contract on random lists", () => {
  const effects = { allow: 0, deny: 0 };
  fc.assert(
    fc.property(lists, anyAction, anyPath, (written, action, path) => {
      const expected = oracle(written, action, path);
      effects[expected]++;
      assert.equal(decideOn(written, action, path).effect, expected);
    }),
    { numRuns: 1500 },
  );
  assert.ok(effects.allow > 100 && effects.deny > 100, "both effects occur");
});

test("a rule that has deny-full-control never allows", () => {
  const denying = (rules: readonly WrittenRule[]) => rules.map((rule) => [...rule, "deny-full-control"]);
  fc.assert(
    fc.property(lists, anyAction, anyPath, ({ account, groups }, action, path) => {
      const written = { account: denying(account), groups: groups.map(denying) };
      assert.equal(decideOn(written, action, path).effect, "deny");
    }),
  );
});

test("a rule added after the one that decided changes nothing", () => {
  fc.assert(
    fc.property(lists, pathRule, anyAction, anyPath, (written, added, action, path) => {
      const before = decideOn(written, action, path);
      const byPath = before.rule.includes('["');
      fc.pre(byPath);
      const after = before.rule.startsWith("account")
        ? { ...written, account: [...written.account, added] }
        : { ...written, groups: [...written.groups, [added]] };
      assert.deepEqual(decideOn(after, action, path), before);
      assert.deepEqual(decideOn({ ...written, groups: [...written.groups, [added]] }, action, path), before);
    }),
  );
});

test("a token other than deny-full-control never takes a permission away", () => {
  const allowing = fc.constantFrom(...permissionTokens.filter((token) => token !== "deny-full-control"));
  fc.assert(
    fc.property(lists, allowing, anyAction, anyPath, (written, token, action, path) => {
      const more = (rules: readonly WrittenRule[]) => rules.map((rule) => [...rule, token]);
      const before = decideOn(written, action, path).effect;
      const after = decideOn({ account: more(written.account), groups: written.groups.map(more) }, action, path).effect;
      assert.ok(before === "deny" || after === "allow");
    }),
  );
});
