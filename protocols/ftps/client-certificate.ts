import type { TLSSocket } from "node:tls";
import { ProvenCertificate } from "../../core/credential.ts";

/** The client's certificate, when one of the listener's authorities vouches for it and it names exactly one owner. */
export function provenCertificateOf(socket: TLSSocket): ProvenCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  const commonName: unknown = certificate?.toLegacyObject().subject?.CN;
  if (certificate === undefined || typeof commonName !== "string") return undefined;
  const proven = { commonName, sha256: certificate.fingerprint256, pem: certificate.toString() };
  return ProvenCertificate.prove(proven, () => socket.authorized);
}

/** Why the certificate that the client sent does not count; undefined when it does, or when there is none. */
export function certificateProblemOf(socket: TLSSocket): string | undefined {
  if (!socket.getPeerX509Certificate() || provenCertificateOf(socket)) return undefined;
  // What Node's types call an error is the name of one, such as CERT_HAS_EXPIRED.
  return socket.authorized ? "it names no owner" : `${socket.authorizationError}`;
}
