import { once } from "node:events";
import type { AddressInfo } from "node:net";
import PostalMime, { type Email } from "postal-mime";
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from "smtp-server";

export interface ReceivedMail {
  readonly from: string;
  readonly recipients: readonly string[];
  /** Whether it came over TLS, and who had logged in. */
  readonly secure: boolean;
  readonly user: unknown;
  readonly raw: string;
  readonly email: Email;
}

/** A mail server on this machine whose mailbox a test can read. */
export interface MailServer {
  readonly port: number;
  readonly mails: readonly ReceivedMail[];
  /** Resolves when so many mails have arrived in all. */
  arrived(count: number): Promise<readonly ReceivedMail[]>;
  close(): Promise<void>;
}

/** Without options it offers STARTTLS with a certificate that nobody trusts, and wants no login. */
export async function startMailServer(options: SMTPServerOptions & { port?: number } = {}): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const receive = async (stream: AsyncIterable<Buffer>, session: SMTPServerSession) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const raw = Buffer.concat(chunks);
    const { mailFrom, rcptTo } = session.envelope;
    mails.push({
      from: mailFrom ? mailFrom.address : "",
      recipients: rcptTo.map(({ address }) => address),
      secure: session.secure === true,
      user: session.user,
      raw: raw.toString("latin1"),
      email: await PostalMime.parse(raw),
    });
  };
  const server = new SMTPServer({
    authOptional: true,
    logger: false,
    disableReverseLookup: true,
    closeTimeout: 100,
    onData: (stream, session, callback) => {
      const received = () => {
        callback();
        for (const { count, resolve } of waiting) if (mails.length >= count) resolve();
      };
      // A message whose sender hung up is none.
      receive(stream, session).then(received, callback);
    },
    ...options,
  });
  // A client that hangs up in the middle is what some tests are about.
  server.on("error", () => {});
  const listening = server.listen(options.port ?? 0, "127.0.0.1");
  await once(listening, "listening");
  return {
    port: (listening.address() as AddressInfo).port,
    mails,
    arrived: async (count) => {
      if (mails.length < count) await new Promise<void>((resolve) => waiting.push({ count, resolve }));
      return mails;
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
