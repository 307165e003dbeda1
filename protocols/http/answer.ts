/** A small answer, complete in memory. Large content travels as a stream in a Response. */
export interface Answer {
  readonly status: number;
  readonly mediaType: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** For data that no browser should render, keep or hand to a page of another origin. */
export const protectiveHeaders = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
} as const;

export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, mediaType: "application/json", text: JSON.stringify(value), headers };
}

/** With Content-Length, so that HEAD can say how long the content of GET is (RFC 9110 §8.6). */
export function toResponse(answer: Answer): Response {
  const { bytes, headers } = encoded(answer);
  return new Response(bytes, { status: answer.status, headers });
}

/** The answer as an HTTP/1.1 message that ends its connection (RFC 9112 §9.6), for when there is no request. */
export function toFinalMessage(answer: Answer, reason: string): Buffer {
  const { bytes, headers } = encoded(answer);
  const fields = Object.entries({ ...headers, connection: "close", date: new Date().toUTCString() });
  const head = [`HTTP/1.1 ${answer.status} ${reason}`, ...fields.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), bytes]);
}

function encoded({ mediaType, text, headers }: Answer): { bytes: Buffer; headers: Record<string, string> } {
  const bytes = Buffer.from(text);
  const contentHeaders = { "content-type": mediaType, "content-length": `${bytes.length}` };
  return { bytes, headers: { ...protectiveHeaders, ...headers, ...contentHeaders } };
}
