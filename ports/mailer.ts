/** One message to send. Addresses are plain (`ops@example.com`); header values are one line. */
export interface EmailMessage {
  /** Without angle brackets; the same for every attempt, so that a repetition can be told (RFC 5322 §3.6.4). */
  readonly messageId: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly cc: readonly string[];
  readonly bcc: readonly string[];
  readonly subject: string;
  /** The text body, lines ended by `\n`. */
  readonly text: string;
  /** The same for people, as HTML; what mail programs show where it is there (RFC 2046 §5.1.4). */
  readonly html?: string | undefined;
}

/** The way out for e-mail. */
export interface Mailer {
  /**
   * Resolves when a mail server has taken the message for every recipient that it accepts; `refused` are the others.
   * @throws DeliveryError
   */
  send(message: EmailMessage): Promise<{ readonly refused: readonly string[] }>;
  close(): void;
}
