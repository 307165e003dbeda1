import { createPrivateKey, X509Certificate } from "node:crypto";
import { limits } from "../core/limits.ts";
import type { TlsMaterial } from "../protocols/ftps/tls-settings.ts";
import { readHostKeys } from "../protocols/sftp/algorithms.ts";

const hostKeyNames = ["ed25519", "ecdsa", "rsa"] as const;

/**
 * The SSH host keys of `{"ed25519": PEM, "ecdsa": PEM, "rsa": PEM}`, of which one is enough, the preferred first.
 * @throws Error that says what is wrong
 */
export function readHostKeysSecret(text: string): readonly string[] {
  const members = membersOf(text);
  const unknown = Object.keys(members).find((name) => !hostKeyNames.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`${JSON.stringify(unknown)} is not one of ${hostKeyNames.join(", ")}`);
  const hostKeys = hostKeyNames.flatMap((name) => members[name] ?? []);
  if (hostKeys.length === 0) throw new Error(`it has none of ${hostKeyNames.join(", ")}`);
  readHostKeys(hostKeys);
  return hostKeys;
}

/**
 * The certificate of FTPS, of `{"certificate": PEM chain, "privateKey": PEM}`.
 * @throws Error that says what is wrong
 */
export function readTlsSecret(text: string): TlsMaterial {
  const { certificate, privateKey } = membersOf(text);
  if (certificate === undefined) throw new Error("certificate is missing");
  if (privateKey === undefined) throw new Error("privateKey is missing");
  if (!belongTogether(certificate, privateKey)) throw new Error("privateKey is not that of certificate");
  return { certificate, privateKey };
}

/** A parser's own message would quote what it reads. */
function membersOf(text: string): Readonly<Record<string, string>> {
  if (Buffer.byteLength(text) > limits.secretBytes) throw new Error(`it has more than ${limits.secretBytes} bytes`);
  const value = parsed(text);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject) throw new Error("it is not a JSON object");
  const other = Object.entries(value).find(([, member]) => typeof member !== "string");
  if (other) throw new Error(`${other[0]} is not text`);
  return value as Readonly<Record<string, string>>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** False also for what is no certificate or no private key. */
function belongTogether(certificate: string, privateKey: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return false;
  }
}
