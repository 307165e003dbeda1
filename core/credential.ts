/**
 * A public key whose owner has signed this session's identifier with it. The constructor runs the check, so a
 * `ProvenKey` that exists has been proven: a key that was only offered cannot take its place (RFC 4252 §7).
 */
export class ProvenKey {
  readonly algorithm: string;
  /** Wire form in base64. */
  readonly blob: string;

  private constructor(algorithm: string, blob: string) {
    this.algorithm = algorithm;
    this.blob = blob;
  }

  /** `verify` must check the signature over the session identifier; anything but `true` proves nothing. */
  static prove(offered: { algorithm: string; blob: string }, verify: () => boolean): ProvenKey | undefined {
    return verify() === true ? new ProvenKey(offered.algorithm, offered.blob) : undefined;
  }
}

/**
 * A client certificate that an authority of the listener vouches for, and whose owner has proven possession of it in
 * the TLS handshake. The constructor runs the check, as that of {@link ProvenKey} does.
 */
export class ProvenCertificate {
  /** The one common name of its subject; the account's name when it is to log in. */
  readonly commonName: string;
  /** SHA-256 of the certificate in hex, its bytes parted by colons. */
  readonly sha256: string;
  readonly pem: string;

  private constructor(certificate: { commonName: string; sha256: string; pem: string }) {
    this.commonName = certificate.commonName;
    this.sha256 = certificate.sha256;
    this.pem = certificate.pem;
  }

  /** `verify` must say whether TLS verified chain, dates and revocation; anything but `true` proves nothing. */
  static prove(
    certificate: { commonName: string; sha256: string; pem: string },
    verify: () => boolean,
  ): ProvenCertificate | undefined {
    return verify() === true ? new ProvenCertificate(certificate) : undefined;
  }
}

/** What a client presents to say who it is. */
export type Credential =
  | { readonly kind: "password"; readonly username: string; readonly password: string }
  | { readonly kind: "public-key"; readonly username: string; readonly provenKey: ProvenKey }
  | { readonly kind: "client-certificate"; readonly username: string; readonly provenCertificate: ProvenCertificate };
