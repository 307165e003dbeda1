import type { Account } from "../../../core/account.ts";
import { limits } from "../../../core/limits.ts";
import { type Action, decide, type PermissionRule } from "../../../core/permission.ts";
import { rootPath } from "../../../core/virtual-path.ts";
import { iamLiteral, type Mount, mayMeet, type PlacePatterns, placePatternsOf } from "./place-patterns.ts";

/** Rules that no session policy can hold. The message is one sentence for the operator. */
export class SessionPolicyError extends Error {
  override readonly name = "SessionPolicyError";
}

export interface SessionPolicyOptions {
  readonly account: Account;
  readonly mounts: readonly Mount[];
  readonly bucket: string;
  /** ARN of the KMS key that the bucket encrypts with; undefined where it uses none. */
  readonly encryptionKey?: string | undefined;
}

export interface SessionPolicy {
  /** An IAM policy as JSON, at most limits.sessionPolicyCharacters long. */
  readonly policy: string;
  /** Where a managed server allows less than the rules, one sentence each. */
  readonly warnings: readonly string[];
}

type S3Action = "s3:ListBucket" | "s3:GetObject" | "s3:PutObject" | "s3:DeleteObject";

interface Operation {
  readonly action: Action;
  readonly s3Action: S3Action;
  /** A folder is an object whose name ends in `/`, and S3 has no other action for it than for files. */
  readonly ofFolders: boolean;
}

const operations: readonly Operation[] = [
  { action: "list", s3Action: "s3:ListBucket", ofFolders: true },
  { action: "read", s3Action: "s3:GetObject", ofFolders: false },
  { action: "write", s3Action: "s3:PutObject", ofFolders: false },
  { action: "create-folder", s3Action: "s3:PutObject", ofFolders: true },
  { action: "delete-file", s3Action: "s3:DeleteObject", ofFolders: false },
  { action: "delete-folder", s3Action: "s3:DeleteObject", ofFolders: true },
];

interface PlacedRule {
  readonly rule: PermissionRule;
  readonly places: PlacePatterns;
  readonly order: number;
}

/** What one rule says to one operation; `places` are wildcard patterns of object keys, or of prefixes to list. */
interface Verdict {
  readonly operation: Operation;
  readonly label: string;
  readonly order: number;
  readonly places: readonly string[];
}

/**
 * What a managed Transfer Family server may do for the account: never more than its rules allow, and less where IAM
 * cannot say it. The first matching rule decides here, while in IAM a refusal wins over every permission.
 * @throws SessionPolicyError when it would be longer than AWS takes
 */
export function sessionPolicyOf(options: SessionPolicyOptions): SessionPolicy {
  const warnings: string[] = [];
  const rules = placedRules(options);
  const allowed = operations.flatMap((operation) => allowedBy(rules, operation, warnings));
  const denied = operations.flatMap((operation) => deniedBy(rules, operation, { allowed, options, warnings }));
  warnings.push(...operationWarnings(rules));
  const statements = [
    ...statementsOf("Allow", allowed, options),
    { Effect: "Allow", Action: "s3:GetBucketLocation", Resource: bucketArn(options) },
    ...encryptionStatements(options),
    ...statementsOf("Deny", denied, options),
  ];
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: statements });
  if (policy.length > limits.sessionPolicyCharacters) {
    throw new SessionPolicyError(
      `the rules of ${options.account.name} make a session policy of ${policy.length} characters, and AWS takes ` +
        `${limits.sessionPolicyCharacters}: fewer or shorter rules are needed for a managed server`,
    );
  }
  return { policy, warnings: [...new Set(warnings)] };
}

/** In the order in which they are tried; the global rule, or the refusal that stands in its place, comes last. */
function placedRules({ account, mounts }: SessionPolicyOptions): readonly PlacedRule[] {
  const { permissions, groups, name } = account;
  const isGlobal = ({ expression }: PermissionRule) => expression === undefined;
  const byPath = [permissions, ...groups.map((group) => group.permissions)].flat().filter((rule) => !isGlobal(rule));
  const global = permissions.find(isGlobal) ?? groups[0]?.permissions.find(isGlobal);
  const last: PermissionRule = global ?? { expression: undefined, tokens: [], label: "no rule matched" };
  return [...byPath, last].map((rule, order) => ({ rule, order, places: placePatternsOf(rule, name, mounts) }));
}

function grants({ tokens }: PermissionRule, action: Action): boolean {
  const alone: PermissionRule = { expression: undefined, tokens, label: "" };
  return decide({ accountName: "", action, path: rootPath }, { account: [alone], groups: [] }).effect === "allow";
}

function allowedBy(rules: readonly PlacedRule[], operation: Operation, warnings: string[]): readonly Verdict[] {
  const verdicts: Verdict[] = [];
  let unreadable: string | undefined;
  for (const { rule, places, order } of rules) {
    if (!grants(rule, operation.action)) {
      if (!places.possible) unreadable ??= rule.label;
      continue;
    }
    const certain = placesOf(operation, places.certain, places.roots);
    if (unreadable !== undefined) {
      warnings.push(`${rule.label}: ${operation.action} is not allowed, because IAM cannot say where ${unreadable} is`);
    } else if (certain.length > 0) verdicts.push({ operation, label: rule.label, order, places: certain });
    if (places.certain.length === 0) {
      warnings.push(`${rule.label}: ${operation.action} is not allowed, because IAM cannot say where`);
    }
  }
  return verdicts;
}

interface Context {
  readonly allowed: readonly Verdict[];
  readonly options: SessionPolicyOptions;
  readonly warnings: string[];
}

