import type { TLSSocket } from "node:tls";
import { ProvenCertificate } from "../../core/credential.ts";

/** The client's certificate, when one of the listener's authorities vouches for it and it names exactly one owner. */
export function provenCertificateOf(socket: TLSSocket): ProvenCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  const commonName: unknown = certificate?.toLegacyObject().subject?.CN;
  if (certificate === undefined || typeof commonName !== "string") return undefined;
  return ProvenCertificate.prove({ commonName, sha256: certificate.fingerprint256 }, () => socket.authorized);
}
