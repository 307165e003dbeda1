import ssh2 from "ssh2";

/**
 * A new key pair in OpenSSH's form. ssh2 1.17 leaves out the leading zero byte of about one Ed25519 key in 200, and
 * nobody can read what comes out; another is made then.
 */
export function generateSshKeyPair(type: "ed25519" | "rsa" | "ecdsa" = "ed25519"): { private: string; public: string } {
  for (;;) {
    const pair = generated(type);
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

function generated(type: "ed25519" | "rsa" | "ecdsa"): { private: string; public: string } {
  if (type === "rsa") return ssh2.utils.generateKeyPairSync("rsa", { bits: 2048, comment: "test" });
  if (type === "ecdsa") return ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256, comment: "test" });
  return ssh2.utils.generateKeyPairSync("ed25519", { comment: "test" });
}
