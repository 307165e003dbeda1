import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { Item } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";

/** What the records of a kind are known by. */
export interface ExpiringRecord {
  readonly id: string;
  readonly accountName: string;
  /** Milliseconds since the epoch. From then on {@link ExpiringRecords.expired} names the record. */
  readonly expiresAtMs: number;
}

const sort = "record";
/** As many digits as the greatest time has, so that texts are in the order of the times. */
const timeDigits = 15;

/**
 * Records of accounts that end at a time, each as two items: one under its id, one under its account, which also
 * stands in the index by the time of its end. A record stays until it is removed; where nobody does that,
 * limits.expiredRecordMs after its end.
 */
export class ExpiringRecords<T> {
  readonly #table: DynamoTable;
  readonly #prefix: string;
  readonly #describe: (record: T) => ExpiringRecord;

  /** @param prefix of every partition, such as `sessions#token` */
  constructor(table: DynamoTable, prefix: string, describe: (record: T) => ExpiringRecord) {
    this.#table = table;
    this.#prefix = prefix;
    this.#describe = describe;
  }

  async add(record: T): Promise<void> {
    const { id, accountName, expiresAtMs } = this.#describe(record);
    const json = JSON.stringify(record);
    const expiresAt = this.#table.expiryAt(expiresAtMs + limits.expiredRecordMs);
    const byExpiry = { gs1pk: `${this.#prefix}#expiry`, gs1sk: `${sortableTime(expiresAtMs)}#${id}` };
    const isMade = await this.#table.transact([
      { put: { ...this.#placeOf(id), json, expiresAt } },
      { put: { pk: this.#accountPartition(accountName), sk: id, json, expiresAt, ...byExpiry } },
    ]);
    if (!isMade) throw new FileError("unavailable", "the record is being written by somebody else");
  }

  async find(id: string): Promise<T | undefined> {
    const item = await this.#table.get(this.#placeOf(id));
    return item && this.#recordOf(item);
  }

  async ofAccount(accountName: string): Promise<readonly T[]> {
    return (await this.#table.all({ partition: this.#accountPartition(accountName) })).map((item) =>
      this.#recordOf(item),
    );
  }

  /** Those whose time is over, oldest first. The index may still name what was removed a moment ago. */
  async expired(nowMs: number, limit: number): Promise<readonly T[]> {
    const partition = `${this.#prefix}#expiry`;
    const between = [sortableTime(0), `${sortableTime(nowMs)}#\u{10ffff}`] as const;
    return (await this.#table.all({ partition, index: true, between, limit })).map((item) => this.#recordOf(item));
  }

  /** The item under the id goes last: it tells a second try where the other one is. */
  async remove(id: string): Promise<void> {
    const record = await this.find(id);
    if (record === undefined) return;
    const { accountName } = this.#describe(record);
    await this.#table.remove({ pk: this.#accountPartition(accountName), sk: id });
    await this.#table.remove(this.#placeOf(id));
  }

  #placeOf(id: string) {
    return { pk: `${this.#prefix}#id#${id}`, sk: sort };
  }

  #accountPartition(accountName: string): string {
    return `${this.#prefix}#account#${accountName}`;
  }

  #recordOf({ json }: Item): T {
    return JSON.parse(String(json)) as T;
  }
}

function sortableTime(ms: number): string {
  return String(Math.max(0, Math.ceil(ms))).padStart(timeDigits, "0");
}
