import { FileError } from "../../../core/errors.ts";

/** @param abandon ends what is waited for when the time is over @throws FileError `unavailable` then */
export async function within<T>(work: Promise<T>, timeoutMs: number, abandon: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new FileError("unavailable", `the destination did not answer within ${timeoutMs / 1000} s`));
      abandon();
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Answers that are waited for on one connection, each for a time, and none longer than the connection is there. */
export class Answers {
  readonly #timeoutMs: number;
  readonly #abandon: () => void;
  readonly #waiting = new Set<(error: FileError) => void>();
  #end: FileError | undefined;

  /** @param abandon ends the connection when an answer does not come in time */
  constructor(timeoutMs: number, abandon: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#abandon = abandon;
  }

  /** @throws FileError `unavailable` when the time is over or the connection has ended */
  wait<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#end) {
        answer.catch(() => {});
        reject(this.#end);
        return;
      }
      const timer = setTimeout(() => {
        fail(new FileError("unavailable", `the destination did not answer within ${this.#timeoutMs / 1000} s`));
        this.#abandon();
      }, this.#timeoutMs);
      const fail = (error: unknown) => {
        clearTimeout(timer);
        this.#waiting.delete(fail);
        reject(error);
      };
      this.#waiting.add(fail);
      answer.then((value) => {
        clearTimeout(timer);
        this.#waiting.delete(fail);
        resolve(value);
      }, fail);
    });
  }

  /** The connection is gone, and with it every answer. */
  end(): void {
    this.#end ??= new FileError("unavailable", "the connection to the destination ended");
    for (const fail of [...this.#waiting]) fail(this.#end);
  }
}

/** What is left when an answer of a library is no FileError: something about the connection, which may pass. */
export function connectionError(error: unknown): FileError {
  if (error instanceof FileError) return error;
  const { code, message = "" } = error as { readonly code?: unknown; readonly message?: string };
  const reason =
    typeof code === "string" && /^[A-Z]/.test(code) ? code : message.split("\n")[0]?.slice(0, mostCharacters);
  return new FileError("unavailable", `the destination cannot be used: ${reason || "the connection ended"}`, {
    cause: error,
  });
}

const mostCharacters = 200;
