export interface ServerSentEvent {
  /** Where to go on behind it (`Last-Event-ID`). */
  readonly id: string | undefined;
  /** Undefined where only the id or the time to wait was told. */
  readonly data: string | undefined;
  /** How long to wait before coming back, in milliseconds. */
  readonly retryMs: number | undefined;
}

/** Reads an event stream (HTML Living Standard §9.2.6), block by block; what is broken off at its end is left out. */
export async function* serverSentEvents(content: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent, void> {
  let lines: string[] = [];
  for await (const line of linesOf(content)) {
    if (line !== "") lines.push(line);
    else {
      yield eventOf(lines);
      lines = [];
    }
  }
}

async function* linesOf(content: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of content) {
    text += decoder.decode(chunk, { stream: true });
    // A CR at the end may be the first half of a line's end.
    const end = text.endsWith("\r") ? text.length - 1 : text.length;
    const lines = text.slice(0, end).split(/\r\n|\r|\n/);
    text = (lines.pop() ?? "") + text.slice(end);
    yield* lines;
  }
  if (text.endsWith("\r")) yield text.slice(0, -1);
}

function eventOf(lines: readonly string[]): ServerSentEvent {
  const fields = lines.map((line) => /^(?<name>[^:]*):? ?(?<value>.*)$/s.exec(line)?.groups ?? {});
  const valuesOf = (name: string) => fields.filter((field) => field.name === name).map(({ value = "" }) => value);
  const data = valuesOf("data");
  const retry = valuesOf("retry").findLast((value) => /^\d+$/.test(value));
  return {
    id: valuesOf("id").at(-1),
    data: data.length === 0 ? undefined : data.join("\n"),
    retryMs: retry === undefined ? undefined : Number(retry),
  };
}
