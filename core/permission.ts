import { compilePathExpression, type Expression, ExpressionError } from "./expression.ts";
import { limits } from "./limits.ts";
import type { VirtualPath } from "./virtual-path.ts";

/** The eleven permission tokens of the public contract. */
export const permissionTokens = [
  "allow-full-control",
  "deny-full-control",
  "allow-read",
  "allow-list",
  "allow-traverse",
  "allow-write",
  "allow-create-folder",
  "allow-rename",
  "allow-delete-file",
  "allow-delete-folder",
  "allow-set-attributes",
] as const;

export type PermissionToken = (typeof permissionTokens)[number];

/** Every action. `stat` reads the attributes of one entry; `traverse` lists a folder's sub-folders and nothing else. */
export const actions = [
  "read",
  "stat",
  "list",
  "traverse",
  "write",
  "create-folder",
  "rename",
  "delete-file",
  "delete-folder",
  "set-attributes",
] as const;

/** What a client asks to do, named after the token that grants it. */
export type Action = (typeof actions)[number];

/** One line of a permission list. Without an expression it is the global rule of its list. */
export interface PermissionRule {
  readonly expression: Expression | undefined;
  readonly tokens: readonly PermissionToken[];
  /** How a decision names this rule, for example `account acme, permissions[1]: ["/inbox/*", allow-write]`. */
  readonly label: string;
}

export interface AccessRequest {
  readonly accountName: string;
  readonly action: Action;
  readonly path: VirtualPath;
}

export interface Decision {
  readonly effect: "allow" | "deny";
  /** The label of the rule that decided, or `no rule matched`. */
  readonly rule: string;
}

/** The rules that apply to an account: its own, and those of each of its groups, the primary group's first. */
export interface PermissionLists {
  readonly account: readonly PermissionRule[];
  readonly groups: readonly (readonly PermissionRule[])[];
}

const grants: Readonly<Record<PermissionToken, readonly Action[]>> = {
  "allow-full-control": actions,
  "deny-full-control": [],
  "allow-read": ["read", "stat"],
  "allow-list": ["list", "stat", "traverse"],
  "allow-traverse": ["traverse"],
  "allow-write": ["write"],
  "allow-create-folder": ["create-folder"],
  "allow-rename": ["rename"],
  "allow-delete-file": ["delete-file"],
  "allow-delete-folder": ["delete-folder"],
  "allow-set-attributes": ["set-attributes"],
};

/**
 * Decides a request. The first rule whose expression matches the path decides alone: the account's rules are tried
 * from top to bottom, then those of its groups in order. Where none matches, the account's global rule decides, and
 * where it has none, the one of its primary group. Where there is none either, the answer is no.
 */
export function decide({ action, path }: AccessRequest, lists: PermissionLists): Decision {
  const rule = pathRule(path, lists) ?? globalRule(lists);
  if (!rule) return { effect: "deny", rule: "no rule matched" };
  return { effect: permits(rule, action) ? "allow" : "deny", rule: rule.label };
}

function pathRule(path: VirtualPath, lists: PermissionLists): PermissionRule | undefined {
  for (const list of [lists.account, ...lists.groups]) {
    const rule = list.find(({ expression }) => expression?.matches(path));
    if (rule) return rule;
  }
  return undefined;
}

function globalRule({ account, groups: [primary = []] }: PermissionLists): PermissionRule | undefined {
  const isGlobal = (rule: PermissionRule) => rule.expression === undefined;
  return account.find(isGlobal) ?? primary.find(isGlobal);
}

function permits({ tokens }: PermissionRule, action: Action): boolean {
  return !tokens.includes("deny-full-control") && tokens.some((token) => grants[token].includes(action));
}

const actionWords: ReadonlyMap<string, Action> = new Map<string, Action>([
  ...actions.map((action) => [action, action] as const),
  ...actions.filter((action) => isToken(`allow-${action}`)).map((action) => [`allow-${action}`, action] as const),
  ["upload", "write"],
  ["download", "read"],
  ["delete", "delete-file"],
  ["mkdir", "create-folder"],
  ["rmdir", "delete-folder"],
]);

