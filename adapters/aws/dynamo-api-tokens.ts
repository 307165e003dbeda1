import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import type { ApiToken, ApiTokenStore } from "../../ports/api-tokens.ts";
import type { Expression, Place } from "./dynamo-expressions.ts";
import type { DynamoTable, Write } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

const partition = `${partitions.sessions}api-tokens`;

/** The tokens of one account, which are changed together. */
interface AccountTokens {
  readonly accountName: string;
  readonly tokens: readonly ApiToken[];
  /** Changes with every change; 0 where there is no item. */
  readonly version: number;
}

/**
 * API tokens. An account's tokens are one item, so that names and their number are judged in one step; each token is
 * also found under its id and its digest, by items that are written in the same transaction.
 */
export function createDynamoApiTokenStore(table: DynamoTable): ApiTokenStore {
  return new DynamoApiTokenStore(table);
}

class DynamoApiTokenStore implements ApiTokenStore {
  readonly #table: DynamoTable;

  constructor(table: DynamoTable) {
    this.#table = table;
  }

  async add(token: ApiToken, most: number): Promise<"added" | "name-taken" | "too-many"> {
    return this.#change(token.accountName, ({ tokens }) => {
      // An earlier attempt may have been made and its answer lost.
      if (tokens.some(({ id }) => id === token.id)) return { result: "added" };
      if (tokens.some(({ name }) => name === token.name)) return { result: "name-taken" };
      if (tokens.length >= most) return { result: "too-many" };
      const expiresAt = this.#table.expiryAt(token.expiresAtMs + limits.expiredRecordMs);
      const json = JSON.stringify(token);
      const writes = placesOf(token).map((place): Write => ({ put: { ...place, json, expiresAt } }));
      return { result: "added", tokens: [...tokens, token], writes };
    });
  }

  async find(reference: { readonly id: string } | { readonly digest: string }): Promise<ApiToken | undefined> {
    const place = "id" in reference ? idPlace(reference.id) : digestPlace(reference.digest);
    const item = await this.#table.get(place);
    return item && (JSON.parse(String(item.json)) as ApiToken);
  }

  async list(accountName: string): Promise<readonly ApiToken[]> {
    return [...(await this.#read(accountName)).tokens].sort(byAge);
  }

  async remove(id: string): Promise<void> {
    const token = await this.find({ id });
    if (token) await this.#removeAll(token.accountName, (other) => other.id === id);
  }

  async removeExpired(nowMs: number): Promise<void> {
    const isOver = ({ expiresAtMs }: ApiToken) => expiresAtMs <= nowMs;
    for await (const { sk, json } of this.#table.query({ partition })) {
      if (tokensOf(json).some(isOver)) await this.#removeAll(sk, isOver);
    }
  }

  async accountNames(): Promise<readonly string[]> {
    return (await this.#table.all({ partition })).map(({ sk }) => sk);
  }

  async #removeAll(accountName: string, isGone: (token: ApiToken) => boolean): Promise<void> {
    await this.#change(accountName, ({ tokens }) => {
      const gone = tokens.filter(isGone);
      if (gone.length === 0) return { result: undefined };
      const writes = gone.flatMap(placesOf).map((place): Write => ({ remove: place }));
      return { result: undefined, tokens: tokens.filter((token) => !isGone(token)), writes };
    });
  }

  async #read(accountName: string): Promise<AccountTokens> {
    const item = await this.#table.get({ pk: partition, sk: accountName });
    return { accountName, tokens: item ? tokensOf(item.json) : [], version: Number(item?.version ?? 0) };
  }

  /** Looks and changes until nobody else changes in between. Without `tokens` in its answer nothing changes. */
  async #change<T>(
    accountName: string,
    plan: (known: AccountTokens) => { result: T; tokens?: readonly ApiToken[]; writes?: readonly Write[] },
  ): Promise<T> {
    for (let attempt = 0; attempt < limits.dynamoTransactionTries; attempt += 1) {
      const known = await this.#read(accountName);
      const { result, tokens, writes = [] } = plan(known);
      if (tokens === undefined) return result;
      if (await this.#table.transact([this.#accountWrite(known, tokens), ...writes])) return result;
    }
    throw new FileError("unavailable", "the account's API tokens are being changed by somebody else");
  }

  #accountWrite({ accountName, version }: AccountTokens, tokens: readonly ApiToken[]): Write {
    const place = { pk: partition, sk: accountName };
    const condition: Expression =
      version === 0
        ? { expression: "attribute_not_exists(#pk)" }
        : { expression: "#version = :version", values: { version } };
    if (tokens.length === 0) return { remove: place, condition };
    return { put: { ...place, json: JSON.stringify(tokens), version: version + 1 }, condition };
  }
}

function placesOf({ id, digest }: ApiToken): readonly Place[] {
  return [idPlace(id), digestPlace(digest)];
}

function idPlace(id: string): Place {
  return { pk: `${partition}#id#${id}`, sk: "token" };
}

function digestPlace(digest: string): Place {
  return { pk: `${partition}#digest#${digest}`, sk: "token" };
}

function tokensOf(json: unknown): readonly ApiToken[] {
  return JSON.parse(String(json));
}

function byAge(a: ApiToken, b: ApiToken): number {
  return a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1);
}
