/** OpenPGP messages (RFC 9580), piece by piece. Keys go by the names that the configuration gives them. */
export interface OpenPgp {
  /** @throws FileError `not-found` for a key that there is not, `integrity` for one that cannot be used */
  encrypt(content: AsyncIterable<Uint8Array>, options: PgpEncryption): AsyncIterable<Uint8Array>;
  /**
   * The content of an encrypted message. It is good only when it has come to its end: whoever publishes it before
   * publishes what may have been tampered with.
   * @throws FileError `integrity` for a message that is none, is for other keys, lacks integrity protection, was
   * changed, or is not signed as it has to be
   */
  decrypt(content: AsyncIterable<Uint8Array>, options: PgpDecryption): AsyncIterable<Uint8Array>;
  /** The content of a signed message that is not encrypted. Good only at its end. @throws as {@link decrypt} */
  verify(content: AsyncIterable<Uint8Array>, signedBy: readonly string[]): AsyncIterable<Uint8Array>;
  /** Whether one of the keys has signed the content, by a signature beside it. @throws as {@link decrypt} */
  verifyDetached(content: AsyncIterable<Uint8Array>, signature: Uint8Array, signedBy: readonly string[]): Promise<void>;
}

export interface PgpEncryption {
  /** Names of keys: whoever has one of their private keys can read the message. */
  readonly recipients: readonly string[];
  /** The name of the key that signs, if any. */
  readonly signer: string | undefined;
  /** As text, for channels that change bytes. */
  readonly armor: boolean;
}

export interface PgpDecryption {
  /** Names of keys with a private key. */
  readonly recipients: readonly string[];
  /** When there are any, the message has to be signed by one of them. */
  readonly signedBy: readonly string[];
}
