import { isDeepStrictEqual } from "node:util";
import { ConditionalCheckFailedException, TransactionCanceledException } from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  BatchWriteCommand,
  type BatchWriteCommandInput,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import {
  conditionParts,
  type Expression,
  expressionAttributes,
  type Item,
  type Place,
  plainItem,
  rangeOf,
  type TableQuery,
  type Update,
} from "./dynamo-expressions.ts";
import { tableAttributes } from "./env.ts";

/** `item` is what is there afterwards: the changed one, or the one that the condition did not hold for. */
export interface UpdateOutcome {
  readonly applied: boolean;
  readonly item: Item | undefined;
}

/** One write of a transaction. */
export type Write =
  | { readonly put: Item; readonly condition?: Expression }
  | { readonly remove: Place; readonly condition?: Expression }
  | { readonly update: Place; readonly change: string; readonly condition: Expression }
  | { readonly check: Place; readonly condition: Expression };

export interface DynamoTableOptions {
  readonly client: DynamoDBDocumentClient;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * The one table. Reads see every write before them, save those of the index, and no item whose time is over. Every
 * method throws FileError `unavailable` when DynamoDB does not do what it was asked for.
 */
export class DynamoTable {
  readonly #client: DynamoDBDocumentClient;
  readonly #name: string;
  readonly now: () => number;

  constructor({ client, name, now }: DynamoTableOptions) {
    this.#client = client;
    this.#name = name;
    this.now = now;
  }

  async get(place: Place): Promise<Item | undefined> {
    const { Item: item } = await available(
      this.#client.send(new GetCommand({ TableName: this.#name, Key: primaryKeyOf(place), ConsistentRead: true })),
    );
    return this.#alive(item);
  }

