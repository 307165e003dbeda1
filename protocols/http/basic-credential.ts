import type { Credential } from "../../core/credential.ts";

// RFC 7617 §2: neither part may have control characters, and the name ends at the first colon.
const userPass = /^(?<username>[^\p{Cc}:]*):(?<password>\P{Cc}*)$/u;
const basic = /^basic +(?<token>[A-Za-z0-9+/]+={0,2})$/i;

/**
 * Reads the value of an Authorization header in the scheme Basic with charset UTF-8 (RFC 7617). Answers undefined
 * for another scheme and for anything that breaks the form.
 */
export function parseBasicCredential(header: string): Credential | undefined {
  const token = basic.exec(header.trim())?.groups?.token;
  const text = token === undefined ? undefined : decodeUtf8(Buffer.from(token, "base64"));
  const { username, password } = (text === undefined ? undefined : userPass.exec(text)?.groups) ?? {};
  if (username === undefined || password === undefined) return undefined;
  return { kind: "password", username, password };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
