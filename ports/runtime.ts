/** A running SHA-256. `hex` ends it. */
export interface Sha256 {
  update(chunk: Uint8Array): void;
  hex(): string;
}

/** Time, chance, repetition and the log: what pure code cannot make for itself. */
export interface Runtime {
  /** Milliseconds since the epoch. */
  now(): number;
  /** A new identifier, unique and sortable by time (UUIDv7, RFC 9562 §5.7). */
  newId(): string;
  /** A number from 0 up to 1 by chance; not for secrets. */
  random(): number;
  sha256(): Sha256;
  /** Calls `action` every `intervalMs` until the answer is called. Does not keep the process alive. */
  every(intervalMs: number, action: () => void): () => void;
  readonly log: Log;
}

/** Structured log of the operator. `fields` never holds a secret. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}
