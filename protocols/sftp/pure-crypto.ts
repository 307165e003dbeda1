import { createSecretKey, type KeyObject } from "node:crypto";

/** Where ssh2 1.17 keeps the secrets of its JavaScript ciphers and deciphers (lib/protocol/crypto.js). */
const secretFields = [
  "_encKey",
  "_decipherKey",
  "_encKeyMain",
  "_encKeyPktLen",
  "_decKeyMain",
  "_decKeyPktLen",
  "_macKey",
] as const;

type CipherState = { [field in (typeof secretFields)[number]]?: Uint8Array | KeyObject };

interface ConnectionInternals {
  readonly _protocol?: { readonly _cipher?: CipherState; readonly _decipher?: CipherState };
}

/**
 * Without its native addon ssh2 hands Node the raw secret again with every packet, and Node spends more time on
 * taking it in than on the cipher. This gives the connection's current ciphers `KeyObject`s, which Node takes in
 * once, and wipes the raw bytes. To be called at each `handshake` event, for ssh2 makes new ciphers at every
 * exchange of keys. A native cipher has none of these fields and is left alone.
 */
export function useKeyObjects(connection: object): void {
  const protocol = (connection as ConnectionInternals)._protocol;
  for (const state of [protocol?._cipher, protocol?._decipher]) {
    if (state !== undefined) convertSecrets(state);
  }
}

function convertSecrets(state: CipherState): void {
  for (const field of secretFields) {
    const secret = state[field];
    if (!(secret instanceof Uint8Array)) continue;
    state[field] = createSecretKey(secret);
    secret.fill(0);
  }
}
