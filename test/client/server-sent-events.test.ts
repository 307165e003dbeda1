import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ServerSentEvent, serverSentEvents } from "../../client/server-sent-events.ts";

async function read(bytes: Uint8Array, chunkBytes: number): Promise<ServerSentEvent[]> {
  let at = 0;
  const content = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at + chunkBytes));
      at += chunkBytes;
    },
  });
  const found: ServerSentEvent[] = [];
  for await (const event of serverSentEvents(content)) found.push(event);
  return found;
}

test("events come out as they went in, whatever ends their lines and wherever the stream is cut", async () => {
  const event = fc.record({
    id: fc.option(fc.base64String(), { nil: undefined }),
    data: fc.string({ unit: "grapheme" }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(event),
      fc.constantFrom("\n", "\r\n", "\r"),
      fc.integer({ min: 1, max: 9 }),
      async (events, end, chunkBytes) => {
        const given = events.map(({ id, data }) => ({ id, data: data.replaceAll(/[\r\n]/g, "") }));
        const text = given
          .flatMap(({ id, data }) => [...(id === undefined ? [] : [`id: ${id}`]), `data: ${data}`, ": comment", "", ""])
          .join(end);
        const found = await read(new TextEncoder().encode(`retry: 7${end}${end}${text}`), chunkBytes);
        assert.equal(found[0]?.retryMs, 7);
        const withData = found.filter(({ data }) => data !== undefined);
        assert.deepEqual(
          withData.map(({ id, data }) => ({ id, data })),
          given,
        );
      },
    ),
  );
});

test("what is broken off is no event, lines of data belong together, and an id may stand alone", async () => {
  const text = "id: 1\n\ndata: a\ndata:b\n\nretry: soon\n\nid: 2\ndata: c";
  assert.deepEqual(await read(new TextEncoder().encode(text), 100), [
    { id: "1", data: undefined, retryMs: undefined },
    { id: undefined, data: "a\nb", retryMs: undefined },
    { id: undefined, data: undefined, retryMs: undefined },
  ]);
});
