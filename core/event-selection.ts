import type { AccountingEvent } from "./accounting-event.ts";
import { compileExpression, type Expression } from "./expression.ts";
import { type AddressBlock, parseAddressBlock } from "./source-address.ts";

/**
 * Which events a rule is about, as it is written. Each list is an OR of its entries; an entry that begins with `!`
 * excludes, whatever the others say, and a list of nothing but such entries takes everything else. What is left out
 * does not matter.
 */
export interface WrittenSelection {
  /** Types of events. */
  readonly types?: readonly string[] | undefined;
  /** Names of accounts. */
  readonly accounts?: readonly string[] | undefined;
  /** Names of groups; those of an event are all groups of its account. */
  readonly groups?: readonly string[] | undefined;
  readonly protocols?: readonly string[] | undefined;
  /** Addresses and CIDR blocks. */
  readonly peers?: readonly string[] | undefined;
  /** A matching expression for `data.path`. */
  readonly path?: string | undefined;
  /** Matching expressions for fields of `data`, by the field's name. */
  readonly data?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** A condition on one part of an event; undefined stands for a part that the event does not have. */
type Condition = (event: AccountingEvent) => boolean;

/** A {@link WrittenSelection}, ready to use. */
export interface EventSelection {
  readonly written: WrittenSelection;
  /** The expression of `written.path`, whose captures a destination may use. */
  readonly path: Expression | undefined;
  readonly conditions: readonly Condition[];
}

/** @throws ExpressionError, SourceAddressError for what cannot be read. */
export function compileSelection(written: WrittenSelection): EventSelection {
  const path = written.path === undefined ? undefined : compileExpression(written.path);
  const conditions: readonly (Condition | undefined)[] = [
    listed(written.types, ({ type }) => [type]),
    listed(written.accounts, ({ account }) => (account ? [account.name] : [])),
    listed(written.groups, ({ account }) => account?.groups ?? []),
    listed(written.protocols, ({ protocol }) => [protocol]),
    written.peers && peerCondition(written.peers),
    path && (({ data }) => typeof data.path === "string" && path.matches(data.path)),
    ...Object.entries(written.data ?? {}).map(([field, entries]) => dataCondition(field, entries)),
  ];
  return { written, path, conditions: conditions.filter((condition) => condition !== undefined) };
}

/** True when all that the selection says holds of the event. What the event does not have matches nothing. */
export function selects({ conditions }: EventSelection, event: AccountingEvent): boolean {
  return conditions.every((condition) => condition(event));
}

/** Splits a list into what has to be there and what must not be. */
function parted(entries: readonly string[]): { anyOf: string[]; noneOf: string[] } {
  const noneOf = entries.filter(isExclusion).map((entry) => entry.slice(1).trim());
  return { anyOf: entries.filter((entry) => !isExclusion(entry)), noneOf };
}

function isExclusion(entry: string): boolean {
  return entry.startsWith("!");
}

function listed(
  entries: readonly string[] | undefined,
  valuesOf: (event: AccountingEvent) => readonly string[],
): Condition | undefined {
  if (!entries) return undefined;
  const { anyOf, noneOf } = parted(entries);
  return (event) => {
    const values = valuesOf(event);
    if (values.some((value) => noneOf.includes(value))) return false;
    return anyOf.length === 0 || values.some((value) => anyOf.includes(value));
  };
}

function peerCondition(entries: readonly string[]): Condition {
  const { anyOf, noneOf } = parted(entries);
  const [allowed, excluded] = [anyOf.map(parseAddressBlock), noneOf.map(parseAddressBlock)];
  const isIn = (blocks: readonly AddressBlock[], address: string) => blocks.some((block) => block.contains(address));
  return ({ peer }) => {
    if (!peer || isIn(excluded, peer.address)) return false;
    return allowed.length === 0 || isIn(allowed, peer.address);
  };
}

/** Numbers and true or false are compared as JSON writes them; lists and mappings match nothing. */
function dataCondition(field: string, entries: readonly string[]): Condition {
  const { anyOf, noneOf } = parted(entries);
  const [wanted, excluded] = [anyOf, noneOf].map((sources) => sources.map((source) => compileExpression(source)));
  return ({ data }) => {
    const value = Object.hasOwn(data, field) ? data[field] : undefined;
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return false;
    if (excluded?.some((expression) => expression.matches(`${value}`))) return false;
    return wanted?.length === 0 || wanted?.some((expression) => expression.matches(`${value}`)) === true;
  };
}
