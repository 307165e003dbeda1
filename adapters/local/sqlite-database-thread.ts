import { Worker } from "node:worker_threads";
import { FileError } from "../../core/errors.ts";
import type { DatabaseOptions, DatabaseRequest, DatabaseResponse } from "./sqlite-accounting-worker.ts";

const workerFile = new URL("./sqlite-accounting-worker.ts", import.meta.url);

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: FileError) => void;
}

/**
 * A thread with a connection to the database. SQLite blocks its caller while the disk works; here it blocks nobody
 * else. The thread is started by the first call, and again after it failed.
 */
export class DatabaseThread {
  readonly #options: DatabaseOptions;
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
  }

  /** @throws FileError `unavailable` with the reason as its cause. */
  call<T>(request: DatabaseRequest): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ resolve: resolve as (value: unknown) => void, reject });
      this.#worker ??= this.#start();
      this.#worker.postMessage(request);
    });
  }

  /** Answers what was asked before, then ends the thread. */
  async close(): Promise<void> {
    if (this.#worker) await this.call({ kind: "close" });
  }

  #start(): Worker {
    const worker = new Worker(workerFile, { workerData: this.#options, execArgv: [] });
    worker.on("message", (response: DatabaseResponse) => {
      const next = this.#waiting.shift();
      if (response.ok) next?.resolve(response.value);
      else next?.reject(unavailable(response.reason));
    });
    worker.on("error", (error) => this.#ended(worker, `the thread failed: ${error}`));
    worker.on("exit", () => this.#ended(worker, "the thread ended"));
    return worker;
  }

  #ended(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(unavailable(reason));
  }
}

function unavailable(reason: string): FileError {
  return new FileError("unavailable", "the accounting log cannot be used at the moment", { cause: new Error(reason) });
}
