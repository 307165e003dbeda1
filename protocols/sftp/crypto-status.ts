import { createRequire } from "node:module";

// The one place where ssh2 says whether its native ciphers were loaded; its types do not describe this file.
const { bindingAvailable } = createRequire(import.meta.url)("ssh2/lib/protocol/crypto.js") as {
  readonly bindingAvailable: boolean;
};

/** Which ciphers SFTP runs on, for the log at the start: `description` is one phrase for the operator. */
export function sshCryptoStatus(): { readonly native: boolean; readonly description: string } {
  return bindingAvailable
    ? { native: true, description: "native ciphers" }
    : {
        native: false,
        description: "JavaScript ciphers, which need more CPU (node scripts/native-crypto.mjs says why)",
      };
}
