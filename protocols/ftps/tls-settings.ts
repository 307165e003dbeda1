import { constants, randomBytes } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { isDeepStrictEqual } from "node:util";
import { limits } from "../../core/limits.ts";

/** PEM texts. */
export interface TlsMaterial {
  /** The server's certificate, its intermediates behind it. */
  readonly certificate: string;
  readonly privateKey: string;
  /** Undefined: no client is asked for a certificate. */
  readonly clientCertificates?: ClientCertificateSettings | undefined;
}

/** Whose certificates log their owners in. */
export interface ClientCertificateSettings {
  /** PEM. No other authority counts. */
  readonly authorities: string;
  /** PEM, one list a text. With any, every authority of a client's chain must have a list that is in date. */
  readonly revocationLists: readonly string[];
  /** No password is taken. */
  readonly required: boolean;
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

/** Where problems with new certificates are told. */
export interface TlsLog {
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** The certificates in force. Each control connection gets TLS settings of its own. */
export class TlsSettings {
  readonly #load: () => TlsMaterial;
  readonly #log: TlsLog;
  #latest: TlsMaterial;
  #inForce: TlsMaterial;

  /**
   * @param load asked for each connection; an answer that cannot be used is logged once, and the one before it stays
   * @throws what `load` and OpenSSL throw for material that cannot be used at the start.
   */
  constructor(load: () => TlsMaterial, log: TlsLog) {
    this.#load = load;
    this.#log = log;
    this.#latest = load();
    this.#inForce = checked(this.#latest);
  }

  get asksForCertificates(): boolean {
    return this.#current().clientCertificates !== undefined;
  }

  get requiresCertificates(): boolean {
    return this.#current().clientCertificates?.required === true;
  }

  /**
   * For one control connection and its data connections. The secret of its session tickets is made for it alone, so
   * that no other client, however well it is logged in, can resume its TLS session on a port that it has guessed.
   */
  forConnection(): SecureContextOptions {
    return contextOptions(this.#current());
  }

  #current(): TlsMaterial {
    try {
      const latest = this.#load();
      if (isDeepStrictEqual(latest, this.#latest)) return this.#inForce;
      this.#latest = latest;
      this.#inForce = checked(latest);
    } catch (error) {
      this.#log.error("the changed TLS certificates cannot be used; those before stay in force", { error: `${error}` });
    }
    return this.#inForce;
  }
}

/** As `options`, but sessions of the one cannot be resumed with the other. */
export function withoutResumption(options: SecureContextOptions): SecureContextOptions {
  return { ...options, ticketKeys: randomBytes(ticketSecretBytes) };
}

/** What Node does not publish: a callback in which OpenSSL asks for the secrets of a session ticket. */
interface TicketInternals {
  readonly context: {
    getTicketKeys(): Buffer;
    enableTicketKeyCallback(): void;
    onticketkeycallback: (name: Buffer, iv: Buffer, isNew: boolean) => readonly (number | Buffer)[];
  };
}

/** What OpenSSL takes for an answer there (SSL_CTX_set_tlsext_ticket_key_evp_cb). */
const ticketAnswer = { none: 0, use: 1 } as const;

/**
 * Takes the session tickets of the same settings, and sends none. A client that only writes may close its connection
 * without having read the tickets that TLS 1.3 sends behind the handshake, and TCP then resets the connection and
 * drops what is still on its way (RFC 9293 §3.6.1).
 * @throws where Node's inside is another.
 */
export function withoutTickets(secureContext: SecureContext): SecureContext {
  const { context } = secureContext as unknown as TicketInternals;
  const secrets = context.getTicketKeys();
  const [name, mac, cipher] = [0, 16, 32].map((start) => secrets.subarray(start, start + 16));
  if (!name || !mac || !cipher) throw new Error("the secrets of session tickets have another form");
  context.onticketkeycallback = (ticketName, iv, isNew) => {
    if (isNew) return [ticketAnswer.none, mac, cipher, name, iv];
    return [name.equals(ticketName) ? ticketAnswer.use : ticketAnswer.none, mac, cipher];
  };
  context.enableTicketKeyCallback();
  return secureContext;
}

function checked(material: TlsMaterial): TlsMaterial {
  createSecureContext(contextOptions(material));
  return material;
}

function contextOptions({ certificate, privateKey, clientCertificates }: TlsMaterial): SecureContextOptions {
  return {
    cert: certificate,
    key: privateKey,
    ...(clientCertificates && { ca: clientCertificates.authorities, crl: [...clientCertificates.revocationLists] }),
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
