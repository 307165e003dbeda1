import nodemailer from "nodemailer";
import type { SMTPPoolOptions } from "nodemailer/lib/smtp-pool";
import { DeliveryError } from "../../core/delivery.ts";
import { limits } from "../../core/limits.ts";
import type { EmailMessage, Mailer } from "../../ports/mailer.ts";
import { composeEmail } from "./email-composition.ts";

export interface SmtpOptions {
  /** `smtp://` or `smtps://` with host and port, and the user's name and password where the server wants them. */
  readonly url: string;
  /**
   * TLS with a certificate that is checked, or no delivery. By default TLS is taken where it is offered and its
   * certificate is not checked (RFC 7435), unless a password goes to another machine.
   */
  readonly requireTls?: boolean | undefined;
  /** PEM certificates of authorities that are trusted beside those that Node knows. */
  readonly authorities?: string | undefined;
}

/** Sends mail over SMTP (RFC 5321), with STARTTLS (RFC 3207) or TLS from the start (RFC 8314). */
export function createSmtpMailer(options: SmtpOptions): Mailer {
  const transport = nodemailer.createTransport({ ...transportOptions(options), pool: true });
  return {
    send: async (message) => {
      const raw = await composeEmail(message);
      try {
        const { rejected } = await transport.sendMail({ envelope: envelopeOf(message), raw });
        return { refused: rejected };
      } catch (error) {
        throw deliveryError(error);
      }
    },
    close: () => transport.close(),
  };
}

function envelopeOf({ from, to, cc, bcc }: EmailMessage): { from: string; to: string[] } {
  return { from, to: [...new Set([...to, ...cc, ...bcc])] };
}

function transportOptions({ url, requireTls, authorities }: SmtpOptions): SMTPPoolOptions {
  const { protocol, hostname, port, username, password } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const secure = protocol === "smtps:";
  const mustProtect = requireTls ?? (username !== "" && !isLoopback(host));
  return {
    host,
    secure,
    ...(port !== "" && { port: Number(port) }),
    ...(username !== "" && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    requireTLS: mustProtect,
    opportunisticTLS: !mustProtect,
    tls: { rejectUnauthorized: secure || mustProtect, ...(authorities && { ca: authorities }) },
    connectionTimeout: limits.smtpConnectMs,
    greetingTimeout: limits.smtpGreetingMs,
    socketTimeout: limits.smtpIdleMs,
    dnsTimeout: limits.smtpConnectMs,
    maxConnections: limits.smtpConnections,
    maxMessages: limits.smtpMessagesPerConnection,
    // A connection lost between two messages is no reason to fail; more is for the caller to repeat.
    maxRequeues: 1,
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/**
 * Replies of 500 and above about the message itself are final (RFC 5321 §4.2.1); one about the login or TLS is mended
 * by people, and so is 530, which asks for a login.
 */
function deliveryError(error: unknown): DeliveryError {
  const { code, responseCode = 0, response } = error as SmtpError;
  const isAboutMessage = code === "EENVELOPE" || code === "EMESSAGE";
  const isFinal = isAboutMessage && responseCode >= 500 && responseCode !== 530;
  const reply = response === undefined ? "" : `: ${response.replace(/[\p{Cc}]+/gu, " ").slice(0, replyLength)}`;
  const reason = reasons[code ?? ""] ?? "the mail server refused the message";
  return new DeliveryError(`${reason}${reply}`, { retriable: !isFinal, cause: error });
}

interface SmtpError {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

const replyLength = 300;

const unreachable = "the mail server cannot be reached";

const reasons: Readonly<Record<string, string>> = {
  EAUTH: "the mail server refused the login",
  ETLS: "the connection to the mail server could not be protected by TLS",
  ECONNECTION: unreachable,
  ECONNREFUSED: unreachable,
  ESOCKET: unreachable,
  EDNS: "the mail server's name could not be resolved",
  ETIMEDOUT: "the mail server did not answer in time",
  EPROTOCOL: "the mail server does not speak SMTP",
};
