import { Worker } from "node:worker_threads";
import { FileError } from "../../core/errors.ts";
import type { DatabaseResponse, ThreadRequest } from "./sqlite-database-server.ts";

export interface DatabaseThreadOptions {
  /** The module that serves the database. */
  readonly workerFile: URL;
  /** What the module finds as its `workerData`. */
  readonly workerData: unknown;
  /** What the database is called in messages: `the accounting log`. */
  readonly name: string;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: FileError) => void;
}

/**
 * A thread with a connection to a database. SQLite blocks its caller while the disk works; here it blocks nobody
 * else. The thread is started by the first call, and again after it failed.
 */
export class DatabaseThread<Request extends ThreadRequest> {
  readonly #options: DatabaseThreadOptions;
  readonly #waiting: Waiting[] = [];
  #worker: Worker | undefined;

  constructor(options: DatabaseThreadOptions) {
    this.#options = options;
  }

  /** @throws FileError `unavailable` with the reason as its cause. */
  call<T>(request: Request | { readonly kind: "close" }): Promise<T> {
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
    const { workerFile, workerData } = this.#options;
    const worker = new Worker(workerFile, { workerData, execArgv: [] });
    worker.on("message", (response: DatabaseResponse) => {
      const next = this.#waiting.shift();
      if (response.ok) next?.resolve(response.value);
      else next?.reject(this.#unavailable(response.reason));
    });
    worker.on("error", (error) => this.#ended(worker, `the thread failed: ${error}`));
    worker.on("exit", () => this.#ended(worker, "the thread ended"));
    return worker;
  }

  #ended(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#unavailable(reason));
  }

  #unavailable(reason: string): FileError {
    const message = `${this.#options.name} cannot be used at the moment`;
    return new FileError("unavailable", message, { cause: new Error(reason) });
  }
}
