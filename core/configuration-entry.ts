/** What is managed entry by entry: in the configuration file, and through the management API. */
export const entryKinds = ["account", "group", "destination", "dispatch-rule", "pull", "alert-rule"] as const;

export type EntryKind = (typeof entryKinds)[number];

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** One field that differs; `before` or `after` is absent where the field is. */
export interface FieldChange {
  /** Such as `enabled`, `permissions[1]` or `when.path`. */
  readonly field: string;
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

/** Every entry of a list. */
const each = "*";

/** Fields that nobody is shown, each with the way to it. */
const secretFields: Readonly<Record<EntryKind, readonly (readonly string[])[]>> = {
  account: [["password"]],
  group: [],
  destination: [["password"], ["privateKey"], ["passphrase"]],
  "dispatch-rule": [
    ["do", each, "webhook", "secret"],
    ["otherwise", each, "webhook", "secret"],
  ],
  pull: [],
  "alert-rule": [["webhook", "secret"]],
};

/** What stands in the place of a secret: it is there, and a client may send it back to keep it. */
export const secretMark: JsonObject = { set: true };

/** The entry as it may be shown. */
export function redacted(kind: EntryKind, value: JsonObject): JsonObject {
  return secretFields[kind].reduce((shown, path) => replacedAt(shown, path, () => secretMark), value);
}

/** The entry with its secrets as they are, where a client sends back what it was shown in their place. */
export function withKeptSecrets(kind: EntryKind, value: JsonObject, before: JsonObject | undefined): JsonObject {
  return secretFields[kind].reduce((kept, path) => {
    return replacedAt(kept, path, (written, place) => {
      if (!sameJson(written, secretMark)) return written;
      return place.reduce<JsonValue | undefined>(memberOf, before) ?? written;
    });
  }, value);
}

function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  if (Array.isArray(value)) return value[Number(name)];
  return isObject(value) ? value[name] : undefined;
}

/** What is not there stays away. @param replace is told the place too, with indexes where `path` has {@link each} */
function replacedAt(
  value: JsonObject,
  path: readonly string[],
  replace: (value: JsonValue, place: readonly string[]) => JsonValue,
): JsonObject {
  return replacedIn(value, path, { replace, place: [] }) as JsonObject;
}

interface Replacement {
  readonly replace: (value: JsonValue, place: readonly string[]) => JsonValue;
  readonly place: readonly string[];
}

function replacedIn(value: JsonValue, [name, ...path]: readonly string[], { replace, place }: Replacement): JsonValue {
  if (name === undefined) return replace(value, place);
  const within = (inner: JsonValue, at: string) => replacedIn(inner, path, { replace, place: [...place, at] });
  if (Array.isArray(value)) {
    return name === each ? value.map((inner: JsonValue, index) => within(inner, `${index}`)) : value;
  }
  const inner = isObject(value) ? value[name] : undefined;
  return isObject(value) && inner !== undefined ? { ...value, [name]: within(inner, name) } : value;
}

/** What changes from one state of an entry to the other, field by field, without secrets. */
export function entryChanges(
  kind: EntryKind,
  before: JsonObject | undefined,
  after: JsonObject | undefined,
): readonly FieldChange[] {
  const changes = [...objectChanges(before ?? {}, after ?? {}, "")];
  return changes.map((change) => secretFields[kind].reduce(withoutSecret, change));
}

/** A change of a secret, or of something around it. */
function withoutSecret(change: FieldChange, path: readonly string[]): FieldChange {
  const place = change.field.split(/[.[\]]+/).filter((name) => name !== "");
  if (!place.every((name, index) => path[index] === name || path[index] === each)) return change;
  const replacement = { replace: () => secretMark, place: [] };
  const hidden = (value: JsonValue) => replacedIn(value, path.slice(place.length), replacement);
  return {
    field: change.field,
    ...(change.before !== undefined && { before: hidden(change.before) }),
    ...(change.after !== undefined && { after: hidden(change.after) }),
  };
}

