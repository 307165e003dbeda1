import { limits } from "../../core/limits.ts";

/** What S3 can say of a name: it is a folder and no file, there is no file of it, there is no folder of it. */
export type NameFact = "folder" | "no-file" | "no-folder";

/**
 * What S3 has said of names moments ago, so that many small files in a row do not ask the same again.
 * A fact is as old as the moment when S3 was asked for it. What this process changes itself voids the facts that it
 * makes untrue; what others change is seen when they are too old.
 */
export class RecentNames {
  readonly #recentMs: number;
  readonly #seen = new Map<string, number>();
  readonly #voided = new Map<string, number>();
  #allVoidedMs = Number.NEGATIVE_INFINITY;

  constructor(recentMs: number = limits.storeRecentMs) {
    this.#recentMs = recentMs;
  }

  /** To be taken before S3 is asked. */
  now(): number {
    return performance.now();
  }

  see(fact: NameFact, objectKey: string, askedAtMs: number): void {
    const oldest = this.#note(this.#seen, factOf(fact, objectKey), askedAtMs);
    if (oldest !== undefined) this.#seen.delete(oldest);
  }

  knows(fact: NameFact, objectKey: string): boolean {
    const name = factOf(fact, objectKey);
    const askedAtMs = this.#seen.get(name) ?? Number.NEGATIVE_INFINITY;
    const voidedMs = Math.max(this.#allVoidedMs, this.#voided.get(name) ?? Number.NEGATIVE_INFINITY);
    return askedAtMs > voidedMs && askedAtMs + this.#recentMs > this.now();
  }

  /** An object has been put at this key of S3, or may have been; a key that ends in `/` is a folder's marker. */
  made(s3Key: string): void {
    const isFolder = s3Key.endsWith("/");
    const segments = (isFolder ? s3Key.slice(0, -1) : s3Key).split("/");
    const folders = isFolder ? segments.length : segments.length - 1;
    for (let depth = 1; depth <= folders; depth += 1) this.#void("no-folder", segments.slice(0, depth).join("/"));
    if (isFolder) return;
    this.#void("no-file", s3Key);
    this.#void("folder", s3Key);
  }

  /** Folders may have gone, or come. */
  forgetAll(): void {
    this.#allVoidedMs = this.now();
    this.#seen.clear();
    this.#voided.clear();
  }

  #void(fact: NameFact, objectKey: string): void {
    const oldest = this.#note(this.#voided, factOf(fact, objectKey), this.now());
    if (oldest !== undefined) this.forgetAll();
  }

  /** Drops what is too old to matter. Answers the oldest of the rest when they are too many. */
  #note(facts: Map<string, number>, name: string, atMs: number): string | undefined {
    // Behind all others: a map keeps the order of insertion.
    facts.delete(name);
    facts.set(name, atMs);
    const horizonMs = this.now() - this.#recentMs;
    for (const [other, otherMs] of facts) {
      if (otherMs > horizonMs) return facts.size > limits.storeRecentNames ? other : undefined;
      facts.delete(other);
    }
    return undefined;
  }
}

function factOf(fact: NameFact, objectKey: string): string {
  return `${fact}:${objectKey}`;
}
