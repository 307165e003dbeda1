import ssh2, { type Algorithms, type EncryptedPrivateKey, type ParsedKey } from "ssh2";

/**
 * What is offered, best first: nothing that rests on SHA-1, CBC, or a MAC computed before encryption. Of the key
 * exchanges that ssh2 knows, those over NIST curves and 2048-bit groups are what auditors warn of, and larger groups
 * cost tens of milliseconds of the event loop before anyone has logged in. Compression is off: it lets a client send
 * a little that becomes a lot.
 */
const alwaysOffered = {
  kex: ["curve25519-sha256", "curve25519-sha256@libssh.org"],
  hmac: ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"],
  compress: ["none"],
} as const;

/**
 * `strict` offers what auditors ask for. `compatible` offers, behind all of that, what clients of years ago know:
 * exchanges of keys over NIST curves and in a large group, and MACs computed before encryption; SHA-1, CBC and smaller
 * groups never.
 */
export type AlgorithmPolicy = "strict" | "compatible";

const olderKex = [
  "ecdh-sha2-nistp256",
  "ecdh-sha2-nistp384",
  "ecdh-sha2-nistp521",
  "diffie-hellman-group16-sha512",
  "diffie-hellman-group14-sha256",
] as const;

const olderMacs = ["hmac-sha2-256", "hmac-sha2-512"] as const;

const aesCiphers = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr", "aes128-ctr"] as const;
const chacha20Poly1305 = "chacha20-poly1305@openssh.com";

/** ChaCha20 in JavaScript costs four times what AES does, and many clients would choose it. */
export function offeredAlgorithms(hasNativeCiphers: boolean, policy: AlgorithmPolicy): Algorithms {
  const [firstGcm, secondGcm, ...older] = aesCiphers;
  const isCompatible = policy === "compatible";
  return {
    kex: [...alwaysOffered.kex, ...(isCompatible ? olderKex : [])],
    hmac: [...alwaysOffered.hmac, ...(isCompatible ? olderMacs : [])],
    compress: [...alwaysOffered.compress],
    cipher: hasNativeCiphers ? [firstGcm, secondGcm, chacha20Poly1305, ...older] : [...aesCiphers],
  };
}

/**
 * libssh2 before 1.11 (the SFTP of curl in many distributions) and JSch know only MACs that are computed before
 * encryption, which auditors warn of. They are offered to these clients alone, by how the client introduces itself.
 */
export function olderMacsFor(clientSoftware: string): readonly string[] {
  const isOld = /^(?:libssh2_1\.(?:[0-9]|10)(?:\D|$)|JSCH)/i.test(clientSoftware);
  return isOld ? olderMacs : [];
}

/** RSA keys sign with SHA-2 (RFC 8332), never with SHA-1 as plain `ssh-rsa` does. */
const rsaSignatures = ["rsa-sha2-512", "rsa-sha2-256"] as const;

/**
 * Reads private host keys (PEM or OpenSSH's format) for ssh2, in the order of preference. ssh2 offers `ssh-rsa` for
 * every RSA key whatever is asked of it, so it is given such a key once under the name of each signature instead.
 * @throws Error when one cannot be read or is encrypted.
 */
export function readHostKeys(hostKeys: readonly string[]): EncryptedPrivateKey[] {
  return hostKeys.flatMap((text) => {
    const parsed: ParsedKey | Error = ssh2.utils.parseKey(text);
    if (parsed instanceof Error) throw new Error(`a host key cannot be read: ${parsed.message}`);
    if (!parsed.isPrivateKey()) throw new Error("a host key is not a private key");
    if (parsed.type !== "ssh-rsa") return [{ key: parsed }];
    return rsaSignatures.map((type) => ({ key: Object.create(parsed, { type: { value: type } }) as ParsedKey }));
  });
}