  /** Those that are there, in no order. */
  async getMany(places: readonly Place[]): Promise<readonly Item[]> {
    const unique = new Map(places.map((place) => [JSON.stringify([place.pk, place.sk]), primaryKeyOf(place)]));
    const batches = batchesOf([...unique.values()], limits.dynamoBatchReads);
    return (await Promise.all(batches.map((batch) => this.#getBatch(batch)))).flat();
  }

  /**
   * Puts the item in the place of what is there.
   * @param withinMs how long it is tried
   * @returns false when the condition does not hold. An item that is there exactly so counts as put: the answer of an
   * earlier attempt may have been lost.
   */
  async put(item: Item, condition?: Expression, withinMs?: number): Promise<boolean> {
    const command = new PutCommand({
      TableName: this.#name,
      Item: { ...item },
      ...conditionParts(condition),
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const outcome = await conditional(this.#client.send(command, within(withinMs)));
    return outcome.held || isDeepStrictEqual(outcome.item, definedOnly(item));
  }

  /** Puts the item where nothing is, or something whose time is over. @returns as {@link put} */
  putNew(item: Item): Promise<boolean> {
    return this.put(item, this.absent());
  }

  async update(place: Place, { change, condition, values }: Update): Promise<UpdateOutcome> {
    const command = new UpdateCommand({
      TableName: this.#name,
      Key: primaryKeyOf(place),
      UpdateExpression: change,
      ConditionExpression: condition,
      ...expressionAttributes(`${change} ${condition ?? ""}`, values),
      ReturnValues: "ALL_NEW",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    const { held, item } = await conditional(this.#client.send(command).then(({ Attributes }) => Attributes));
    return { applied: held, item: item as Item | undefined };
  }

  /** @returns false when the condition does not hold; the removal of nothing succeeds without one */
  async remove(place: Place, condition?: Expression): Promise<boolean> {
    const command = new DeleteCommand({
      TableName: this.#name,
      Key: primaryKeyOf(place),
      ...conditionParts(condition),
    });
    return (await conditional(this.#client.send(command))).held;
  }

  /** Removes the item if its time is over. @returns whether it was */
  removeExpired(place: Place): Promise<boolean> {
    const expression = `#${tableAttributes.expiry} <= :nowSeconds`;
    return this.remove(place, { expression, values: { nowSeconds: this.#nowSeconds() } });
  }

  /** Puts or removes many items, each by itself: a failure leaves some undone. Repeating that does no harm. */
  async writeMany(writes: readonly ({ readonly put: Item } | { readonly remove: Place })[]): Promise<void> {
    const requests = writes.map((write) =>
      "put" in write
        ? { PutRequest: { Item: { ...write.put } } }
        : { DeleteRequest: { Key: primaryKeyOf(write.remove) } },
    );
    for (const batch of batchesOf(requests, limits.dynamoBatchWrites)) await this.#writeBatch(batch);
  }

  /**
   * Makes all the writes or none, at most limits.dynamoTransactionItems.
   * @returns false when a condition does not hold, or another transaction was faster
   */
  async transact(writes: readonly Write[]): Promise<boolean> {
    const TransactItems = writes.map((write) => this.#transactItem(write));
    try {
      await this.#client.send(new TransactWriteCommand({ TransactItems }));
      return true;
    } catch (error) {
      if (isLostRace(error)) return false;
      throw unavailable(error);
    }
  }

  /** The items in the order of their sort attribute, read page by page as they are asked for. */
  async *query(query: TableQuery): AsyncGenerator<Item> {
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    let start: Record<string, unknown> | undefined;
    do {
      const command = this.#queryCommand(query, left, start);
      const { Items = [], LastEvaluatedKey } = await available(this.#client.send(command));
      for (const found of Items) {
        const item = this.#alive(found);
        if (item === undefined) continue;
        yield item;
        left -= 1;
        if (left <= 0) return;
      }
      start = LastEvaluatedKey;
    } while (start !== undefined);
  }

  /** Everything that {@link query} gives. */
  async all(query: TableQuery): Promise<readonly Item[]> {
    const items: Item[] = [];
    for await (const item of this.query(query)) items.push(item);
    return items;
  }

  /** Holds where nothing is, or something whose time is over. */
  absent(): Expression {
    return {
      expression: `attribute_not_exists(#pk) OR #${tableAttributes.expiry} <= :absentAt`,
      values: { absentAt: this.#nowSeconds() },
    };
  }

  /** How `expiresAt` says that an item is to be kept at least until then. */
  expiryAt(endsAtMs: number): number {
    return Math.ceil(endsAtMs / 1000);
  }

  #queryCommand(query: TableQuery, left: number, start: Record<string, unknown> | undefined): QueryCommand {
    const { expression, values } = rangeOf(query);
    const { filter } = query;
    return new QueryCommand({
      TableName: this.#name,
      ...(query.index && { IndexName: tableAttributes.indexName }),
      ConsistentRead: !query.index,
      KeyConditionExpression: expression,
      FilterExpression: filter?.expression,
      ...expressionAttributes(`${expression} ${filter?.expression ?? ""}`, { ...values, ...filter?.values }),
      ScanIndexForward: !query.descending,
      ExclusiveStartKey: start,
      // What a filter takes out counts for the page, so a short page would only mean more of them.
      ...(filter === undefined && Number.isFinite(left) && { Limit: left }),
    });
  }

  async #getBatch(keys: readonly Record<string, string>[]): Promise<readonly Item[]> {
    const found: Item[] = [];
    let wanted: readonly Record<string, unknown>[] = keys;
    for (let attempt = 0; wanted.length > 0; attempt += 1) {
      await pauseBefore(attempt);
      const RequestItems = { [this.#name]: { Keys: [...wanted], ConsistentRead: true } };
      const answer = await available(this.#client.send(new BatchGetCommand({ RequestItems })));
      found.push(...(answer.Responses?.[this.#name] ?? []).flatMap((item) => this.#alive(item) ?? []));
      wanted = answer.UnprocessedKeys?.[this.#name]?.Keys ?? [];
    }
    return found;
  }

  async #writeBatch(requests: readonly BatchRequest[]): Promise<void> {
    let wanted = requests;
    for (let attempt = 0; wanted.length > 0; attempt += 1) {
      await pauseBefore(attempt);
      const RequestItems = { [this.#name]: [...wanted] };
      const answer = await available(this.#client.send(new BatchWriteCommand({ RequestItems })));
      wanted = answer.UnprocessedItems?.[this.#name] ?? [];
    }
  }

  #transactItem(write: Write): TransactItem {
    const shared = { TableName: this.#name, ...conditionParts(write.condition) };
    if ("put" in write) return { Put: { ...shared, Item: { ...write.put } } };
    if ("remove" in write) return { Delete: { ...shared, Key: primaryKeyOf(write.remove) } };
    const { expression, values } = write.condition;
    if ("update" in write) {
      const named = expressionAttributes(`${write.change} ${expression}`, values);
      return { Update: { ...shared, ...named, Key: primaryKeyOf(write.update), UpdateExpression: write.change } };
    }
    return { ConditionCheck: { ...shared, ConditionExpression: expression, Key: primaryKeyOf(write.check) } };
  }

  #alive(item: Record<string, unknown> | undefined): Item | undefined {
    const { expiresAt } = item ?? {};
    return typeof expiresAt === "number" && expiresAt <= this.#nowSeconds() ? undefined : (item as Item | undefined);
  }

  #nowSeconds(): number {
    return Math.floor(this.now() / 1000);
  }
}

type TransactItem = NonNullable<TransactWriteCommandInput["TransactItems"]>[number];

type BatchRequest = NonNullable<BatchWriteCommandInput["RequestItems"]>[string][number];

function primaryKeyOf({ pk, sk }: Place): { pk: string; sk: string } {
  return { pk, sk };
}

function within(ms: number | undefined): { abortSignal?: AbortSignal } {
  return ms === undefined ? {} : { abortSignal: AbortSignal.timeout(ms) };
}

function definedOnly(item: Item): Record<string, unknown> {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== undefined));
}

function batchesOf<T>(items: readonly T[], length: number): T[][] {
  const count = Math.ceil(items.length / length);
  return Array.from({ length: count }, (_, index) => items.slice(index * length, (index + 1) * length));
}

/** DynamoDB hands back what it had no room for; its throttling passes within seconds. */
async function pauseBefore(attempt: number): Promise<void> {
  if (attempt === 0) return;
  if (attempt >= limits.dynamoBatchTries) throw unavailable(new Error("DynamoDB has no room for the batch"));
  const longestMs = limits.dynamoBatchRetryMs * 2 ** attempt;
  await new Promise((resolve) => setTimeout(resolve, longestMs * (0.5 + Math.random() / 2)));
}

/** What a write with a condition came to; `item` is what `attempt` answers, or what the condition did not hold for. */
async function conditional(
  attempt: Promise<unknown>,
): Promise<{ readonly held: boolean; readonly item: Record<string, unknown> | undefined }> {
  try {
    return { held: true, item: (await attempt) as Record<string, unknown> | undefined };
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException)
      return { held: false, item: error.Item && plainItem(error.Item) };
    throw unavailable(error);
  }
}

const lostRaces: readonly string[] = ["None", "ConditionalCheckFailed", "TransactionConflict"];

function isLostRace(error: unknown): boolean {
  if (!(error instanceof TransactionCanceledException)) return false;
  return (error.CancellationReasons ?? []).every(({ Code = "None" }) => lostRaces.includes(Code));
}

async function available<T>(attempt: Promise<T>): Promise<T> {
  try {
    return await attempt;
  } catch (error) {
    throw unavailable(error);
  }
}

function unavailable(cause: unknown): FileError {
  return new FileError("unavailable", "the table cannot be used at the moment", { cause });
}