/** The action that people mean by `write`, `allow-write` or `upload`; undefined for any other word. */
export function parseAction(text: string): Action | undefined {
  return actionWords.get(text);
}

/** What is wrong with a permission list, and where: both indexes count from 0. */
export interface PermissionProblem {
  readonly rule: number;
  /** Undefined where the rule as a whole is wrong. */
  readonly item: number | undefined;
  readonly message: string;
}

/** A permission list that cannot be read, with everything that is wrong with it. */
export class PermissionRulesError extends Error {
  override readonly name = "PermissionRulesError";
  readonly problems: readonly PermissionProblem[];

  constructor(owner: string, problems: readonly PermissionProblem[]) {
    const place = ({ rule, item }: PermissionProblem) => `permissions[${rule}]${item === undefined ? "" : `[${item}]`}`;
    super(problems.map((problem) => `${owner}, ${place(problem)}: ${problem.message}`).join("; "));
    this.problems = problems;
  }
}

/** Whose list it is, for labels (`account acme`, `group partners`), and the account for which it is read. */
export interface PermissionOrigin {
  readonly owner: string;
  readonly accountName: string;
}

/**
 * Reads a permission list for one account: each rule is `[expression?, token…]`. A group's list is read anew for
 * every account of the group where an expression refers to the account's name.
 * @throws PermissionRulesError with every problem: unknown tokens, rules without a token, expressions that cannot be
 * read, a second global rule, and more rules than limits.permissionRules.
 */
export function parsePermissionRules(
  list: readonly (readonly string[])[],
  origin: PermissionOrigin,
): readonly PermissionRule[] {
  const readings = list.slice(0, limits.permissionRules).map((items, index) => readRule(items, index, origin));
  const problems = [...readings.flatMap((reading) => reading.problems), ...listProblems(list)];
  if (problems.length > 0) throw new PermissionRulesError(origin.owner, problems);
  return readings.map((reading) => reading.rule);
}

function listProblems(list: readonly (readonly string[])[]): PermissionProblem[] {
  const globals = list.flatMap(([first], rule) => (first !== undefined && looksLikeToken(first) ? [rule] : []));
  const message = `the list has a global rule already: permissions[${globals[0]}]`;
  const problems = globals.slice(1).map((rule): PermissionProblem => ({ rule, item: undefined, message }));
  const limit = limits.permissionRules;
  if (list.length <= limit) return problems;
  return [...problems, { rule: limit, item: undefined, message: `the list has more than ${limit} rules` }];
}

function readRule(
  items: readonly string[],
  index: number,
  origin: PermissionOrigin,
): { rule: PermissionRule; problems: readonly PermissionProblem[] } {
  const problems: PermissionProblem[] = [];
  const report = (item: number | undefined, message: string) => problems.push({ rule: index, item, message });
  const [first] = items;
  const source = first === undefined || looksLikeToken(first) ? undefined : first;
  const expression = source === undefined ? undefined : readExpression(source, origin, report);
  const firstToken = source === undefined ? 0 : 1;
  const tokens = new Set<PermissionToken>();
  for (const [offset, word] of items.slice(firstToken).entries()) {
    if (isToken(word)) tokens.add(word);
    else report(firstToken + offset, `${JSON.stringify(word)} is not a permission token`);
  }
  if (items.length === firstToken) report(undefined, "the rule has no permission token");
  const written = [...(source === undefined ? [] : [JSON.stringify(source)]), ...tokens].join(", ");
  const label = `${origin.owner}, permissions[${index}]: [${written}]`;
  return { rule: { expression, tokens: [...tokens], label }, problems };
}

function readExpression(
  source: string,
  { accountName }: PermissionOrigin,
  report: (item: number, message: string) => void,
): Expression | undefined {
  try {
    return compilePathExpression(source, { user: accountName });
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    report(0, error.message);
    return undefined;
  }
}

function isToken(text: string): text is PermissionToken {
  return permissionTokens.some((token) => token === text);
}

// A virtual path starts with `/`, so an expression of this form could match none: it is a misspelt token.
function looksLikeToken(text: string): boolean {
  return /^(allow|deny)-/i.test(text);
}
