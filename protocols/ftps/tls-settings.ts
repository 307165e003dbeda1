import { constants, randomBytes } from "node:crypto";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { limits } from "../../core/limits.ts";

/** PEM texts. */
export interface TlsMaterial {
  /** The server's certificate, its intermediates behind it. */
  readonly certificate: string;
  readonly privateKey: string;
  /** Whose certificates log their owners in; undefined switches that off. */
  readonly clientCertificateAuthorities?: string | undefined;
  /** With these, every authority of a client's chain must have a list that is in date. */
  readonly revocationLists?: string | undefined;
}

/** Whether a data connection resumes the TLS session of its control connection; `off` makes it impossible. */
export type SessionReuse = "required" | "preferred" | "off";

/** Forward secret and authenticated only: what RFC 9325 §4.2 recommends, in Node's order of preference. */
const cipherSuites = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/** Node's own size: a name, and secrets for the cipher and the MAC of session tickets. */
const ticketSecretBytes = 48;

/** Certificates in force, read again on `reload`. Each control connection gets TLS settings of its own. */
export class TlsSettings {
  readonly #load: () => TlsMaterial;
  #material: TlsMaterial;

  /** @throws what `load` and OpenSSL throw for material that cannot be used. */
  constructor(load: () => TlsMaterial) {
    this.#load = load;
    this.#material = checked(load());
  }

  /** For connections to come; unusable material leaves the old in force. @throws as the constructor. */
  reload(): void {
    this.#material = checked(this.#load());
  }

  get asksForCertificates(): boolean {
    return this.#material.clientCertificateAuthorities !== undefined;
  }

  /**
   * For one control connection and its data connections. The secret of its session tickets is made for it alone, so
   * that no other client, however well it is logged in, can resume its TLS session on a port that it has guessed.
   */
  forConnection(): SecureContextOptions {
    return contextOptions(this.#material);
  }
}

/** As `options`, but sessions of the one cannot be resumed with the other. */
export function withoutResumption(options: SecureContextOptions): SecureContextOptions {
  return { ...options, ticketKeys: randomBytes(ticketSecretBytes) };
}

function checked(material: TlsMaterial): TlsMaterial {
  createSecureContext(contextOptions(material));
  return material;
}

function contextOptions(material: TlsMaterial): SecureContextOptions {
  return {
    cert: material.certificate,
    key: material.privateKey,
    ...(material.clientCertificateAuthorities !== undefined && { ca: material.clientCertificateAuthorities }),
    ...(material.revocationLists !== undefined && { crl: material.revocationLists }),
    ciphers: cipherSuites,
    // Said aloud, because Node's default differs between servers and contexts, and a TLS 1.3 session can only be
    // resumed with the hash of the cipher suite that it was made with.
    honorCipherOrder: true,
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    sessionIdContext: "ferrygate-ftps",
    sessionTimeout: limits.ftpsTlsSessionSeconds,
    ticketKeys: randomBytes(ticketSecretBytes),
  };
}
