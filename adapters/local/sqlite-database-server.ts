import type { MessagePort } from "node:worker_threads";

/** What the thread of a database is asked; it answers in the order of the requests. */
export interface ThreadRequest {
  readonly kind: string;
}

export type DatabaseResponse =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };

interface Database {
  close(): void;
}

/**
 * Answers what comes through the port with the database that `open` gives, until a request of the kind `close`. After
 * an error the file is opened anew: whatever was wrong with it may be over, or show itself at opening.
 */
export function serveDatabase<D extends Database, R extends ThreadRequest>(
  port: MessagePort,
  open: () => D,
  answer: (database: D, request: R) => unknown,
): void {
  let opened: D | undefined;
  const close = () => {
    const database = opened;
    opened = undefined;
    database?.close();
  };
  const responseTo = (request: R): DatabaseResponse => {
    try {
      if (request.kind === "close") return { ok: true, value: close() };
      opened ??= open();
      return { ok: true, value: answer(opened, request) };
    } catch (error) {
      quietly(close);
      return { ok: false, reason: error instanceof Error ? error.message : String(error) };
    }
  };
  port.on("message", (request: R) => {
    port.postMessage(responseTo(request));
    if (request.kind === "close") port.close();
  });
}

function quietly(action: () => void): void {
  try {
    action();
  } catch {
    // It is being given up.
  }
}
