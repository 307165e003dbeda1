import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { openSqliteAlertOutbox } from "../../adapters/local/sqlite-alert-outbox.ts";
import type { Configuration, MailConfiguration } from "../../adapters/node/configuration/configuration.ts";
import { serverCertificateOf } from "../../adapters/node/server-certificate.ts";
import { createWebhookSender } from "../../adapters/node/webhook-sender.ts";
import { limits } from "../../core/limits.ts";
import type { AccountingLog } from "../../ports/accounting-log.ts";
import type { DeadLetters } from "../../ports/dead-letters.ts";
import type { Mailer } from "../../ports/mailer.ts";
import { createAlertHandler } from "../../service/alerts/alert-handler.ts";
import { AlertSender } from "../../service/alerts/alert-sender.ts";
import { type Mail, standardPace } from "../../service/alerts/alert-services.ts";
import { type ServerCertificate, Watches } from "../../service/alerts/watches.ts";
import type { EventHandler } from "../../service/consume/event-consumer.ts";
import { dataFiles } from "../cli/data-directory.ts";
import type { LocalServerOptions } from "./front.ts";

export interface AlertParts {
  readonly configuration: () => Configuration;
  readonly accounting: AccountingLog;
  readonly deadLetters: DeadLetters;
}

/** What tells people and programs about events. */
export interface LocalAlerts {
  /** Sends what an earlier process left, and from then on what the handler is given. */
  start(parts: AlertParts): Promise<EventHandler>;
  /** Ends what is under way, for at most limits.drainMs; the rest waits for the next start. */
  stop(): Promise<void>;
}

/** @throws Error in words for the operator when the outbox cannot be used. */
export async function openAlerts({ dataDirectory, runtime }: LocalServerOptions): Promise<LocalAlerts> {
  const outbox = await openSqliteAlertOutbox({ file: join(dataDirectory, "alerts.sqlite"), now: runtime.now });
  let sender: AlertSender | undefined;
  let watches: Watches | undefined;
  let closeMail = () => {};
  return {
    start: async ({ configuration, accounting, deadLetters }) => {
      const mail = createMail(() => configuration().mail);
      closeMail = mail.close;
      const services = {
        rules: () => configuration().alerts,
        dispatchRules: () => configuration().dispatch,
        mail: mail.current,
        webhooks: createWebhookSender(runtime),
        outbox,
        deadLetters,
        accounting,
        runtime,
        serverName: configuration().server.name,
        pace: standardPace,
      };
      sender = new AlertSender(services);
      await sender.start();
      watches = new Watches({
        ...services,
        accounts: () => configuration().accounts.values(),
        certificates: () => serverCertificates(configuration(), dataFiles(dataDirectory).tlsCertificate),
      });
      watches.start();
      return createAlertHandler(services, sender);
    },
    stop: async () => {
      await watches?.stop();
      const timeLimit = new Promise((resolve) => setTimeout(resolve, limits.drainMs).unref());
      await Promise.race([sender?.stop(), timeLimit]);
      closeMail();
      await outbox.close();
    },
  };
}

/** Those of the configuration, and that of the data directory where FTPS uses it. */
function serverCertificates({ server }: Configuration, dataFile: string): readonly ServerCertificate[] {
  const ftps = server.ftps && (server.ftps.tls?.certificate ?? readFileSync(dataFile, "utf8"));
  const pems = Object.entries({ ftps, http: server.http?.tls?.certificate });
  return pems.flatMap(([use, pem]) => (pem === undefined ? [] : [serverCertificateOf(use, pem)]));
}

/** The mailer of the configuration in force: another one when that changes. */
function createMail(configured: () => MailConfiguration | undefined): { current(): Mail | undefined; close(): void } {
  let known: { readonly settings: MailConfiguration; readonly mailer: Mailer } | undefined;
  return {
    current: () => {
      const settings = configured();
      if (!isDeepStrictEqual(settings, known?.settings)) {
        known?.mailer.close();
        known = settings && { settings, mailer: mailerOf(settings) };
      }
      return known && { mailer: known.mailer, from: known.settings.from };
    },
    close: () => known?.mailer.close(),
  };
}

/** The library is loaded by the first mailer: servers that have none start sooner. */
function mailerOf({ smtp, requireTls, ca }: MailConfiguration): Mailer {
  const mailer = import("../../adapters/node/smtp-mailer.ts").then(({ createSmtpMailer }) =>
    createSmtpMailer({ url: smtp, requireTls, authorities: ca }),
  );
  return {
    send: async (message) => (await mailer).send(message),
    close: () => void mailer.then((opened) => opened.close()),
  };
}
