import type { OpenPgp } from "../../ports/openpgp.ts";
import type { PgpKeyMaterial } from "./pgp-keys.ts";

/** As createOpenPgp, with a library that the first use loads: servers that never use it start sooner. */
export function openPgpWhenUsed(keys: () => readonly PgpKeyMaterial[]): OpenPgp {
  let loaded: Promise<OpenPgp> | undefined;
  const load = () => {
    loaded ??= import("./openpgp.ts").then(({ createOpenPgp }) => createOpenPgp(keys));
    return loaded;
  };
  return {
    encrypt: async function* (content, options) {
      yield* (await load()).encrypt(content, options);
    },
    decrypt: async function* (content, options) {
      yield* (await load()).decrypt(content, options);
    },
    verify: async function* (content, signedBy) {
      yield* (await load()).verify(content, signedBy);
    },
    verifyDetached: async (content, signature, signedBy) => (await load()).verifyDetached(content, signature, signedBy),
  };
}
