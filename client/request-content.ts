/** What `fetch` takes for the content of a request: text, bytes, a `Blob`, a stream. */
export type RequestContent = NonNullable<RequestInit["body"]>;