/** How a place inside an entry is written. */
export function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>((field, step) => joined(field, typeof step === "number" ? step : String(step)), "");
}

function joined(prefix: string, step: string | number): string {
  if (typeof step === "number") return `${prefix}[${step}]`;
  return prefix === "" ? step : `${prefix}.${step}`;
}

function* valueChanges(
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  field: string,
): Generator<FieldChange> {
  if (isObject(before) && isObject(after)) yield* objectChanges(before, after, field);
  else if (isNested(before) && isNested(after)) yield* listChanges(before, after, field);
  else if (!sameJson(before, after)) {
    yield { field, ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
  }
}

function* objectChanges(before: JsonObject, after: JsonObject, field: string): Generator<FieldChange> {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    yield* valueChanges(before[name], after[name], joined(field, name));
  }
}

function* listChanges(
  before: readonly JsonValue[],
  after: readonly JsonValue[],
  field: string,
): Generator<FieldChange> {
  for (let index = 0; index < Math.max(before.length, after.length); index += 1) {
    yield* valueChanges(before[index], after[index], joined(field, index));
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A list of lists or of objects; a plain list is shown as a whole. */
function isNested(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "object");
}

/** Whether two values are the same JSON; the order of names does not matter. */
export function sameJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** JSON text that is the same for the same value: names are sorted. */
export function canonicalJson(value: JsonValue | undefined): string {
  return JSON.stringify(value, (_, inner: JsonValue) => (isObject(inner) ? sorted(inner) : inner)) ?? "";
}

function sorted(value: JsonObject): JsonObject {
  const names = Object.keys(value).sort();
  return Object.fromEntries(names.map((name) => [name, value[name] as JsonValue]));
}

type Place = readonly (string | number)[];

/** What one entry says about another: the place where it names it. */
export interface EntryReference {
  /** As {@link fieldName} takes it. */
  readonly path: Place;
  readonly kind: EntryKind;
  readonly name: string;
}

/** The entries that this one names: an account its groups, a rule the accounts and groups that it is about. */
export function entryReferences(kind: EntryKind, value: JsonObject): readonly EntryReference[] {
  if (kind === "group" || kind === "destination") return [];
  if (kind === "pull") return [...accountOf(value, []), ...destinationOf(value, [])];
  if (kind === "account") return references(value.groups, ["groups"], "group");
  const [when, expect] = [value.when, value.expect].map((part) => (isObject(part) ? part : {}));
  return [
    ...references(when?.accounts, ["when", "accounts"], "account"),
    ...references(when?.groups, ["when", "groups"], "group"),
    ...accountOf(expect, ["expect"]),
    ...entrySteps(value).flatMap(({ path, step }) => [
      ...accountOf(step, path),
      ...destinationOf(step.push, [...path, "push"]),
    ]),
  ];
}

/** The steps of a dispatch rule, each with the place where it stands. */
export function entrySteps(value: JsonObject): readonly { readonly path: Place; readonly step: JsonObject }[] {
  return ["do", "otherwise"].flatMap((list) => {
    const steps = value[list];
    if (!Array.isArray(steps)) return [];
    return steps.flatMap((step: JsonValue, index) => (isObject(step) ? [{ path: [list, index], step }] : []));
  });
}

function destinationOf(part: JsonValue | undefined, path: Place): EntryReference[] {
  if (!isObject(part) || typeof part.destination !== "string") return [];
  return [{ path: [...path, "destination"], kind: "destination", name: part.destination }];
}

/** A step may put a file where another account finds it. */
function accountOf(part: JsonValue | undefined, path: Place): EntryReference[] {
  if (!isObject(part) || typeof part.account !== "string") return [];
  return [{ path: [...path, "account"], kind: "account", name: part.account }];
}

/** A rule may name what it is not about, with `!` in front. */
function references(list: JsonValue | undefined, path: Place, kind: EntryKind): EntryReference[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: JsonValue, index) =>
    typeof item === "string" ? [{ path: [...path, index], kind, name: item.replace(/^!\s*/, "") }] : [],
  );
}
