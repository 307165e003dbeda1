import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** Where an item stands: its partition and its place in the order of that. */
export interface Place {
  readonly pk: string;
  readonly sk: string;
}

/** What stands there. Attributes that are undefined are left out. */
export interface Item extends Place {
  readonly gs1pk?: string | undefined;
  readonly gs1sk?: string | undefined;
  /** Seconds since the epoch. DynamoDB removes an item days later; for readers of the table it ends then. */
  readonly expiresAt?: number | undefined;
  readonly [attribute: string]: unknown;
}

/**
 * An expression of DynamoDB. `#word` in it stands for the attribute `word`, which need not be declared; `:word` for
 * the value of that name.
 */
export interface Expression {
  readonly expression: string;
  readonly values?: Readonly<Record<string, unknown>>;
}

export interface Update {
  /** Such as `SET #note = :note REMOVE #owner`. */
  readonly change: string;
  readonly condition?: string;
  readonly values?: Readonly<Record<string, unknown>>;
}

/** Of `prefix`, `after` and `between` one is possible. */
export interface TableQuery {
  readonly partition: string;
  /** Reads the index instead, which is late by fractions of a second. */
  readonly index?: boolean;
  /** What the sort attribute begins with. */
  readonly prefix?: string;
  /** Only what comes behind this sort attribute in the order of the query. */
  readonly after?: string | undefined;
  /** First and last sort attribute, both included. */
  readonly between?: readonly [string, string];
  readonly descending?: boolean;
  /** Filters after reading; what it takes out costs as much as what it leaves. */
  readonly filter?: Expression;
  /** At most so many items; all by default. */
  readonly limit?: number;
}

export function rangeOf(query: TableQuery): Required<Expression> {
  const { partition, index, prefix, after, between, descending } = query;
  const [pk, sk] = index ? ["#gs1pk", "#gs1sk"] : ["#pk", "#sk"];
  const inPartition = (range: string, values: Readonly<Record<string, unknown>>): Required<Expression> => {
    return { expression: `${pk} = :partition AND ${range}`, values: { partition, ...values } };
  };
  if (between) {
    const [first, last] = between;
    return inPartition(`${sk} BETWEEN :first AND :last`, { first, last });
  }
  // An attribute of an index or of a table is never empty.
  if (after) return inPartition(`${sk} ${descending ? "<" : ">"} :after`, { after });
  if (prefix) return inPartition(`begins_with(${sk}, :prefix)`, { prefix });
  return { expression: `${pk} = :partition`, values: { partition } };
}

export function conditionParts(condition: Expression | undefined) {
  if (condition === undefined) return {};
  return {
    ConditionExpression: condition.expression,
    ...expressionAttributes(condition.expression, condition.values),
  };
}

export function expressionAttributes(expression: string, values: Readonly<Record<string, unknown>> = {}) {
  const names = new Set(expression.match(/#\w+/g) ?? []);
  const named = Object.entries(values).map(([name, value]) => [`:${name}`, value] as const);
  return {
    ...(names.size > 0 && {
      ExpressionAttributeNames: Object.fromEntries([...names].map((name) => [name, name.slice(1)])),
    }),
    ...(named.length > 0 && { ExpressionAttributeValues: Object.fromEntries(named) }),
  };
}

/** The document client leaves the item of an error in the form of the wire. */
export function plainItem(item: Readonly<Record<string, AttributeValue>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plainValue(value)]));
}

function plainValue(value: AttributeValue): unknown {
  if (value.N !== undefined) return Number(value.N);
  if (value.NULL !== undefined) return null;
  if (value.L !== undefined) return value.L.map(plainValue);
  if (value.M !== undefined) return plainItem(value.M);
  return value.S ?? value.BOOL ?? value.B;
}
