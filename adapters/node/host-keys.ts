import { createHash } from "node:crypto";
import ssh2 from "ssh2";

/** Private host keys in OpenSSH's form. RSA has 3,072 bits, as NIST SP 800-57 asks for use past 2030;
 * there is no ECDSA key, since auditors refuse NIST curves, and a configuration may name one of its own. */
export const hostKeyMakers = {
  ed25519: () => generated((done) => ssh2.utils.generateKeyPair("ed25519", {}, done)),
  rsa: () => generated((done) => ssh2.utils.generateKeyPair("rsa", { bits: 3072 }, done)),
} as const;

type Done = (error: Error | null, pair: { private: string }) => void;

/**
 * ssh2 1.17 leaves out the leading zero byte of about one Ed25519 key in 200, and nobody can read what comes out;
 * another is made then.
 */
async function generated(generate: (done: Done) => void): Promise<string> {
  for (;;) {
    const text = await new Promise<string>((resolve, reject) => {
      generate((error, pair) => (error ? reject(error) : resolve(pair.private)));
    });
    if (!(ssh2.utils.parseKey(text) instanceof Error)) return text;
  }
}

/** What a secret or a configuration calls a host key by. */
export type HostKeyType = "ed25519" | "ecdsa" | "rsa";

/**
 * How users recognize a host key: `SHA256:… (ED25519)`, as OpenSSH shows it.
 * @throws Error when the text is not a host key
 */
export function hostKeyFingerprint(hostKey: string): string {
  const { publicSsh, type } = parsed(hostKey);
  const digest = createHash("sha256").update(publicSsh).digest("base64").replace(/=+$/, "");
  return `SHA256:${digest} (${type.toUpperCase()})`;
}

/** @throws Error when the text is not a private host key that is readable without a passphrase */
export function hostKeyType(hostKey: string): HostKeyType {
  const { type, isPrivate } = parsed(hostKey);
  if (!isPrivate) throw new Error("it is a public key");
  if (type === "ed25519" || type === "ecdsa" || type === "rsa") return type;
  throw new Error(`${type} is no type of host key here`);
}

function parsed(hostKey: string): { readonly type: string; readonly publicSsh: Buffer; readonly isPrivate: boolean } {
  const found = ssh2.utils.parseKey(hostKey);
  if (found instanceof Error) throw found;
  const [, type = found.type] = /^(?:ssh-)?(ed25519|ecdsa|rsa)/.exec(found.type) ?? [];
  return { type, publicSsh: found.getPublicSSH(), isPrivate: found.isPrivateKey() };
}
