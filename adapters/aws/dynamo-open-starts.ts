import type { AccountingEvent } from "../../core/accounting-event.ts";
import { limits } from "../../core/limits.ts";
import type { Item, Place } from "./dynamo-expressions.ts";
import type { DynamoTable } from "./dynamo-table.ts";
import { partitions } from "./env.ts";

const owners = `${partitions.transfers}owners`;

/** What begins with an event and ends with another. */
export interface Span {
  readonly kind: "transfer" | "session";
  /** Unique for ever, whatever the kind. */
  readonly id: string;
}

export interface OpenStartsOptions {
  readonly table: DynamoTable;
  /** Names this process, and no other for ever. */
  readonly owner: string;
  /** Whether a process with this name may still end itself what it began. */
  readonly isOwnerAlive: (owner: string) => Promise<boolean>;
}

/**
 * The transfers and sessions without an end, each under the process that began it. What a process leaves when it dies
 * is taken over by the first that asks; for limits.adoptionMs no other is given it.
 */
export class OpenStarts {
  readonly #options: OpenStartsOptions;
  #registered: { readonly atMs: number; readonly done: Promise<unknown> } | undefined;
  readonly #opening = new Map<string, Promise<void>>();
  readonly #ended = new Set<string>();
  /** By id, the dead owners of what this process was given. */
  readonly #adopted = new Map<string, string>();

  constructor(options: OpenStartsOptions) {
    this.#options = options;
  }

  /** Durable when it resolves. What this process has ended stays ended. */
  async open(event: AccountingEvent, span: Span): Promise<void> {
    if (this.#ended.has(span.id)) return;
    const opening = this.#open(event, span);
    this.#opening.set(span.id, opening);
    await opening.finally(() => this.#opening.delete(span.id));
  }

  /** Forgets the start. Harmless when it is not known. */
  async end(span: Span): Promise<void> {
    const { id } = span;
    this.#ended.add(id);
    const [oldest] = this.#ended;
    if (this.#ended.size > limits.endedSpans && oldest !== undefined) this.#ended.delete(oldest);
    // What is short may end while its start is on its way.
    await this.#opening.get(id)?.catch(() => {});
    await this.#options.table.remove(this.#placeOf(span));
    this.#adopted.delete(id);
  }

  /** The starts of this process and of processes that died, oldest first. */
  async unfinished(kind: Span["kind"]): Promise<readonly AccountingEvent[]> {
    const { table, owner } = this.#options;
    const found: { readonly startedMs: number; readonly started: AccountingEvent }[] = [];
    for (const each of new Set([owner, ...(await this.#adoptable())])) {
      for await (const { sk, json, startedMs } of table.query({ partition: partitionOf(kind, each) })) {
        if (each !== owner) this.#adopted.set(sk, each);
        found.push({ started: JSON.parse(String(json)), startedMs: Number(startedMs) });
      }
    }
    const sorted = found.sort((a, b) => a.startedMs - b.startedMs || byTime(a.started, b.started));
    return sorted.map(({ started }) => started);
  }

  async #open(event: AccountingEvent, span: Span): Promise<void> {
    const { table } = this.#options;
    await this.#register();
    await table.put({ ...this.#placeOf(span), json: JSON.stringify(event), startedMs: table.now() });
  }

  /** Dead owners of whom nobody else is ending what they left. */
  async #adoptable(): Promise<readonly string[]> {
    const { table, owner, isOwnerAlive } = this.#options;
    const adopted: string[] = [];
    for await (const item of table.query({ partition: owners })) {
      const { sk: other } = item;
      if (other === owner || (await isOwnerAlive(other))) continue;
      if (await this.#isIdle(other)) await this.#forget(item);
      else if (await this.#adopt(other)) adopted.push(other);
    }
    return adopted;
  }

  async #isIdle(other: string): Promise<boolean> {
    for (const partition of [partitionOf("transfer", other), partitionOf("session", other)]) {
      if ((await this.#options.table.all({ partition, limit: 1 })).length > 0) return false;
    }
    return true;
  }

  /**
   * Instances of functions come and go in great numbers. One that stood still and begins again registers again, unless
   * it did so within registrationMs.
   */
  async #forget({ pk, sk, expiresAt }: Item): Promise<void> {
    const { table } = this.#options;
    const isRecent = Number(expiresAt) > table.expiryAt(table.now() - 2 * registrationMs + limits.ownerRetentionMs);
    if (!isRecent) await table.remove({ pk, sk }, { expression: "#expiresAt = :expiresAt", values: { expiresAt } });
  }

  async #adopt(other: string): Promise<boolean> {
    const { table, owner } = this.#options;
    const nowMs = table.now();
    const { applied } = await table.update(
      { pk: owners, sk: other },
      {
        change: "SET #heir = :owner, #heirUntilMs = :untilMs",
        condition: "attribute_not_exists(#heir) OR #heir = :owner OR #heirUntilMs <= :nowMs",
        values: { owner, nowMs, untilMs: nowMs + limits.adoptionMs },
      },
    );
    return applied;
  }

  /** Before the first start, and again while there are more: an owner that nobody knows of has no heir. */
  async #register(): Promise<void> {
    const { table, owner } = this.#options;
    const atMs = table.now();
    if (this.#registered === undefined || atMs - this.#registered.atMs >= registrationMs) {
      const change = "SET #expiresAt = :expiresAt";
      const values = { expiresAt: table.expiryAt(atMs + limits.ownerRetentionMs) };
      this.#registered = { atMs, done: table.update({ pk: owners, sk: owner }, { change, values }) };
    }
    try {
      await this.#registered.done;
    } catch (error) {
      this.#registered = undefined;
      throw error;
    }
  }

  #placeOf({ kind, id }: Span): Place {
    return { pk: partitionOf(kind, this.#adopted.get(id) ?? this.#options.owner), sk: id };
  }
}

const registrationMs = 60 * 60 * 1000;

function partitionOf(kind: Span["kind"], owner: string): string {
  return `${partitions.transfers}${kind === "transfer" ? "open" : "sessions"}#${owner}`;
}

function byTime(a: AccountingEvent, b: AccountingEvent): number {
  return a.time < b.time ? -1 : Number(a.time > b.time);
}
