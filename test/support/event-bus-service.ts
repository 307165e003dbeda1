import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { AccountingEvent } from "../../core/accounting-event.ts";

export interface EventBusService {
  /** For `AWS_ENDPOINT_URL_EVENTBRIDGE`. */
  readonly endpoint: string;
  /** What was accepted so far, each event once. */
  events(): readonly AccountingEvent[];
  close(): Promise<void>;
}

/**
 * The PutEvents operation of Amazon EventBridge, which accepts everything. The adapter is tested against more of the
 * service; here it is to keep up with several gateways, which moto's does not.
 */
export async function startEventBusService(): Promise<EventBusService> {
  const events = new Map<string, AccountingEvent>();
  const server = createServer((request, response) => void putEvents(events, { request, response }));
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    events: () => [...events.values()],
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function putEvents(
  events: Map<string, AccountingEvent>,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (request.headers["x-amz-target"] !== "AWSEvents.PutEvents") {
    response
      .writeHead(400, { "content-type": "application/x-amz-json-1.1" })
      .end('{"__type":"UnknownOperationException"}');
    return;
  }
  const { Entries } = JSON.parse(Buffer.concat(chunks).toString()) as {
    Entries: readonly { readonly Detail: string }[];
  };
  for (const { Detail } of Entries) {
    const event = JSON.parse(Detail) as AccountingEvent;
    events.set(event.id, event);
  }
  const results = Entries.map(() => ({ EventId: randomUUID() }));
  response.writeHead(200, { "content-type": "application/x-amz-json-1.1" });
  response.end(JSON.stringify({ FailedEntryCount: 0, Entries: results }));
}
