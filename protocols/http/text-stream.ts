import { protectiveHeaders } from "./answer.ts";
import type { StreamedReply } from "./operation.ts";

/** A response whose text is made while it is sent, no faster than the client reads. */
export function textStream(pieces: AsyncGenerator<string, void>, mediaType: string): StreamedReply {
  const finished = Promise.withResolvers<void>();
  const encoder = new TextEncoder();
  const content = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await pieces.next();
          if (!done) return controller.enqueue(encoder.encode(value));
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        finished.resolve();
      },
      async cancel() {
        finished.resolve();
        await pieces.return();
      },
    },
    { highWaterMark: 0 },
  );
  const headers = { ...protectiveHeaders, "content-type": mediaType, vary: "accept" };
  return { response: new Response(content, { headers }), finished: finished.promise };
}
