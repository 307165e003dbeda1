/** Files in other forms, piece by piece: no more than a few pieces are held at a time. */
export interface ContentConversions {
  /** Compressed as one gzip member (RFC 1952) without a time or name: the same content always gives the same bytes. */
  gzip(content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** What was compressed so. @throws FileError `integrity` for bytes that are no gzip, or end too soon. */
  gunzip(content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  utf8(text: string): Uint8Array;
  /** The text of UTF-8; what is none becomes U+FFFD. */
  text(bytes: Uint8Array): string;
}
