import type { ApiClient, Input } from "./api-client.ts";
import type { AccountingEvent } from "./schemas.ts";

export type EventSelection = Omit<NonNullable<Input<"readEvents">["query"]>, "format" | "cursor">;

/** Every event of the record that is selected, page after page. */
export async function* readEvents(client: ApiClient, selection: EventSelection = {}): AsyncGenerator<AccountingEvent> {
  for (let cursor: string | undefined, isMore = true; isMore; isMore = cursor !== undefined) {
    const query = { ...selection, format: "json" as const, ...(cursor !== undefined && { cursor }) };
    const { body } = await client.call("readEvents", { query });
    if (!("events" in body)) throw new Error("the events are not JSON");
    yield* body.events;
    cursor = body.cursor;
  }
}
