const unsupported = "it was made in a way that is not supported";

/** What may go wrong, by how OpenPGP.js says it; the first that fits counts. */
const sentences: readonly (readonly [RegExp, string])[] = [
  [
    /message is not authenticated/i,
    "the message has no integrity protection, so it could have been changed on the way",
  ],
  [/modification detected|tag mismatch|integrity check failed/i, "the message was changed, or is damaged"],
  [
    /session key|no decryption key|^decryption (?:error|failed)/i,
    "the message is for none of these keys, or the part with its key is damaged",
  ],
  [/no (?:symmetrically )?encrypted data/i, "it is no encrypted message"],
  [/gnu-dummy|key is not decrypted/i, "the private key is not here"],
  [/valid encryption key packet|encryption key/i, "the key cannot encrypt: it has no valid part for that"],
  [/valid signing key packet|need private key/i, "the key cannot sign: it has no valid part for that"],
  [/could not find signing key/i, "it was made with another key"],
  [/not issued by|does not match issuer/i, "it was made with another key"],
  [/signature verification failed|digest|signature did not match/i, "the content is not what was signed"],
  [/signature is expired/i, "the signature has expired"],
  [/in the future/i, "the signature was made in the future, by this machine's clock"],
  [/insecure (?:message )?hash|hash algorithm too weak/i, "it was made with a hash that is not safe any more"],
  [/too weak/i, "the key is too short to be safe"],
  [/revoked/i, "the key, or a part of it, is revoked"],
  [/key is expired|subkey is expired/i, "the key has expired"],
  [/missing private-key packet|not of type private key|no secret key/i, "it is no private key"],
  [/not of type key|missing public-key packet|no key packet/i, "it is no key"],
  [/decompressed message size|decompress/i, "what was compressed in it cannot be unpacked"],
  [/ended prematurely|unexpected end|premature/i, "it ends too early"],
  [/passphrase|S2K/i, "the way in which the private key is locked is not supported"],
  [/unsupported|not supported|unknown (?:s2k|public key|signature|critical|elliptic)|version .* of the/i, unsupported],
  [/armor|header|checksum/i, "its armor is damaged"],
  [/parsing|conform|unexpected packet|unexpected type|mandatory blank line/i, "it is not OpenPGP, or is damaged"],
];

const otherwise = "it is damaged, or made in a way that is not supported";

/** A failure of OpenPGP.js in our words, as the end of a sentence: its own are for programmers, and change. */
export function pgpFailure(error: unknown): string {
  const text = error instanceof Error ? error.message : `${error}`;
  return sentences.find(([pattern]) => pattern.test(text))?.[1] ?? otherwise;
}
