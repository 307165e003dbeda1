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

/**
 * How users recognize a host key: `SHA256:… (ED25519)`, as OpenSSH shows it.
 * @throws Error when the text is not a host key
 */
export function hostKeyFingerprint(hostKey: string): string {
  const parsed = ssh2.utils.parseKey(hostKey);
  if (parsed instanceof Error) throw parsed;
  const digest = createHash("sha256").update(parsed.getPublicSSH()).digest("base64").replace(/=+$/, "");
  const [, kind = parsed.type] = /^(?:ssh-)?(ed25519|ecdsa|rsa)/.exec(parsed.type) ?? [];
  return `SHA256:${digest} (${kind.toUpperCase()})`;
}
