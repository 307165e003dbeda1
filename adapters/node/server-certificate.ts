import { X509Certificate } from "node:crypto";

/** What a certificate with which a server shows who it is says of itself. @throws Error for what is no PEM */
export function serverCertificateOf(
  use: string,
  pem: string | Buffer,
): { readonly use: string; readonly subject: string; readonly expiresAtMs: number } {
  const { subject, validTo } = new X509Certificate(pem);
  return { use, subject: subject.replaceAll("\n", ", "), expiresAtMs: Date.parse(validTo) };
}