/** Only what some permission would reach otherwise. */
function deniedBy(rules: readonly PlacedRule[], operation: Operation, context: Context): readonly Verdict[] {
  return rules.flatMap(({ rule, places, order }) => {
    if (grants(rule, operation.action)) return [];
    const refused = places.possible
      ? placesOf(operation, places.possible, places.roots)
      : everyFolder(operation, context.options);
    const needed = refused.filter((place) =>
      context.allowed.some((verdict) => reaches(verdict, { operation, order, place })),
    );
    if (needed.length === 0) return [];
    const verdict = { operation, label: rule.label, order, places: needed };
    context.warnings.push(...lossOf(verdict, context.allowed));
    return [verdict];
  });
}

/** A regular expression's refusal is everything for those that come behind it; folders are reached by files' rules. */
function everyFolder({ s3Action, ofFolders }: Operation, { mounts }: SessionPolicyOptions): readonly string[] {
  if (!ofFolders || s3Action === "s3:ListBucket") return [];
  return mounts.map(({ prefix }) => (prefix === "" ? "*/" : `${iamLiteral(prefix)}/*/`));
}

interface RefusedPlace {
  readonly operation: Operation;
  readonly order: number;
  readonly place: string;
}

/** A permission of a later rule, or one of files whose wildcard stands for the name of a folder's object as well. */
function reaches(verdict: Verdict, { operation, order, place }: RefusedPlace): boolean {
  const isSame = verdict.operation === operation && verdict.order > order;
  const isOfFiles = operation.ofFolders && !verdict.operation.ofFolders && verdict.order >= order;
  if (!isSame && !(isOfFiles && verdict.operation.s3Action === operation.s3Action)) return false;
  return verdict.places.some((allowedPlace) => mayMeet(allowedPlace, place));
}

/** A refusal also meets what earlier rules allow, and names that differ in their case alone. */
function lossOf({ operation, label, order, places }: Verdict, allowed: readonly Verdict[]): readonly string[] {
  const { action, s3Action } = operation;
  const met = allowed
    .filter((verdict) => verdict.operation.s3Action === s3Action && verdict.order < order)
    .filter((verdict) => verdict.places.some((place) => places.some((refused) => mayMeet(place, refused))));
  return [
    ...met.map((verdict) => `${label}: its refusal of ${action} wins over ${verdict.label} where both match`),
    ...(places.some((place) => inexact.test(place))
      ? [`${label}: ${action} is also refused where other letters stand: IAM compares by exact case`]
      : []),
  ];
}

/** A wildcard that stands for a letter or a class, and neither for itself nor for the start of a name. */
const inexact = /(?<!\{)\?(?!\*)/;

function placesOf(
  { s3Action, ofFolders }: Operation,
  patterns: readonly string[],
  roots: readonly string[],
): readonly string[] {
  if (!ofFolders) return patterns;
  if (s3Action !== "s3:ListBucket") return patterns.map((pattern) => `${pattern}/`);
  const listed = patterns.map((pattern) => (pattern.endsWith("*") ? pattern : `${pattern}/`));
  // `acme/` and `acme/?*` together are `acme/*`.
  const whole = roots.filter((root) => listed.includes(`${root}?*`));
  const partial = listed.filter((pattern) => !whole.some((root) => pattern === `${root}?*`));
  return [...whole.map((root) => `${root}*`), ...roots.filter((root) => !whole.includes(root)), ...partial];
}

function operationWarnings(rules: readonly PlacedRule[]): readonly string[] {
  return rules.flatMap(({ rule }) => {
    const renames = grants(rule, "rename");
    const isWhole = (["read", "write", "delete-file"] as const).every((action) => grants(rule, action));
    const lists = grants(rule, "traverse") && !grants(rule, "list");
    return [
      ...(renames && !isWhole ? [`${rule.label}: a managed server renames with read, write and delete-file only`] : []),
      ...(lists ? [`${rule.label}: a managed server knows no allow-traverse`] : []),
    ];
  });
}

function bucketArn({ bucket }: SessionPolicyOptions): string {
  return `arn:aws:s3:::${bucket}`;
}

/** Operations on the same places share a statement. */
function statementsOf(effect: "Allow" | "Deny", verdicts: readonly Verdict[], options: SessionPolicyOptions) {
  const placesByAction = new Map<S3Action, Set<string>>();
  for (const { operation, places } of verdicts) {
    const known = placesByAction.get(operation.s3Action) ?? new Set();
    placesByAction.set(operation.s3Action, new Set([...known, ...places]));
  }
  const byPlaces = Map.groupBy(placesByAction, ([s3Action, places]) =>
    JSON.stringify([s3Action === "s3:ListBucket", ...[...places].sort()]),
  );
  return [...byPlaces.values()].map((group) => {
    const s3Actions = group.map(([s3Action]) => s3Action);
    return { Effect: effect, Action: single(s3Actions), ...scopeOf(s3Actions, [...(group[0]?.[1] ?? [])], options) };
  });
}

function scopeOf([s3Action]: readonly S3Action[], places: readonly string[], options: SessionPolicyOptions) {
  if (s3Action === "s3:ListBucket") {
    return { Resource: bucketArn(options), Condition: { StringLike: { "s3:prefix": single(places) } } };
  }
  return { Resource: single(places.map((place) => `${bucketArn(options)}/${place}`)) };
}

/** IAM takes one text for a list of one, which is shorter. */
function single<Text extends string>(texts: readonly Text[]): Text | readonly Text[] {
  const [first] = texts;
  return texts.length === 1 && first !== undefined ? first : texts;
}

function encryptionStatements({ encryptionKey }: SessionPolicyOptions) {
  if (encryptionKey === undefined) return [];
  return [{ Effect: "Allow", Action: ["kms:Decrypt", "kms:GenerateDataKey"], Resource: encryptionKey }];
}
